// What calibration asks of a program: the compiler writes one, who links the runtime (the tool, the C API) hands in how it is run.
#pragma once

#include "dialects/reference/Evaluate.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace lathe {

/// Time of one call of a kernel.
struct CallTime {
  std::vector<std::string> nodes; // names of the ONNX nodes that it computes
  double nanoseconds = 0;
};

/// A tensor that a program gives.
struct OutputView {
  llvm::ArrayRef<int64_t> shape;
  llvm::StringRef type; // f32, i64, bool, ...
  const void *data = nullptr;
};

/// A compiled program that can be run; one thread at a time.
class RunnableProgram {
public:
  using OutputFn = llvm::function_ref<void(size_t number, const OutputView &output)>;

  virtual ~RunnableProgram() = default;
  /// Runs once. `output` is told of each output: its number, and the values (row-major; for the time of the call).
  virtual llvm::Error run(llvm::ArrayRef<reference::Tensor> inputs, OutputFn output) = 0;
  /// The least times of all calls, in several runs that take so long together.
  virtual llvm::Expected<std::vector<CallTime>> profile(llvm::ArrayRef<reference::Tensor> inputs, double seconds) = 0;
};

/// Opens an artifact for this machine. The file may be removed once it is open.
using OpenProgram = std::function<llvm::Expected<std::unique_ptr<RunnableProgram>>(llvm::StringRef path)>;

} // namespace lathe
