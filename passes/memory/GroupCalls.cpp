// Groups of calls that run together. Threads meet at the end of each call, which costs as much as a short call takes, and a
// call too short for all threads leaves some idle. Calls of different branches (Inception, detection heads, gates) can share
// one end instead. A walk in order takes each call and lets those join that follow it, or that can be moved up to it:
//   - nothing that the call touches may depend on a call of the group, or on one that it is moved over;
//   - a group is one step for the arena, and what is moved up is born earlier: the largest sum of live bytes may not grow;
//   - only short calls are moved. Long ones hide the hand-over, and find their input in cache where they are.
#include "passes/memory/GroupCalls.h"
#include "passes/Passes.h"
#include "passes/memory/PlanArena.h"
#include "llvm/ADT/MapVector.h"
#include <algorithm>

using namespace mlir;

namespace lathe {

#define GEN_PASS_DEF_GROUPCALLS
#include "passes/Passes.h.inc"

namespace {

/// What a thread does in a nanosecond, roughly; the runtime chooses threads by the same figures (Binding.cpp).
constexpr double kFlopsPerNs = 16, kBytesPerNs = 8;
/// Calls that take longer on one thread stay where they are.
constexpr double kLongestMovedNs = 50000;
/// Calls that are looked at behind the first one of a group.
constexpr size_t kWindow = 32;

/// How many bytes of the arena are live in each step, while calls change their step.
class LiveBytes {
public:
  LiveBytes(ArrayRef<plan::CallOp> calls, ArrayRef<int64_t> guess) : bytes(calls.size()), steps(calls.size()) {
    llvm::DenseMap<Operation *, unsigned> numbers;
    for (auto [index, call] : llvm::enumerate(calls)) {
      steps[index] = index;
      for (Value buffer : call->getOperands())
        if (auto alloc = dyn_cast_or_null<plan::AllocOp>(plan::rootOf(buffer))) {
          auto [it, isNew] = numbers.try_emplace(alloc, values.size());
          if (isNew)
            values.push_back(
                {std::max<int64_t>(evaluateDim(alloc.getSizeBytes().getResult(0), guess).value_or(0), 0), {}});
          values[it->second].users.push_back(index);
          touched[index].insert(it->second);
        }
    }
    for (const Arena &value : values)
      add(value, 1);
    peak = bytes.empty() ? 0 : *std::max_element(bytes.begin(), bytes.end());
  }

  /// Moves a call to an earlier step, unless that makes the peak larger.
  bool move(unsigned call, int64_t step) {
    int64_t before = steps[call];
    setStep(call, step);
    if (*std::max_element(bytes.begin() + step, bytes.begin() + before + 1) <= peak)
      return true;
    setStep(call, before);
    return false;
  }

private:
  struct Arena {
    int64_t sizeBytes;
    SmallVector<unsigned> users;
  };

  void setStep(unsigned call, int64_t step) {
    auto it = touched.find(call);
    auto addAll = [&](int64_t sign) {
      if (it != touched.end())
        for (unsigned number : it->second)
          add(values[number], sign);
    };
    addAll(-1);
    steps[call] = step;
    addAll(1);
  }

  void add(const Arena &value, int64_t sign) {
    int64_t first = steps[value.users.front()], last = first;
    for (unsigned user : value.users) {
      first = std::min(first, steps[user]);
      last = std::max(last, steps[user]);
    }
    for (int64_t step = first; step <= last; ++step)
      bytes[step] += sign * value.sizeBytes;
  }

  std::vector<int64_t> bytes; // by step
  std::vector<int64_t> steps; // by call
  std::vector<Arena> values;
  llvm::DenseMap<unsigned, llvm::SmallSetVector<unsigned, 4>> touched; // by call
  int64_t peak = 0;
};

class Grouping {
public:
  explicit Grouping(plan::ProgramOp program)
      : program(program), calls(llvm::to_vector(program.getBody().getOps<plan::CallOp>())),
        guess(guessSymbols(Symbols::of(program))), live(calls, guess), isTaken(calls.size()) {}

  void run() {
    for (size_t first = 0; first < calls.size(); ++first)
      if (!isTaken[first])
        formGroup(first);
  }

private:
  void formGroup(size_t first);
  bool canJoin(plan::CallOp call, ArrayRef<plan::CallOp> group, ArrayRef<plan::CallOp> passed);
  void place(plan::CallOp call, plan::CallOp last);

  double estimateNs(plan::CallOp call) const {
    auto valueOf = [&](AffineMap map) { return double(evaluateDim(map.getResult(0), guess).value_or(0)); };
    return std::max(valueOf(call.getFlops()) / kFlopsPerNs, valueOf(call.getMovedBytes()) / kBytesPerNs);
  }
  bool hasRounds(plan::CallOp call) {
    return program.lookupSymbol<plan::KernelOp>(call.getKernelAttr()).getRounds().has_value();
  }

  plan::ProgramOp program;
  SmallVector<plan::CallOp> calls; // in the order before
  SmallVector<int64_t> guess;
  LiveBytes live;
  std::vector<bool> isTaken;
};

/// Whether symbols are read between two calls.
bool isStageBetween(plan::CallOp first, plan::CallOp second) {
  for (Operation *op = first; op != second; op = op->getNextNode())
    if (isa<plan::LateSymbolOp>(op))
      return true;
  return false;
}

bool Grouping::canJoin(plan::CallOp call, ArrayRef<plan::CallOp> group, ArrayRef<plan::CallOp> passed) {
  auto isApart = [&](plan::CallOp other) { return !plan::areDependent(other, call); };
  if (hasRounds(call) || (!passed.empty() && estimateNs(call) > kLongestMovedNs))
    return false;
  return llvm::all_of(group, isApart) && llvm::all_of(passed, isApart);
}

/// Puts a call, with the buffers that only it has needed so far, behind the last one of a group.
void Grouping::place(plan::CallOp call, plan::CallOp last) {
  Operation *point = last->getNextNode();
  auto bring = [&](auto &bring, Value buffer) -> void {
    Operation *op = buffer.getDefiningOp();
    if (op->isBeforeInBlock(last))
      return;
    if (auto view = dyn_cast<plan::ViewOp>(op))
      bring(bring, view.getSource());
    op->moveBefore(last);
  };
  for (Value buffer : call->getOperands())
    bring(bring, buffer);
  if (point != call)
    call->moveAfter(last);
  call.setJoins(true);
}

void Grouping::formGroup(size_t first) {
  isTaken[first] = true;
  if (hasRounds(calls[first]))
    return;
  SmallVector<plan::CallOp> group = {calls[first]}, passed;
  bool mayMove = estimateNs(calls[first]) <= kLongestMovedNs;
  for (size_t next = first + 1; next < calls.size() && next < first + kWindow; ++next) {
    if (isTaken[next])
      continue;
    plan::CallOp call = calls[next];
    if (isStageBetween(passed.empty() ? group.back() : passed.back(), call) || (!mayMove && !passed.empty()))
      return;
    if (!canJoin(call, group, passed) || !live.move(next, first)) {
      passed.push_back(call);
      continue;
    }
    isTaken[next] = true;
    place(call, group.back());
    group.push_back(call);
  }
}

struct GroupCallsPass : impl::GroupCallsBase<GroupCallsPass> {
  void runOnOperation() override { groupCalls(getOperation()); }
};

} // namespace

void groupCalls(plan::ProgramOp program) { Grouping(program).run(); }

} // namespace lathe
