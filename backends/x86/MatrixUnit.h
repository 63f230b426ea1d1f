// AMX, the matrix unit of Intel's processors since 4th generation Xeon: eight registers of up to 16 rows of 64 bytes, whose products
// are summed in i32. Intel, Architectures Software Developer's Manual, volume 1, chapter 18.
#pragma once

#include "backends/x86/TileGemm.h"

namespace lathe::x86 {

/// Has the target a unit for 8-bit integers?
bool hasMatrixUnit(const Target &target);

constexpr int64_t kUnitRows = 16, kUnitBytes = 64; // of a register at most
/// Rows of sums that are loaded for the epilogue at once; rows of a tile are a multiple.
constexpr int64_t kResultRows = 4;

/// Registers as an integer product uses them: sums of 2 x 2 of them (fewer for few rows or columns), two of A, two of B.
/// `steps`: of 4 elements along the depth that one product takes.
class MatrixUnit {
public:
  MatrixUnit(Scalar &scalar, TileShape tile, int64_t steps) : s(scalar), tile(tile), steps(steps) {}

  /// The tile for this many columns and rows: as even as possible, up to 2 x 2 registers.
  static TileShape tileFor(int64_t columns, std::optional<int64_t> rows);
  /// Steps of one product for a depth, so that as few as possible are filled up with zeros.
  static int64_t stepsFor(int64_t depth);

  int64_t rowTiles() const { return (tile.rows + kUnitRows - 1) / kUnitRows; }
  static constexpr int64_t kSettingBytes = 64;

  /// Sets the registers' sizes through memory of kSettingBytes; before anything else.
  void begin(mlir::Value memory);
  /// Gives the unit back; what the registers hold is lost.
  void end();

  /// Sums become 0.
  void clear();
  /// sums += A * B of `steps` steps: A's rows (u8) lie `rowBytes` (i64) apart, B's steps (s8) `stepBytes`, columns of a step together.
  void addProduct(mlir::Value a, mlir::Value rowBytes, mlir::Value b, mlir::Value stepBytes);
  /// Writes sums [rows][columns] i32.
  void store(mlir::Value to);

private:
  int sum(int64_t row, int vector) const { return int(row) * tile.vectors + vector; }
  int left(int64_t row) const { return 4 + int(row); }
  int right(int vector) const { return 6 + vector; }
  int64_t rowsOf(int64_t rowTile) const { return std::min<int64_t>(kUnitRows, tile.rows - rowTile * kUnitRows); }
  mlir::Value name(int number);
  void call(llvm::StringRef name, mlir::ValueRange operands);

  Scalar &s;
  TileShape tile;
  int64_t steps;
};

} // namespace lathe::x86
