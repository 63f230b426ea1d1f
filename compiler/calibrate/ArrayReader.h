// Samples out of one array in NumPy's format.
#pragma once

#include "compiler/calibrate/Bytes.h"
#include "compiler/calibrate/Fit.h"
#include "dialects/support/Npy.h"

namespace lathe::samples {

/// One array, and how it is cut along its first axis into samples of one input.
class ArrayReader {
public:
  /// Reads the header and checks element type, shape and size. Errors don't name the file or the array.
  static llvm::Expected<ArrayReader> open(std::unique_ptr<Bytes> bytes, const InputSpec &input);

  int64_t count() const { return sampleCount; }
  llvm::ArrayRef<int64_t> sampleShape() const { return shape; }
  /// Sample `index` as the input's element type.
  llvm::Expected<reference::Tensor> load(int64_t index, const InputSpec &input);

private:
  ArrayReader() = default;
  llvm::Error cut(const InputSpec &input);
  llvm::Error readRaw(uint64_t offset, llvm::MutableArrayRef<char> out);

  std::unique_ptr<Bytes> bytes;
  npy::Header header;
  mlir::Type elementType;
  llvm::SmallVector<int64_t> shape; // of a sample
  int64_t sampleCount = 0;
  std::vector<char> rowMajor; // the whole array, if it is stored in Fortran order
};

} // namespace lathe::samples
