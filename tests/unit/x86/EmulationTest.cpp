// Emulated instructions give the bits that Intel's Software Developer's Manual (volume 2) defines, written down here once more, one
// lane at a time; where this machine has the instructions they are held to it too.
#include "backends/run/KernelImage.h"
#include "backends/x86/CodeImage.h"
#include "backends/x86/MachineCode.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Intrinsics.h"
#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cstring>
#include <random>

using namespace llvm;

namespace {
using Lanes = std::array<int32_t, 16>;

template <class T> T element(int32_t lane, unsigned i) {
  T value;
  std::memcpy(&value, reinterpret_cast<const char *>(&lane) + i * sizeof(T), sizeof(T));
  return value;
}

int32_t dotOfBytes(int32_t acc, int32_t a, int32_t b) {
  uint32_t sum = uint32_t(acc);
  for (unsigned i = 0; i < 4; ++i)
    sum += uint32_t(int32_t(element<uint8_t>(a, i)) * element<int8_t>(b, i));
  return int32_t(sum);
}

int32_t dotOfWords(int32_t acc, int32_t a, int32_t b) {
  uint32_t sum = uint32_t(acc);
  for (unsigned i = 0; i < 2; ++i)
    sum += uint32_t(int32_t(element<int16_t>(a, i)) * element<int16_t>(b, i));
  return int32_t(sum);
}

int32_t saturatedDotOfBytes(int32_t, int32_t a, int32_t b) {
  uint32_t result = 0;
  for (unsigned half = 0; half < 2; ++half) {
    int32_t sum = 0;
    for (unsigned i = 2 * half; i < 2 * half + 2; ++i)
      sum += int32_t(element<uint8_t>(a, i)) * element<int8_t>(b, i);
    result |= uint32_t(uint16_t(std::clamp(sum, -32768, 32767))) << (16 * half);
  }
  return int32_t(result);
}

struct Tested {
  const char *intrinsic, *cpu;
  unsigned lanes;   // of i32
  unsigned element; // bits of the operands
  bool adds;        // to a third operand, in front
  int32_t (*expected)(int32_t acc, int32_t a, int32_t b);
};

const Tested kInstructions[] = {
    {"llvm.x86.avx512.vpdpbusd.512", "cascadelake", 16, 32, true, dotOfBytes},
    {"llvm.x86.avx512.vpdpbusd.256", "alderlake", 8, 32, true, dotOfBytes},
    {"llvm.x86.avx512.vpdpwssd.512", "cascadelake", 16, 32, true, dotOfWords},
    {"llvm.x86.avx512.vpdpwssd.256", "alderlake", 8, 32, true, dotOfWords},
    {"llvm.x86.avx512.pmaddw.d.512", "x86-64-v4", 16, 16, false, dotOfWords},
    {"llvm.x86.avx512.pmaddubs.w.512", "x86-64-v4", 16, 8, false, saturatedDotOfBytes},
};

/// A kernel of three vectors in, one out; empty if the code can't be made.
std::optional<lathe::KernelImage> kernelOf(const Tested &instruction, const lathe::Target &target) {
  LLVMContext context;
  Module module("module", context);
  IRBuilder<> b(context);
  Type *pointer = b.getPtrTy(), *lanes = FixedVectorType::get(b.getInt32Ty(), instruction.lanes);
  auto *type = FunctionType::get(b.getInt32Ty(), {pointer, pointer, b.getInt64Ty(), b.getInt64Ty(), pointer}, false);
  auto *function = Function::Create(type, Function::ExternalLinkage, "kernel", module);
  function->setDSOLocal(true);
  b.SetInsertPoint(BasicBlock::Create(context, "", function));
  auto address = [&](unsigned i) {
    return b.CreateLoad(pointer, b.CreateConstGEP1_32(pointer, function->getArg(0), i));
  };
  auto *declared = Intrinsic::getDeclaration(&module, Function::lookupIntrinsicID(instruction.intrinsic));
  SmallVector<Value *> operands;
  for (unsigned i = instruction.adds ? 0 : 1; i < 3; ++i)
    operands.push_back(b.CreateBitCast(b.CreateAlignedLoad(lanes, address(i), Align(4)),
                                       declared->getFunctionType()->getParamType(unsigned(operands.size()))));
  b.CreateAlignedStore(b.CreateBitCast(b.CreateCall(declared, operands), lanes), address(3), Align(4));
  b.CreateRet(b.getInt32(0));
  lathe::x86::initializeLlvm();
  std::array<lathe::x86::KernelObject, 1> object;
  object[0].symbols = {"kernel"};
  if (Error error = lathe::x86::generateObject(module, target, object[0].elf, nullptr)) {
    FAIL(toString(std::move(error)));
    return std::nullopt;
  }
  return cantFail(lathe::KernelImage::map(cantFail(lathe::x86::linkImage(object))));
}

/// Random lanes of bytes or words of which many are extreme, so that sums saturate and wrap.
Lanes lanesOf(std::mt19937 &random) {
  Lanes lanes;
  for (int32_t &lane : lanes) {
    const uint32_t extremes[] = {0x80808080u, 0x7f7f7f7fu, 0xffffffffu, 0u, 0x80008000u, 0x7fff7fffu, 0x80ff7f00u};
    lane = int32_t(random() % 2 ? extremes[random() % std::size(extremes)] : random());
  }
  return lanes;
}
} // namespace

TEST_CASE("emulated instructions give the bits of the real ones", "[emulation]") {
  for (const Tested &instruction : kInstructions) {
    INFO(instruction.intrinsic);
    lathe::Target target = cantFail(lathe::Target::parse(std::string(instruction.cpu) + "/native"));
    auto image = kernelOf(instruction, target);
    std::mt19937 random(5);
    for (int round = 0; round < 200; ++round) {
      Lanes acc = lanesOf(random), a = lanesOf(random), b = lanesOf(random), out{};
      void *args[] = {acc.data(), a.data(), b.data(), out.data()};
      image->entry(0)(args, nullptr, 0, 1, nullptr);
      for (unsigned i = 0; i < instruction.lanes; ++i)
        REQUIRE(out[i] == instruction.expected(instruction.adds ? acc[i] : 0, a[i], b[i]));
    }
  }
}

TEST_CASE("a CPU is emulated only where it must be", "[emulation]") {
  auto target = lathe::Target::parse("cascadelake/x86-64-v3");
  REQUIRE(bool(target));
  CHECK(target->isEmulated());
  CHECK(target->isa() == "avx512vnni");
  CHECK(target->neededFeatures() == cantFail(lathe::Target::parse("x86-64-v3")).features);
  CHECK(!cantFail(lathe::Target::parse("x86-64-v3/cascadelake")).isEmulated());
  auto unknown = lathe::Target::parse("cascadelake/abacus");
  CHECK(toString(unknown.takeError()).find("unknown CPU 'abacus'") == 0);
}
