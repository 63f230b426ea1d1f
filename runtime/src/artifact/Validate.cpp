//===- Validate.cpp - trust nothing in a manifest -------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/artifact/Validate.h"

#include "runtime/src/artifact/Expr.h"
#include "runtime/src/artifact/ValidateLibrary.h"
#include "runtime/src/support/DType.h"
#include "runtime/src/support/Error.h"

#include <algorithm>

namespace lathe::runtime {
namespace {

using artifact::BufferKind;
using artifact::SymbolKind;

template <typename T> uint32_t countOf(const T *vector) { return vector ? vector->size() : 0; }

template <typename... Args> [[noreturn]] void damaged(fmt::format_string<Args...> text, Args &&...args) {
  fail(LATHE_BAD_ARTIFACT, "damaged manifest: {}", fmt::format(text, std::forward<Args>(args)...));
}

void checkIndex(const char *what, uint64_t index, uint64_t count) {
  if (index >= count)
    damaged("expects {} below {}, got {}", what, count, index);
}

void checkIndices(const char *what, const flatbuffers::Vector<uint32_t> *indices, uint64_t count) {
  if (indices)
    for (uint32_t index : *indices)
      checkIndex(what, index, count);
}

/// Whether [offset, offset + size) lies in [0, limit).
bool isInside(uint64_t offset, uint64_t size, uint64_t limit) { return offset <= limit && size <= limit - offset; }

void checkSegment(const artifact::WeightsSegment &segment, const lathe_artifact_header &header) {
  uint64_t chunks = segment.size() / LATHE_WEIGHTS_CHUNK_BYTES + (segment.size() % LATHE_WEIGHTS_CHUNK_BYTES != 0);
  if (segment.offset() < header.weights_offset || segment.offset() % LATHE_BUFFER_ALIGNMENT != 0 ||
      !isInside(segment.offset() - header.weights_offset, segment.size(), header.weights_bytes))
    damaged("weights segment at {} of {} bytes is outside the weights region", segment.offset(), segment.size());
  if (segment.chunk_digests()->size() != chunks)
    damaged("expects {} weight digests, got {}", chunks, segment.chunk_digests()->size());
}

/// Checks of one program; the order of the functions is that of the schema.
class ProgramValidator {
public:
  ProgramValidator(const artifact::Manifest &manifest, const artifact::Program &program,
                   const lathe_artifact_header &header)
      : manifest(manifest), program(program), header(header), exprCount(program.exprs()->size()),
        symbolCount(countOf(program.symbols())) {}

  void run() {
    checkCode();
    checkExprs();
    checkSymbols();
    checkConstraints();
    checkTensors("input", *program.inputs());
    checkTensors("output", *program.outputs());
    checkBuffers();
    checkCalls();
    checkMemory();
  }

private:
  void checkExpr(uint32_t index) const { checkIndex("an expression", index, exprCount); }
  void checkExprs(const flatbuffers::Vector<uint32_t> *indices) const {
    checkIndices("an expression", indices, exprCount);
  }

  void checkCode() const {
    if (program.code_offset() < header.code_offset ||
        !isInside(program.code_offset() - header.code_offset, program.code_packed_bytes(), header.code_bytes))
      damaged("code at {} of {} bytes is outside the code region", program.code_offset(), program.code_packed_bytes());
    if (program.code_bytes() > LATHE_UNPACKED_BYTES_MAX)
      damaged("expects code of at most {} bytes, got {}", LATHE_UNPACKED_BYTES_MAX, program.code_bytes());
    for (const artifact::Kernel *kernel : *program.kernels())
      if (kernel->library())
        checkLibraryKernel(*kernel->library());
      else
        checkIndex("the entry point of a kernel", kernel->code_offset(), program.code_bytes());
  }

  void checkExprs() const {
    for (uint32_t i = 0; i < exprCount; ++i)
      if (const char *fault = findExprFault(*program.exprs()->Get(i), i, symbolCount))
        damaged("expression {}: {}", i, fault);
  }

