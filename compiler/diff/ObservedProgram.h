// What comparing asks of a program: who links the runtime (the tool, the C API) hands in how an artifact is opened.
#pragma once

#include "compiler/calibrate/Program.h"

namespace lathe::diff {

/// An argument of a call that is done. With a node: what the call wrote there is the node's value, (element - zero) * scale.
struct ObservedValue {
  llvm::StringRef node; // empty: not known
  llvm::StringRef type; // f32, i8 or u8
  double scale = 1;
  int64_t zero = 0;
  llvm::ArrayRef<uint8_t> order; // axis i is axis order[i] of the value; empty: as in the model
  void *data = nullptr;          // those with a node may be overwritten
  size_t sizeBytes = 0;          // up to the end of the memory, at least the tensor
  llvm::ArrayRef<double> factors =
      {}; // not empty: value = (element - zero) * scale * factors[index of the model's `axis`]
  size_t axis = 0;
};

/// An artifact that can be run and looked into; one thread at a time.
class ObservedProgram : public RunnableProgram {
public:
  using ObserveFn = llvm::function_ref<void(size_t call, llvm::ArrayRef<ObservedValue> args)>;

  virtual llvm::ArrayRef<std::string> inputNames() const = 0;
  virtual llvm::ArrayRef<std::string> outputNames() const = 0;
  /// Options that it was compiled with, as on the command line.
  virtual std::string flags() const = 0;
  /// Runs once, and tells `observe` of each call.
  virtual llvm::Error observe(llvm::ArrayRef<reference::Tensor> inputs, ObserveFn observe, OutputFn output) = 0;
  /// What such a run takes in all, weights included.
  virtual llvm::Expected<uint64_t> memoryBytes(llvm::ArrayRef<reference::Tensor> inputs) = 0;
};

/// Opens an artifact. The file may be removed once it is open.
using OpenObserved = std::function<llvm::Expected<std::unique_ptr<ObservedProgram>>(llvm::StringRef path)>;

} // namespace lathe::diff
