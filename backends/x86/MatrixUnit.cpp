#include "backends/x86/MatrixUnit.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <array>

using namespace mlir;

namespace lathe::x86 {

bool hasMatrixUnit(const Target &target) {
  return target.vectorBits() == 512 && target.has("avx512vnni") && target.has("amx-tile") && target.has("amx-int8");
}

TileShape MatrixUnit::tileFor(int64_t columns, std::optional<int64_t> rows) {
  constexpr int64_t most = 2 * kUnitRows, lanes = kUnitBytes / 4;
  int64_t all = std::max<int64_t>(rows.value_or(most), 1);
  int64_t even = llvm::alignTo(llvm::divideCeil(all, llvm::divideCeil(all, most)), kResultRows);
  return {int(even), columns > lanes ? 2 : 1, int(lanes)};
}

int64_t MatrixUnit::stepsFor(int64_t depth) {
  int64_t steps = llvm::divideCeil(depth, 4);
  return llvm::divideCeil(steps, llvm::divideCeil(steps, kUnitRows));
}

Value MatrixUnit::name(int number) { return s.integer(number, s.i8()); }

void MatrixUnit::call(StringRef name, ValueRange operands) {
  s.b.create<LLVM::CallIntrinsicOp>(s.loc, TypeRange(), s.b.getStringAttr(name), operands, LLVM::FastmathFlagsAttr());
}

/// Memory of LDTILECFG: palette 1; from byte 16 on the bytes of each register's rows, from byte 48 on how many rows it has.
void MatrixUnit::begin(Value memory) {
  std::array<uint8_t, kSettingBytes> setting{1};
  auto set = [&](int number, int64_t rows, int64_t bytes) {
    llvm::support::endian::write16le(&setting[16 + 2 * size_t(number)], uint16_t(bytes));
    setting[48 + size_t(number)] = uint8_t(rows);
  };
  for (int64_t r = 0; r < rowTiles(); ++r) {
    set(left(r), rowsOf(r), 4 * steps);
    for (int v = 0; v < tile.vectors; ++v)
      set(sum(r, v), rowsOf(r), kUnitBytes);
  }
  for (int v = 0; v < tile.vectors; ++v)
    set(right(v), steps, kUnitBytes);
  for (size_t i = 0; i < setting.size(); i += 8)
    s.storeRaw(s.integer(int64_t(llvm::support::endian::read64le(&setting[i])), s.i64()), memory,
               s.index(int64_t(i / 8)));
  call("llvm.x86.ldtilecfg", memory);
}

void MatrixUnit::end() { call("llvm.x86.tilerelease", {}); }

void MatrixUnit::clear() {
  for (int64_t r = 0; r < rowTiles(); ++r)
    for (int v = 0; v < tile.vectors; ++v)
      call("llvm.x86.tilezero", name(sum(r, v)));
}

void MatrixUnit::addProduct(Value a, Value rowBytes, Value b, Value stepBytes) {
  for (int v = 0; v < tile.vectors; ++v)
    call("llvm.x86.tileloadd64", {name(right(v)), s.address(b, s.i8(), s.index(v * kUnitBytes)), stepBytes});
  for (int64_t r = 0; r < rowTiles(); ++r) {
    Value first = s.address(a, s.i8(), s.mul(rowBytes, s.index(r * kUnitRows)));
    call("llvm.x86.tileloadd64", {name(left(r)), first, rowBytes});
    for (int v = 0; v < tile.vectors; ++v)
      call("llvm.x86.tdpbusd", {name(sum(r, v)), name(left(r)), name(right(v))});
  }
}

void MatrixUnit::store(Value to) {
  const int64_t rowBytes = tile.vectors * kUnitBytes;
  for (int64_t r = 0; r < rowTiles(); ++r)
    for (int v = 0; v < tile.vectors; ++v) {
      Value address = s.address(to, s.i8(), s.index(r * kUnitRows * rowBytes + v * kUnitBytes));
      call("llvm.x86.tilestored64", {name(sum(r, v)), address, s.index(rowBytes)});
    }
}

} // namespace lathe::x86
