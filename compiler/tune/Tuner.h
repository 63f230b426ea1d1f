// Chooses between the backend's plans for operations: by measuring them on this machine, or by what was measured before.
//
// For each operation of fixed sizes (once, however often it is in the program) all plans are compiled and run in turns, those
// that fall behind leave, and the best one meets the cost model's in a second series of runs. It is taken where it is faster by
// more than noise explains, in both series. A library's plans, where the backend has some, then meet the own plan that was taken,
// in the same way.
#pragma once

#include "compiler/tune/Candidates.h"
#include "compiler/tune/TuningDatabase.h"
#include "dialects/support/Decisions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <chrono>
#include <set>

namespace lathe {

/// What became of one operation (or several equal ones), for the report.
struct ChoiceRecord {
  enum Source { model, database, measured };
  struct Time {
    std::string choice;
    double us;
  };
  std::string cpu, operation, choice;
  Source source = model;
  std::string note;               // why it was not tuned; may be empty
  std::vector<std::string> nodes; // of ONNX
  std::vector<Time> times;        // measured in this compilation, the model's (or the one known before) first
};

class Tuner {
public:
  /// Reads and, when measuring, fills `database`. `threads`: what the program is going to run on.
  Tuner(Backend &backend, const Target &target, unsigned threads, TuningDatabase &database);

  using Clock = std::chrono::steady_clock;

  /// A library's plans are measured with `opened`, which outlives this. Without, they are taken as the database says.
  void measureWith(const MeasuredLibrary &opened) { library = &opened; }
  /// No plan of a library is taken.
  void leaveOutLibrary() { takesLibrary = false; }

  /// Measures what the database doesn't know yet, operations of most work first; none is begun after `deadline`. `progress`
  /// gets the operations done and their number. This machine must be able to run the target's code. Failure: diagnostics were
  /// emitted.
  mlir::LogicalResult measure(mlir::func::FuncOp function, Clock::time_point deadline,
                              llvm::function_ref<void(size_t done, size_t count)> progress);
  /// The plan for an operation of the program, as Backend::planKernel: to be used while lowering.
  mlir::FailureOr<KernelPlan> choose(mlir::Operation *op, llvm::ArrayRef<bool> isConstant);

  std::vector<ChoiceRecord> records() const;
  /// Choices that differ from the model's.
  const std::vector<Decision> &decisions() const { return taken; }
  const Target &targetCpu() const { return target; }

private:
  TuningKey keyOf(mlir::Operation *op, llvm::ArrayRef<bool> isConstant) const;
  struct Unknown {
    mlir::Operation *op;
    TuningKey key;
    std::vector<KernelPlan> plans; // to measure
    int64_t work;                  // of all equal operations
  };
  mlir::LogicalResult measure(const Unknown &unknown, MadeUpMemory &memory, TaskRunner &runner);
  mlir::FailureOr<std::vector<Unknown>> unknownOperations(mlir::func::FuncOp function);
  mlir::FailureOr<std::vector<KernelPlan>> unknownPlans(mlir::Operation *op, llvm::ArrayRef<bool> isConstant,
                                                        const TuningKey &key);
  const TuningEntry *libraryEntry(TuningKey key) const;
  ChoiceRecord &recordOf(const TuningKey &key, mlir::Operation *op);
  std::optional<KernelPlan> planOf(mlir::Operation *op, llvm::ArrayRef<bool> isConstant, llvm::StringRef choice);
  mlir::FailureOr<std::vector<KernelPlan>> plansOf(mlir::Operation *op, llvm::ArrayRef<bool> isConstant);

  Backend &backend;
  const Target &target;
  unsigned threads;
  TuningDatabase &database;
  const MeasuredLibrary *library = nullptr;
  bool isMeasuring = false, takesLibrary = true;
  std::set<std::string> late;                // operations that there was no time for
  std::map<std::string, ChoiceRecord> known; // by operation
  std::vector<std::string> order;            // of operations in the program
  std::vector<Decision> taken;
};

} // namespace lathe