  void checkSymbols() const {
    for (uint32_t i = 0; i < symbolCount; ++i)
      checkSymbol(*program.symbols()->Get(i));
  }
  void checkSymbol(const artifact::Symbol &symbol) const;
  void checkConstraints() const {
    for (uint32_t i = 0; i < countOf(program.constraints()); ++i)
      checkExpr(program.constraints()->Get(i)->expr());
  }
  void checkTensors(const char *what,
                    const flatbuffers::Vector<flatbuffers::Offset<artifact::TensorInfo>> &tensors) const;
  void checkBuffers() const;
  void checkBuffer(const artifact::Buffer &buffer) const;
  void checkBorders(BufferKind kind, uint32_t count) const;
  void checkValue(const artifact::CallValue &value, const artifact::Call &call) const;
  void checkCalls() const;
  void checkMemory() const {
    checkExpr(program.memory()->arena_bytes());
    checkExpr(program.memory()->lower_bound_bytes());
    checkExpr(program.memory()->no_reuse_bytes());
  }

  const artifact::Manifest &manifest;
  const artifact::Program &program;
  const lathe_artifact_header &header;
  const uint32_t exprCount, symbolCount;
};

void ProgramValidator::checkSymbol(const artifact::Symbol &symbol) const {
  switch (symbol.kind()) {
  case SymbolKind::InputDim: {
    checkIndex("an input of a symbol", symbol.index(), program.inputs()->size());
    const artifact::TensorInfo *input = program.inputs()->Get(symbol.index());
    checkIndex("an axis of a symbol", symbol.element(), countOf(input->shape()));
    return;
  }
  case SymbolKind::InputValue: {
    checkIndex("an input of a symbol", symbol.index(), program.inputs()->size());
    artifact::DType dtype = program.inputs()->Get(symbol.index())->dtype();
    if (dtype != artifact::DType::I64 && dtype != artifact::DType::I32)
      damaged("symbol '{}' is read from an input that is not i32 or i64", symbol.name()->c_str());
    return;
  }
  case SymbolKind::Derived:
    checkExpr(symbol.expr());
    return;
  case SymbolKind::TensorValue:
    checkIndex("a buffer of a symbol", symbol.index(), program.buffers()->size());
    checkIndex("a call of a symbol", symbol.after_call(), program.calls()->size());
    return;
  }
  damaged("unknown kind of symbol {}", static_cast<int>(symbol.kind()));
}

void ProgramValidator::checkTensors(
    const char *what, const flatbuffers::Vector<flatbuffers::Offset<artifact::TensorInfo>> &tensors) const {
  for (const artifact::TensorInfo *tensor : tensors) {
    if (!findDType(static_cast<int32_t>(tensor->dtype())))
      damaged("unknown dtype {} of {} '{}'", static_cast<int>(tensor->dtype()), what, tensor->name()->c_str());
    checkExprs(tensor->shape());
    if (countOf(tensor->dim_names()) != countOf(tensor->shape()))
      damaged("expects {} names of axes of {} '{}', got {}", countOf(tensor->shape()), what, tensor->name()->c_str(),
              countOf(tensor->dim_names()));
  }
}

void ProgramValidator::checkBuffer(const artifact::Buffer &buffer) const {
  checkExpr(buffer.size());
  switch (buffer.kind()) {
  case BufferKind::Input:
    return checkIndex("an input of a buffer", buffer.index(), program.inputs()->size());
  case BufferKind::Output:
    return checkIndex("an output of a buffer", buffer.index(), program.outputs()->size());
  case BufferKind::Weights: {
    checkIndex("a weights segment", buffer.index(), countOf(manifest.weights()));
    if (buffer.offset() % LATHE_BUFFER_ALIGNMENT != 0 ||
        buffer.offset() > manifest.weights()->Get(buffer.index())->size())
      damaged("weights at {} are misaligned or outside their segment", buffer.offset());
    return;
  }
  case BufferKind::Arena:
    return checkExpr(buffer.arena_offset());
  case BufferKind::Late:
    return;
  }
  damaged("unknown kind of buffer {}", static_cast<int>(buffer.kind()));
}

/// Each input or output has exactly one buffer.
void ProgramValidator::checkBorders(BufferKind kind, uint32_t count) const {
  std::vector<uint32_t> seen(count);
  for (const artifact::Buffer *buffer : *program.buffers())
    if (buffer->kind() == kind)
      ++seen[buffer->index()];
  if (std::any_of(seen.begin(), seen.end(), [](uint32_t times) { return times != 1; }))
    damaged("expects one buffer per input and output");
}

void ProgramValidator::checkBuffers() const {
  for (const artifact::Buffer *buffer : *program.buffers())
    checkBuffer(*buffer);
  checkBorders(BufferKind::Input, program.inputs()->size());
  checkBorders(BufferKind::Output, program.outputs()->size());
}

void ProgramValidator::checkValue(const artifact::CallValue &value, const artifact::Call &call) const {
  checkIndex("a value of a call", value.arg(), countOf(call.args()));
  if (value.dtype() != artifact::DType::F32 && value.dtype() != artifact::DType::I8 &&
      value.dtype() != artifact::DType::U8)
    damaged("expects a value of a call to be f32, i8 or u8, got {}", static_cast<int>(value.dtype()));
  if (program.buffers()->Get(call.args()->Get(value.arg()))->kind() == BufferKind::Weights)
    damaged("a value of a call is a constant");
  for (uint32_t i = 0; i < countOf(value.order()); ++i)
    checkIndex("an axis", value.order()->Get(i), value.order()->size());
}

void ProgramValidator::checkCalls() const {
  for (const artifact::Call *call : *program.calls()) {
    checkIndex("a kernel of a call", call->kernel(), program.kernels()->size());
    checkIndices("a buffer of a call", call->args(), program.buffers()->size());
    checkExprs(call->arg_offsets());
    if (call->arg_offsets() && call->arg_offsets()->size() != countOf(call->args()))
      damaged("expects {} offsets of arguments, got {}", countOf(call->args()), call->arg_offsets()->size());
    checkExprs(call->dims());
    for (uint32_t expr : {call->tasks(), call->scratch_bytes(), call->flops(), call->bytes()})
      checkExpr(expr);
    if (call->rounds())
      checkExpr(*call->rounds());
    for (uint32_t i = 0; i < countOf(call->values()); ++i)
      checkValue(*call->values()->Get(i), *call);
    if (const artifact::LibraryKernel *kernel = program.kernels()->Get(call->kernel())->library())
      checkLibraryArgs(*kernel, *call, manifest, program);
  }
}

bool areSame(const artifact::TensorInfo &a, const artifact::TensorInfo &b) {
  return a.name()->string_view() == b.name()->string_view() && a.dtype() == b.dtype() &&
         countOf(a.shape()) == countOf(b.shape());
}

/// Fat artifacts: all programs look the same from outside.
void checkSameBorders(const artifact::Program &first, const artifact::Program &other) {
  auto check = [](const auto &a, const auto &b) {
    bool same = a.size() == b.size();
    for (uint32_t i = 0; same && i < a.size(); ++i)
      same = areSame(*a.Get(i), *b.Get(i));
    if (!same)
      damaged("programs differ in their inputs or outputs");
  };
  check(*first.inputs(), *other.inputs());
  check(*first.outputs(), *other.outputs());
}

} // namespace

const artifact::Manifest &validateManifest(std::span<const uint8_t> bytes, const lathe_artifact_header &header) {
  constexpr flatbuffers::uoffset_t maxDepth = 16, maxTables = 1u << 26;
  if (bytes.size() < 8 || bytes.size() >= FLATBUFFERS_MAX_BUFFER_SIZE)
    damaged("expects 8 bytes to 2 GiB, got {}", bytes.size());
  flatbuffers::Verifier verifier(bytes.data(), bytes.size(), maxDepth, maxTables);
  if (!artifact::VerifyManifestBuffer(verifier))
    damaged("malformed FlatBuffer");
  const artifact::Manifest &manifest = *artifact::GetManifest(bytes.data());
  for (uint32_t i = 0; i < countOf(manifest.weights()); ++i)
    checkSegment(*manifest.weights()->Get(i), header);
  if (manifest.programs()->size() == 0)
    damaged("no program");
  for (const artifact::Program *program : *manifest.programs()) {
    ProgramValidator(manifest, *program, header).run();
    checkSameBorders(*manifest.programs()->Get(0), *program);
  }
  for (uint32_t i = 0; i < countOf(manifest.graph()); ++i)
    checkIndices("a node of the graph", manifest.graph()->Get(i)->producers(), manifest.graph()->size());
  return manifest;
}

//===----------------------------------------------------------------------===//
// Schedule
//===----------------------------------------------------------------------===//

namespace {

class ScheduleValidator {
public:
  ScheduleValidator(const artifact::Program &program, const Schedule &schedule)
      : program(program), schedule(schedule), bufferStage(program.buffers()->size()) {
    for (uint32_t stage = 0; stage < schedule.stages.size(); ++stage)
      for (uint32_t buffer : schedule.stages[stage].buffers)
        bufferStage[buffer] = stage;
  }

