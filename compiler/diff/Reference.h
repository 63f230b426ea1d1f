// The model that an artifact is compared with: imported, compiled in f32, with all values that the artifact knows as outputs.
#pragma once

#include "backends/Backend.h"
#include "compiler/calibrate/Samples.h"
#include "compiler/diff/ObservedProgram.h"
#include "compiler/driver/Messages.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include <limits>

namespace lathe::diff {

/// A value of the model by the name that artifacts know it by.
struct ReferenceValue {
  mlir::Value value;
  /// The axis of channels (what weights have scales along): 1 of convolutions and what follows them, else the last.
  int64_t channelAxis = 0;
  /// The product that it comes from by element-wise steps, as --keep knows it; empty if there is none.
  std::string product;
  /// Between which bounds it is read: of a clip or relu, if nobody else reads it. Quantizers leave those out, since integers saturate.
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();
  bool isOnlyQuantized = false; // the model itself reads integers of it, and nothing else
};

class Reference {
public:
  /// `data`: a serialized ModelProto instead of the file, if not empty.
  Reference(llvm::StringRef modelPath, llvm::ArrayRef<char> data);

  /// Imports the model; `dims` as --dim of the compiler. False: messages say why.
  bool load(llvm::ArrayRef<std::string> dims);
  /// Did it fail since no input has a size of a name in `dims`?
  bool hasUnknownDim() const { return unknownDim; }
  std::string takeMessages() { return messages.take(); }

  mlir::func::FuncOp function();
  std::vector<InputSpec> inputs();
  std::vector<std::string> outputNames();
  /// Null if there is none of that name.
  const ReferenceValue *find(llvm::StringRef name) const;
  /// The products (names as --keep knows them) that read the value of that name.
  std::vector<std::string> productsReading(llvm::StringRef name) const;
  /// Compiles it: outputs are those of the model, then `names` in order.
  llvm::Expected<std::unique_ptr<ObservedProgram>> compile(llvm::ArrayRef<std::string> names, const OpenObserved &open);

private:
  void collectValues();

  std::string modelPath;
  llvm::ArrayRef<char> data;
  bool unknownDim = false;
  mlir::MLIRContext context;
  Messages messages;
  std::unique_ptr<Backend> backend;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::StringMap<ReferenceValue> values;
};

} // namespace lathe::diff
