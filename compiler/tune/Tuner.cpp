#include "compiler/tune/Tuner.h"
#include "compiler/tune/OperationText.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace lathe {

namespace {
/// Differences below this are noise.
constexpr double kWorthwhile = 0.97;

//===- A race -===//

/// Runs candidates in turns; number 0 is the model's.
class Race {
public:
  Race(const Candidates &candidates, MadeUpMemory &memory, TaskRunner &runner)
      : candidates(candidates), memory(memory), runner(runner), best(candidates.size(), 1e30),
        running(llvm::to_vector(llvm::seq(candidates.size()))) {}

  /// Lets those fall out that are far behind; the model's stays.
  void run() {
    constexpr int fewestRounds = 4, mostRounds = 60;
    constexpr double budget = 0.25; // seconds
    auto start = Clock::now();
    for (int round = 0; round < mostRounds && (round < fewestRounds || secondsSince(start) < budget); ++round) {
      for (size_t i : running)
        best[i] = std::min(best[i], candidates.run(i, memory, runner));
      double limit = *llvm::min_element(best) * (round < 2 ? 1.5 : round < 6 ? 1.2 : 1.08);
      llvm::erase_if(running, [&](size_t i) { return i != 0 && best[i] > limit; });
    }
  }

  /// The model's against the best of the others: new times of both.
  std::pair<double, double> duel(size_t other) {
    constexpr int fewestRounds = 5, mostRounds = 40;
    constexpr double budget = 0.15;
    double modelTime = 1e30, otherTime = 1e30;
    auto start = Clock::now();
    for (int round = 0; round < mostRounds && (round < fewestRounds || secondsSince(start) < budget); ++round) {
      modelTime = std::min(modelTime, candidates.run(0, memory, runner));
      otherTime = std::min(otherTime, candidates.run(other, memory, runner));
    }
    return {modelTime, otherTime};
  }

  /// Number of the plan to take.
  size_t winner() {
    run();
    size_t fastest = llvm::min_element(best) - best.begin();
    if (best[fastest] > kWorthwhile * best[0])
      return 0;
    auto [modelTime, otherTime] = duel(fastest);
    bool isFaster = otherTime <= kWorthwhile * modelTime;
    best[0] = std::min(best[0], modelTime);
    best[fastest] = std::min(best[fastest], otherTime);
    return isFaster && best[fastest] <= kWorthwhile * best[0] ? fastest : 0;
  }

  double time(size_t i) const { return best[i]; }

private:
  using Clock = std::chrono::steady_clock;
  static double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  const Candidates &candidates;
  MadeUpMemory &memory;
  TaskRunner &runner;
  std::vector<double> best;
  SmallVector<size_t> running;
};

SmallVector<ElementsAttr> constantsOf(Operation *op) { return llvm::map_to_vector(op->getOperands(), constantValue); }

SmallVector<bool> areConstant(ArrayRef<ElementsAttr> constants) {
  return llvm::map_to_vector(constants, [](ElementsAttr value) { return bool(value); });
}

int64_t weightsBytes(func::FuncOp function) {
  int64_t bytes = 0;
  function.walk([&](nn::ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    bytes += type.getNumElements() * elementSizeBytes(type.getElementType());
  });
  return bytes;
}

/// What the backend may have a choice for.
bool isContraction(Operation *op) {
  bool isFound = isa<nn::MatmulOp, nn::ConvOp>(op);
  if (auto fused = dyn_cast<nn::FusedOp>(op))
    for (Operation &inner : fused.getBody().front())
      isFound |= isa<nn::MatmulOp, nn::ConvOp>(inner);
  return isFound;
}
} // namespace

Tuner::Tuner(Backend &backend, const Target &target, unsigned threads, TuningDatabase &database)
    : backend(backend), target(target), threads(threads), database(database) {}

TuningKey Tuner::keyOf(Operation *op, ArrayRef<bool> isConstant) const {
  return {target.cpu + " " + target.isa(), threads, operationText(op, isConstant)};
}

/// Without plans that have too few tasks for programs with more threads than are measured.
FailureOr<std::vector<KernelPlan>> Tuner::plansOf(Operation *op, ArrayRef<bool> isConstant) {
  auto plans = backend.kernelPlans(op, isConstant, target);
  if (failed(plans) || plans->size() == 1)
    return plans;
  auto tasks = [](const KernelPlan &plan) { return *constantDim(plan.tasks); };
  int64_t enough = std::min<int64_t>(tasks(plans->front()), 4 * int64_t(threads));
  llvm::erase_if(*plans, [&](const KernelPlan &plan) { return tasks(plan) < enough; });
  return plans;
}

std::optional<KernelPlan> Tuner::planOf(Operation *op, ArrayRef<bool> isConstant, StringRef choice) {
  auto plans = backend.kernelPlans(op, isConstant, target);
  if (succeeded(plans))
    for (KernelPlan &plan : *plans)
      if (choiceText(plan) == choice)
        return plan;
  return std::nullopt;
}

