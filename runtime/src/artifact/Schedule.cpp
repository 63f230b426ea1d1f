//===- Schedule.cpp - when the sizes of a program become known ------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Schedule.h"

#include "runtime/src/support/Error.h"

#include <algorithm>

namespace lathe::runtime {
namespace {

using artifact::ExprCode;
using artifact::SymbolKind;

class Scheduler {
public:
  explicit Scheduler(const artifact::Program &program)
      : program(program), symbolCount(program.symbols() ? program.symbols()->size() : 0) {}

  Schedule run() {
    makeStages();
    findOrder();
    findStages();
    fillStages();
    return std::move(schedule);
  }

private:
  void makeStages();
  void findOrder();
  void findStages();
  void fillStages();
  uint32_t stageOfSymbol(uint32_t number) const;
  uint32_t stageOfExpr(const artifact::Expr &expr) const;
  uint32_t latestStage(const flatbuffers::Vector<uint32_t> *exprs, uint32_t atLeast) const;

  const artifact::Program &program;
  const uint32_t symbolCount;
  Schedule schedule;
  /// Per expression: one more than the highest symbol in it, 0 if none.
  std::vector<uint32_t> symbolsNeeded;
  std::vector<Step> order;
};

/// One stage from the inputs, and one after each call that gives late symbols.
void Scheduler::makeStages() {
  std::vector<uint32_t> starts = {0};
  for (uint32_t i = 0; i < symbolCount; ++i)
    if (program.symbols()->Get(i)->kind() == SymbolKind::TensorValue)
      starts.push_back(program.symbols()->Get(i)->after_call() + 1);
  std::sort(starts.begin(), starts.end());
  starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
  schedule.stages.resize(starts.size());
  for (size_t i = 0; i < starts.size(); ++i) {
    schedule.stages[i].firstCall = starts[i];
    schedule.stages[i].endCall = i + 1 < starts.size() ? starts[i + 1] : program.calls()->size();
  }
}

/// An order in which everything is computed after what it needs: expressions
/// without symbols, symbol 0, expressions that need no more than it, ...
void Scheduler::findOrder() {
  uint32_t exprCount = program.exprs()->size();
  symbolsNeeded.resize(exprCount);
  std::vector<std::vector<uint32_t>> byNeed(symbolCount + 1);
  for (uint32_t i = 0; i < exprCount; ++i) {
    uint32_t need = 0;
    for (const artifact::ExprOp *op : *program.exprs()->Get(i)->code()) {
      if (op->code() == ExprCode::Symbol)
        need = std::max(need, static_cast<uint32_t>(op->value()) + 1);
      if (op->code() == ExprCode::Ref)
        need = std::max(need, symbolsNeeded[static_cast<size_t>(op->value())]);
    }
    symbolsNeeded[i] = need;
    byNeed[need].push_back(i);
  }
  for (uint32_t need = 0; need <= symbolCount; ++need) {
    if (need > 0)
      order.push_back({true, need - 1});
    for (uint32_t expr : byNeed[need])
      order.push_back({false, expr});
  }
}

uint32_t Scheduler::stageOfSymbol(uint32_t number) const {
  const artifact::Symbol *symbol = program.symbols()->Get(number);
  switch (symbol->kind()) {
  case SymbolKind::Derived:
    if (symbolsNeeded[symbol->expr()] > number)
      fail(LATHE_BAD_ARTIFACT, "damaged manifest: symbol {} is used before it is known", number);
    return schedule.exprStage[symbol->expr()];
  case SymbolKind::TensorValue: {
    auto isAt = [&](const Stage &stage) { return stage.firstCall == symbol->after_call() + 1; };
    auto it = std::find_if(schedule.stages.begin(), schedule.stages.end(), isAt);
    return static_cast<uint32_t>(it - schedule.stages.begin());
  }
  default:
    return 0;
  }
}

uint32_t Scheduler::stageOfExpr(const artifact::Expr &expr) const {
  uint32_t stage = 0;
  for (const artifact::ExprOp *op : *expr.code()) {
    if (op->code() == ExprCode::Symbol)
      stage = std::max(stage, schedule.symbolStage[static_cast<size_t>(op->value())]);
    if (op->code() == ExprCode::Ref)
      stage = std::max(stage, schedule.exprStage[static_cast<size_t>(op->value())]);
  }
  return stage;
}

void Scheduler::findStages() {
  schedule.exprStage.resize(program.exprs()->size());
  schedule.symbolStage.resize(symbolCount);
  for (Step step : order) {
    uint32_t stage = step.isSymbol ? stageOfSymbol(step.number) : stageOfExpr(*program.exprs()->Get(step.number));
    (step.isSymbol ? schedule.symbolStage : schedule.exprStage)[step.number] = stage;
    schedule.stages[stage].steps.push_back(step);
  }
}

uint32_t Scheduler::latestStage(const flatbuffers::Vector<uint32_t> *exprs, uint32_t atLeast) const {
  if (exprs)
    for (uint32_t expr : *exprs)
      atLeast = std::max(atLeast, schedule.exprStage[expr]);
  return atLeast;
}

void Scheduler::fillStages() {
  if (program.constraints())
    for (uint32_t i = 0; i < program.constraints()->size(); ++i)
      schedule.stages[schedule.exprStage[program.constraints()->Get(i)->expr()]].constraints.push_back(i);
  // A tensor of the caller is checked when both its size and shape are known.
  std::vector<uint32_t> outputStage(program.outputs()->size());
  for (uint32_t i = 0; i < outputStage.size(); ++i)
    outputStage[i] = latestStage(program.outputs()->Get(i)->shape(), 0);
  for (uint32_t i = 0; i < program.buffers()->size(); ++i) {
    const artifact::Buffer *buffer = program.buffers()->Get(i);
    uint32_t stage = schedule.exprStage[buffer->size()];
    if (buffer->kind() == artifact::BufferKind::Output)
      stage = outputStage[buffer->index()] = std::max(stage, outputStage[buffer->index()]);
    schedule.stages[stage].buffers.push_back(i);
  }
  for (uint32_t i = 0; i < outputStage.size(); ++i)
    schedule.stages[outputStage[i]].outputs.push_back(i);
}

} // namespace

Schedule makeSchedule(const artifact::Program &program) { return Scheduler(program).run(); }

} // namespace lathe::runtime
