#include "compiler/tune/Tuner.h"
#include "compiler/tune/OperationText.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace lathe {

namespace {
/// Differences below this are noise.
constexpr double kWorthwhile = 0.97;
/// A library must win by more: it needs memory and time to be opened, and its weights are packed when the program is loaded.
constexpr double kWorthwhileLibrary = 0.95;

//===- A race -===//

/// Runs candidates in turns.
class Race {
public:
  Race(const Candidates &candidates, MadeUpMemory &memory, TaskRunner &runner)
      : candidates(candidates), memory(memory), runner(runner), best(candidates.size(), 1e30) {}

  /// Which of `plans` to take: the first unless another one is faster.
  size_t winner(ArrayRef<size_t> plans) {
    size_t first = plans.front(), fastest = run(plans);
    if (best[fastest] > kWorthwhile * best[first])
      return first;
    auto [firstTime, otherTime] = duel(first, fastest);
    bool isFaster = otherTime <= kWorthwhile * firstTime;
    best[first] = std::min(best[first], firstTime);
    best[fastest] = std::min(best[fastest], otherTime);
    return isFaster && best[fastest] <= kWorthwhile * best[first] ? fastest : first;
  }

  /// A library's plan beside an own one: times of one series, that in which it does worse. The second series is run with caches
  /// as in a program, since a library goes through much more code: a call in the midst of others was seen to take 15 % longer.
  struct Challenge {
    size_t plan;
    double time, ownTime;
  };
  /// By the fastest of `plans`.
  Challenge challenge(size_t own, ArrayRef<size_t> plans) {
    SmallVector<size_t> all = {own};
    llvm::append_range(all, plans);
    run(all);
    size_t fastest = fastestOf(plans);
    Challenge first{fastest, best[fastest], best[own]};
    if (first.time > kWorthwhileLibrary * first.ownTime)
      return first;
    auto [ownTime, time] = duel(own, fastest, Candidates::inProgram);
    return time / ownTime > first.time / first.ownTime ? Challenge{fastest, time, ownTime} : first;
  }

