// What tuning asks of a library of kernels. The compiler knows of libraries only what the manifest says; who links the runtime, too
// (the tool, the C API), hands in how one is opened and run.
#pragma once

#include "llvm/Support/Error.h"
#include <cstdint>
#include <functional>
#include <memory>

namespace lathe {

namespace artifact {
struct LibraryKernelT;
}

/// A kernel of a library, ready to run. Immutable: threads may share it.
class MeasuredCall {
public:
  virtual ~MeasuredCall() = default;
  /// Runs tasks [begin, end). `args`: the kernel's, the result last; instead of its weights packedBytes() of any numbers, aligned
  /// to LATHE_BUFFER_ALIGNMENT. `scratch`: scratchBytes() of the calling thread. False if the library fails.
  virtual bool run(void *const *args, int64_t begin, int64_t end, void *scratch) const = 0;
  virtual int64_t scratchBytes() const = 0;
  virtual int64_t packedBytes() const = 0;
};

/// A library that is open.
class MeasuredLibrary {
public:
  virtual ~MeasuredLibrary() = default;
  /// `kernel` as LibraryKernel of the manifest, with `argCount` arguments. An error says why the library can't compute it.
  virtual llvm::Expected<std::unique_ptr<MeasuredCall>> prepare(const artifact::LibraryKernelT &kernel,
                                                                unsigned argCount) const = 0;
};

/// Opens the library. An error says why that can't be, and what to do.
using OpenLibrary = std::function<llvm::Expected<std::unique_ptr<MeasuredLibrary>>()>;

} // namespace lathe