  void run() const {
    checkEarly();
    for (uint32_t stage = 0; stage < schedule.stages.size(); ++stage)
      for (uint32_t call = schedule.stages[stage].firstCall; call < schedule.stages[stage].endCall; ++call)
        checkCall(*program.calls()->Get(call), call, stage);
    for (uint32_t i = 0; i < countOf(program.symbols()); ++i)
      checkSource(*program.symbols()->Get(i));
  }

private:
  void checkExpr(uint32_t expr, uint32_t stage, const char *what) const {
    if (schedule.exprStage[expr] > stage)
      damaged("{} depends on a value that is computed later", what);
  }

  /// What must follow from the inputs alone.
  void checkEarly() const {
    checkExpr(program.memory()->arena_bytes(), 0, "the arena's size");
    checkExpr(program.memory()->lower_bound_bytes(), 0, "the arena's lower bound");
    checkExpr(program.memory()->no_reuse_bytes(), 0, "the sum of buffers");
    for (const artifact::TensorInfo *input : *program.inputs())
      if (input->shape())
        for (uint32_t expr : *input->shape())
          checkExpr(expr, 0, "the shape of an input");
    for (const artifact::Buffer *buffer : *program.buffers()) {
      if (buffer->kind() == BufferKind::Arena)
        checkExpr(buffer->arena_offset(), 0, "an offset in the arena");
      if (buffer->kind() != BufferKind::Late && buffer->kind() != BufferKind::Output)
        checkExpr(buffer->size(), 0, "the size of a buffer");
    }
  }