  double time(size_t i) const { return best[i]; }

private:
  using Clock = std::chrono::steady_clock;
  static double secondsSince(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  size_t fastestOf(ArrayRef<size_t> plans) const {
    return *llvm::min_element(plans, [&](size_t a, size_t b) { return best[a] < best[b]; });
  }

  /// Lets those fall out that are far behind; the first stays. Gives the fastest.
  size_t run(ArrayRef<size_t> plans) {
    constexpr int fewestRounds = 4, mostRounds = 60;
    constexpr double budget = 0.25; // seconds
    SmallVector<size_t> running(plans);
    auto start = Clock::now();
    auto goesOn = [&](int round) {
      return round < fewestRounds || (running.size() > 1 && round < mostRounds && secondsSince(start) < budget);
    };
    for (int round = 0; goesOn(round); ++round) {
      for (size_t i : running)
        best[i] = std::min(best[i], candidates.run(i, memory, runner));
      double limit = best[fastestOf(running)] * (round < 2 ? 1.5 : round < 6 ? 1.2 : 1.08);
      llvm::erase_if(running, [&](size_t i) { return i != plans.front() && best[i] > limit; });
    }
    return fastestOf(plans);
  }

  /// New times of both.
  std::pair<double, double> duel(size_t one, size_t other, Candidates::Caches caches = Candidates::warm) {
    constexpr int fewestRounds = 5, mostRounds = 40;
    const double budget = caches == Candidates::warm ? 0.15 : 0.4;
    double oneTime = 1e30, otherTime = 1e30;
    auto start = Clock::now();
    for (int round = 0; round < mostRounds && (round < fewestRounds || secondsSince(start) < budget); ++round) {
      oneTime = std::min(oneTime, candidates.run(one, memory, runner, caches));
      otherTime = std::min(otherTime, candidates.run(other, memory, runner, caches));
    }
    return {oneTime, otherTime};
  }

  const Candidates &candidates;
  MadeUpMemory &memory;
  TaskRunner &runner;
  std::vector<double> best; // 1e30: was never right
};

SmallVector<ElementsAttr> constantsOf(Operation *op) { return llvm::map_to_vector(op->getOperands(), constantValue); }

SmallVector<bool> areConstant(ArrayRef<ElementsAttr> constants) {
  return llvm::map_to_vector(constants, [](ElementsAttr value) { return bool(value); });
}

/// Weights of a program, and what it computes; open sizes don't count.
MadeUpMemory memoryOf(func::FuncOp function) {
  int64_t weights = 0, values = 0;
  for (Operation &op : function.front())
    for (Type result : op.getResultTypes())
      if (auto type = cast<RankedTensorType>(result); type.hasStaticShape())
        (isa<nn::ConstantOp>(op) ? weights : values) += type.getNumElements() * elementSizeBytes(type.getElementType());
  return {weights, values};
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

const TuningEntry *Tuner::libraryEntry(TuningKey key) const {
  key.isLibrary = true;
  return database.find(key);
}

//===- Measuring -===//

/// Own plans unless the best of them is known: then that one. The library's unless the best of them is known.
FailureOr<std::vector<KernelPlan>> Tuner::unknownPlans(Operation *op, ArrayRef<bool> isConstant, const TuningKey &key) {
  auto plans = plansOf(op, isConstant);
  if (failed(plans))
    return failure();
  // An entry may be of another version, with other plans.
  auto isOfThese = [&](const TuningEntry *entry) {
    return entry && llvm::any_of(*plans, [&](const KernelPlan &plan) { return choiceText(plan) == entry->choice; });
  };
  const TuningEntry *own = database.find(key), *other = libraryEntry(key);
  bool isOwnKnown = isOfThese(own), isLibraryLeftOut = !library || isOfThese(other);
  llvm::erase_if(*plans, [&](const KernelPlan &plan) {
    return isLibraryKind(plan.kind) ? isLibraryLeftOut : isOwnKnown && choiceText(plan) != own->choice;
  });
  return plans;
}

FailureOr<std::vector<Tuner::Unknown>> Tuner::unknownOperations(func::FuncOp function) {
  std::vector<Unknown> unknown;
  std::map<std::string, size_t> seen; // position in `unknown`
  for (Operation &op : function.front().without_terminator()) {
    if (!isContraction(&op) || !hasFixedSizes(&op))
      continue;
    SmallVector<bool> isConstant = areConstant(constantsOf(&op));
    TuningKey key = keyOf(&op, isConstant);
    auto [it, isNew] = seen.try_emplace(key.operation, unknown.size());
    if (isNew) {
      auto plans = unknownPlans(&op, isConstant, key);
      if (failed(plans))
        return failure();
      unknown.push_back({&op, key, std::move(*plans), 0});
    }
    Unknown &entry = unknown[it->second];
    entry.work += constantDim(entry.plans.front().flops).value_or(0);
  }
  llvm::erase_if(unknown, [](const Unknown &entry) { return entry.plans.size() == 1; });
  llvm::stable_sort(unknown, [](const Unknown &a, const Unknown &b) { return a.work > b.work; });
  return unknown;
}

LogicalResult Tuner::measure(func::FuncOp function, Clock::time_point deadline,
                             llvm::function_ref<void(size_t, size_t)> progress) {
  isMeasuring = true;
  auto unknown = unknownOperations(function);
  if (failed(unknown))
    return failure();
  MadeUpMemory memory = memoryOf(function);
  TaskRunner runner(threads);
  for (auto [done, entry] : llvm::enumerate(*unknown)) {
    progress(done, unknown->size());
    if (Clock::now() >= deadline)
      late.insert(entry.key.operation);
    else if (failed(measure(entry, memory, runner)))
      return failure();
  }
  return success();
}

LogicalResult Tuner::measure(const Unknown &unknown, MadeUpMemory &memory, TaskRunner &runner) {
  const std::vector<KernelPlan> &plans = unknown.plans;
  auto candidates = Candidates::compile(unknown.op, constantsOf(unknown.op), plans, backend, target, library);
  if (failed(candidates))
    return failure();
  constexpr double us = 1e6, none = 1e30;
  Race race(*candidates, memory, runner);
  SmallVector<size_t> own, others;
  for (auto [i, plan] : llvm::enumerate(plans))
    (isLibraryKind(plan.kind) ? others : own).push_back(i);
  size_t winner = own.front();
  if (own.size() > 1) { // else known, or without a choice
    winner = race.winner(own);
    database.set(unknown.key, {choiceText(plans[winner]), race.time(winner) * us, race.time(own.front()) * us});
  }
  if (!others.empty())
    if (auto best = race.challenge(winner, others); best.time < none)
      database.set(unknown.key, {choiceText(plans[best.plan]), best.time * us, best.ownTime * us});
  ChoiceRecord &record = known[unknown.key.operation];
  record.source = ChoiceRecord::measured;
  record.note = candidates->refusal();
  for (auto [i, plan] : llvm::enumerate(plans))
    if (race.time(i) < none)
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

/// Does the library win by enough? Over the own plan, too, that another tuning has found, perhaps.
static bool isLibraryFaster(const TuningEntry &other, const TuningEntry *own) {
  double ownTime = own ? std::min(own->timeUs, other.modelTimeUs) : other.modelTimeUs;
  return other.timeUs <= kWorthwhileLibrary * ownTime;
}

FailureOr<KernelPlan> Tuner::choose(Operation *op, ArrayRef<bool> isConstant) {
  auto plan = backend.planKernel(op, isConstant, target);
  if (failed(plan) || !isContraction(op))
    return plan;
  TuningKey key = keyOf(op, isConstant);
  ChoiceRecord &record = recordOf(key, op);
  record.choice = choiceText(*plan);
  if (isLibraryKind(plan->kind))
    return plan; // asked for
  std::string reason;
  auto take = [&](const TuningEntry &entry) {
    if (entry.choice != record.choice) {
      auto other = planOf(op, isConstant, entry.choice);
      if (!other)
        return false;
      plan = std::move(*other);
      reason = llvm::formatv("{0} instead of {1}: {2:f2} of its time", entry.choice, record.choice,
                             entry.timeUs / entry.modelTimeUs);
      record.choice = entry.choice;
    }
    if (record.source != ChoiceRecord::measured)
      record.source = ChoiceRecord::database;
    return true;
  };
  const TuningEntry *own = database.find(key), *other = takesLibrary ? libraryEntry(key) : nullptr;
  if (own && !take(*own))
    record.note = "the database's plan is none of this version's: " + own->choice;
  if (!own && isMeasuring && record.source != ChoiceRecord::measured)
    record.note = late.contains(key.operation) ? "not tuned: out of time"
                  : hasFixedSizes(op)          ? "there is one plan only"
                                               : "not tuned: a size is open";
  if (other && isLibraryFaster(*other, own))
    take(*other);
  if (!reason.empty())
    taken.push_back({nodeName(op->getLoc()), "tune", true, reason});
  return plan;
}

std::vector<ChoiceRecord> Tuner::records() const {
  std::vector<ChoiceRecord> all;
  all.reserve(order.size());
  for (const std::string &operation : order)
    all.push_back(known.at(operation));
  return all;
}

} // namespace lathe