//===- Measuring -===//

std::vector<Tuner::Unknown> Tuner::unknownOperations(func::FuncOp function) {
  std::vector<Unknown> unknown;
  constexpr size_t isKnown = SIZE_MAX;
  std::map<std::string, size_t> seen; // position in `unknown`
  for (Operation &op : function.front().without_terminator()) {
    if (!isContraction(&op) || !hasFixedSizes(&op))
      continue;
    SmallVector<bool> isConstant = areConstant(constantsOf(&op));
    TuningKey key = keyOf(&op, isConstant);
    auto [it, isNew] = seen.try_emplace(key.operation, unknown.size());
    if (isNew) {
      const TuningEntry *entry = database.find(key); // may be of another version, with other plans
      if (entry && planOf(&op, isConstant, entry->choice))
        it->second = isKnown;
      else
        unknown.push_back({&op, key, 0});
    }
    if (it->second == isKnown)
      continue;
    if (auto plan = backend.planKernel(&op, isConstant, target); succeeded(plan))
      unknown[it->second].work += constantDim(plan->flops).value_or(0);
  }
  llvm::stable_sort(unknown, [](const Unknown &a, const Unknown &b) { return a.work > b.work; });
  return unknown;
}

LogicalResult Tuner::measure(func::FuncOp function, Clock::time_point deadline,
                             llvm::function_ref<void(size_t, size_t)> progress) {
  isMeasuring = true;
  std::vector<Unknown> unknown = unknownOperations(function);
  MadeUpMemory memory(weightsBytes(function));
  TaskRunner runner(threads);
  for (auto [done, entry] : llvm::enumerate(unknown)) {
    progress(done, unknown.size());
    if (Clock::now() >= deadline)
      late.insert(entry.key.operation);
    else if (failed(measure(entry.op, constantsOf(entry.op), entry.key, memory, runner)))
      return failure();
  }
  return success();
}

LogicalResult Tuner::measure(Operation *op, ArrayRef<ElementsAttr> constants, const TuningKey &key,
                             MadeUpMemory &memory, TaskRunner &runner) {
  auto plans = plansOf(op, areConstant(constants));
  if (failed(plans))
    return failure();
  if (plans->size() == 1)
    return success();
  auto candidates = Candidates::compile(op, constants, *plans, backend, target);
  if (failed(candidates))
    return failure();
  Race race(*candidates, memory, runner);
  size_t winner = race.winner();
  constexpr double us = 1e6;
  database.set(key, {choiceText((*plans)[winner]), race.time(winner) * us, race.time(0) * us});
  ChoiceRecord &record = known[key.operation];
  record.source = ChoiceRecord::measured;
  for (auto [i, plan] : llvm::enumerate(*plans))
    record.times.push_back({choiceText(plan), race.time(i) * us});
  return success();
}

//===- Choosing -===//

ChoiceRecord &Tuner::recordOf(const TuningKey &key, Operation *op) {
  ChoiceRecord &record = known[key.operation];
  if (record.nodes.empty()) {
    record.cpu = key.cpu;
    record.operation = key.operation;
    order.push_back(key.operation);
  }
  llvm::append_range(record.nodes, nodeNames(op->getLoc()));
  return record;
}

FailureOr<KernelPlan> Tuner::choose(Operation *op, ArrayRef<bool> isConstant) {
  auto model = backend.planKernel(op, isConstant, target);
  if (failed(model) || !isContraction(op))
    return model;
  TuningKey key = keyOf(op, isConstant);
  ChoiceRecord &record = recordOf(key, op);
  record.choice = choiceText(*model);
  const TuningEntry *entry = database.find(key);
  if (!entry) {
    if (isMeasuring)
      record.note = late.contains(key.operation) ? "not tuned: out of time"
                    : hasFixedSizes(op)          ? "there is one plan only"
                                                 : "not tuned: a size is open";
    return model;
  }
  std::optional<KernelPlan> plan = model;
  if (entry->choice != record.choice)
    plan = planOf(op, isConstant, entry->choice);
  if (!plan) {
    record.note = "the database's plan is none of this version's: " + entry->choice;
    return model;
  }
  if (record.source != ChoiceRecord::measured)
    record.source = ChoiceRecord::database;
  if (entry->choice != record.choice)
    taken.push_back({nodeName(op->getLoc()), "tune", true,
                     llvm::formatv("{0} instead of {1}: {2:f2} of its time", entry->choice, record.choice,
                                   entry->timeUs / entry->modelTimeUs)});
  record.choice = entry->choice;
  return *plan;
}

std::vector<ChoiceRecord> Tuner::records() const {
  std::vector<ChoiceRecord> all;
  all.reserve(order.size());
  for (const std::string &operation : order)
    all.push_back(known.at(operation));
  return all;
}

} // namespace lathe
