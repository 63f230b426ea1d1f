// Generated code, mapped into the process that generated it.
#pragma once

#include "backends/Backend.h"
#include "lathe/artifact.h"

namespace lathe {

/// The functions that kernels call, from the C library.
const lathe_kernel_api &kernelApi();

/// Owns the mapping. Immutable: threads may share it.
class KernelImage {
public:
  /// An error if the system has no memory for it, or allows no generated code.
  static llvm::Expected<KernelImage> map(const CodeImage &code);
  ~KernelImage();
  KernelImage(KernelImage &&other);
  KernelImage &operator=(KernelImage &&) = delete;

  /// Of the kernel number `index` of the program, in the order of CodeImage::entries.
  lathe_kernel_fn entry(size_t index) const;
  size_t size() const { return offsets.size(); }

private:
  KernelImage(void *memory, size_t bytes) : memory(memory), bytes(bytes) {}

  void *memory;
  size_t bytes;
  std::vector<uint64_t> offsets;
};

} // namespace lathe
