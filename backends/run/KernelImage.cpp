#include "backends/run/KernelImage.h"
#include <cmath>
#include <cstring>
#include <sys/mman.h>

namespace lathe {

const lathe_kernel_api &kernelApi() {
  static const lathe_unary_fn unary[] = {std::exp,   std::exp2, std::expm1, std::log,    std::log2,   std::log10,
                                         std::log1p, std::sin,  std::cos,   std::tan,    std::asin,   std::acos,
                                         std::atan,  std::sinh, std::cosh,  std::tanh,   std::asinh,  std::acosh,
                                         std::atanh, std::erf,  std::erfc,  std::tgamma, std::lgamma, std::cbrt};
  static const lathe_binary_fn binary[] = {std::pow, std::fmod, std::remainder, std::atan2};
  static_assert(std::size(unary) == LATHE_UNARY_COUNT && std::size(binary) == LATHE_BINARY_COUNT);
  static const lathe_kernel_api api{sizeof(lathe_kernel_api), LATHE_KERNEL_ABI_VERSION, unary, binary};
  return api;
}

llvm::Expected<KernelImage> KernelImage::map(const CodeImage &code) {
  void *memory = mmap(nullptr, code.bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  auto lastError = [] { return llvm::errorCodeToError(std::error_code(errno, std::generic_category())); };
  if (memory == MAP_FAILED)
    return lastError();
  KernelImage image(memory, code.bytes.size());
  std::memcpy(memory, code.bytes.data(), code.bytes.size());
  if (mprotect(memory, code.bytes.size(), PROT_READ | PROT_EXEC))
    return lastError();
  for (const auto &[symbol, offset] : code.entries)
    image.offsets.push_back(offset);
  return image;
}

KernelImage::KernelImage(KernelImage &&other)
    : memory(std::exchange(other.memory, nullptr)), bytes(other.bytes), offsets(std::move(other.offsets)) {}

KernelImage::~KernelImage() {
  if (memory)
    munmap(memory, bytes);
}

lathe_kernel_fn KernelImage::entry(size_t index) const {
  return reinterpret_cast<lathe_kernel_fn>(static_cast<char *>(memory) + offsets[index]);
}

} // namespace lathe