  void checkCall(const artifact::Call &call, uint32_t number, uint32_t stage) const {
    for (uint32_t expr : {call.tasks(), call.scratch_bytes(), call.flops(), call.bytes()})
      checkExpr(expr, stage, "a call");
    if (call.rounds())
      checkExpr(*call.rounds(), stage, "a call");
    for (const auto *exprs : {call.dims(), call.arg_offsets()})
      if (exprs)
        for (uint32_t expr : *exprs)
          checkExpr(expr, stage, "a call");
    if (call.args())
      for (uint32_t buffer : *call.args())
        if (bufferStage[buffer] > stage)
          damaged("call {} uses buffer {} before its size is known", number, buffer);
  }

  /// The tensor that a late symbol is read from must exist by then.
  void checkSource(const artifact::Symbol &symbol) const {
    if (symbol.kind() != SymbolKind::TensorValue)
      return;
    if (schedule.stages[bufferStage[symbol.index()]].firstCall > symbol.after_call())
      damaged("symbol '{}' is read from a buffer whose size is not known", symbol.name()->c_str());
  }

  const artifact::Program &program;
  const Schedule &schedule;
  std::vector<uint32_t> bufferStage;
};

} // namespace

void validateSchedule(const artifact::Program &program, const Schedule &schedule) {
  ScheduleValidator(program, schedule).run();
}

} // namespace lathe::runtime
