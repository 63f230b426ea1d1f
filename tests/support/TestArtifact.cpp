//===- TestArtifact.cpp - hand-made artifacts -----------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tests/support/TestArtifact.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

namespace lathe::test {

using namespace artifact;

static constexpr size_t kernelBytes = 256;

static std::vector<uint8_t> readKernels() {
  std::ifstream file(LATHE_TEST_KERNELS, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TestModel::TestModel() : code(readKernels()) {
  manifest.producer = "test";
  manifest.model = "hand-made";
  manifest.programs.push_back(std::make_unique<ProgramT>());
  program().target = std::make_unique<TargetT>();
  program().target->arch = "x86_64";
  program().target->cpu = "x86-64";
  program().target->features = {"sse2"};
  program().memory = std::make_unique<MemoryPlanT>();
  uint32_t zero = constant(0);
  program().memory->arena_bytes = program().memory->lower_bound_bytes = zero;
  program().memory->no_reuse_bytes = zero;
  for (uint32_t i = 0; i < static_cast<uint32_t>(TestKernel::Count); ++i) {
    auto kernel = std::make_unique<KernelT>();
    kernel->name = "kernel" + std::to_string(i);
    kernel->code_offset = i * kernelBytes;
    program().kernels.push_back(std::move(kernel));
  }
}

uint32_t TestModel::expr(std::initializer_list<Op> ops) {
  auto made = std::make_unique<ExprT>();
  for (Op op : ops)
    made->code.emplace_back(op.code, op.value);
  program().exprs.push_back(std::move(made));
  return static_cast<uint32_t>(program().exprs.size() - 1);
}

uint32_t TestModel::addInputDim(const std::string &name, uint32_t input, uint32_t axis) {
  auto symbol = std::make_unique<SymbolT>();
  symbol->name = name;
  symbol->kind = SymbolKind::InputDim;
  symbol->index = input;
  symbol->element = axis;
  program().symbols.push_back(std::move(symbol));
  return static_cast<uint32_t>(program().symbols.size() - 1);
}

static std::unique_ptr<TensorInfoT> makeTensor(const std::string &name, DType dtype, std::vector<uint32_t> shape) {
  auto tensor = std::make_unique<TensorInfoT>();
  tensor->name = name;
  tensor->dtype = dtype;
  for (size_t axis = 0; axis < shape.size(); ++axis)
    tensor->dim_names.push_back("d" + std::to_string(axis));
  tensor->shape = std::move(shape);
  return tensor;
}

void TestModel::addInput(const std::string &name, DType dtype, std::vector<uint32_t> shape) {
  program().inputs.push_back(makeTensor(name, dtype, std::move(shape)));
}

void TestModel::addOutput(const std::string &name, DType dtype, std::vector<uint32_t> shape) {
  program().outputs.push_back(makeTensor(name, dtype, std::move(shape)));
}

uint32_t TestModel::addBuffer(BufferKind kind, uint32_t index, uint32_t size) {
  auto buffer = std::make_unique<BufferT>();
  buffer->kind = kind;
  buffer->index = index;
  buffer->size = size;
  program().buffers.push_back(std::move(buffer));
  return static_cast<uint32_t>(program().buffers.size() - 1);
}

CallT &TestModel::addCall(TestKernel kernel, std::vector<uint32_t> args, std::vector<uint32_t> dims, uint32_t tasks,
                          const std::string &node) {
  auto call = std::make_unique<CallT>();
  call->kernel = static_cast<uint32_t>(kernel);
  call->args = std::move(args);
  call->dims = std::move(dims);
  call->tasks = tasks;
  call->scratch_bytes = call->flops = call->bytes = constant(0);
  call->nodes = {node};
  program().calls.push_back(std::move(call));
  return *program().calls.back();
}

static std::unique_ptr<WeightsSegmentT> makeSegment(const std::vector<uint8_t> &weights) {
  auto segment = std::make_unique<WeightsSegmentT>();
  segment->size = weights.size();
  for (size_t begin = 0; begin < weights.size(); begin += LATHE_WEIGHTS_CHUNK_BYTES) {
    size_t size = std::min<size_t>(weights.size() - begin, LATHE_WEIGHTS_CHUNK_BYTES);
    segment->chunk_digests.push_back(XXH3_64bits(weights.data() + begin, size));
  }
  return segment;
}

static std::vector<uint8_t> manifestBytes(const ManifestT &manifest) {
  flatbuffers::FlatBufferBuilder builder;
  FinishManifestBuffer(builder, Manifest::Pack(builder, &manifest));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

std::vector<uint8_t> pack(const std::vector<uint8_t> &bytes) {
  std::vector<uint8_t> frame(ZSTD_compressBound(bytes.size()));
  frame.resize(ZSTD_compress(frame.data(), frame.size(), bytes.data(), bytes.size(), 1));
  return frame;
}

/// Appends the bytes and says where they are.
static uint64_t append(std::vector<uint8_t> &file, const std::vector<uint8_t> &bytes) {
  file.insert(file.end(), bytes.begin(), bytes.end());
  return file.size() - bytes.size();
}

std::vector<uint8_t> TestModel::write(bool packs) {
  lathe_artifact_header header = {};
  std::memcpy(header.magic, LATHE_ARTIFACT_MAGIC, LATHE_ARTIFACT_MAGIC_BYTES);
  header.version = LATHE_ARTIFACT_VERSION;
  header.header_bytes = sizeof(header);
  header.alignment = LATHE_BUFFER_ALIGNMENT;
  header.kernel_abi = LATHE_KERNEL_ABI_VERSION;
  std::vector<uint8_t> file(sizeof(header));
  header.weights_bytes = weights.size();
  header.weights_offset = append(file, weights);
  std::vector<uint8_t> packedCode = packs ? pack(code) : code;
  header.code_bytes = packedCode.size();
  header.code_offset = append(file, packedCode);

  if (!weights.empty() && manifest.weights.empty())
    manifest.weights.push_back(makeSegment(weights));
  for (auto &segment : manifest.weights)
    segment->offset = header.weights_offset;
  program().code_offset = header.code_offset;
  program().code_packed_bytes = packedCode.size();
  program().code_bytes = code.size();
  std::vector<uint8_t> unpacked = manifestBytes(manifest), packed = packs ? pack(unpacked) : unpacked;
  header.manifest_unpacked_bytes = unpacked.size();
  header.manifest_bytes = packed.size();
  header.manifest_offset = append(file, packed);
  header.file_bytes = file.size();
  std::memcpy(file.data(), &header, sizeof(header));
  fixDigest(file);
  return file;
}

void fixDigest(std::vector<uint8_t> &file) {
  lathe_artifact_header header;
  std::memcpy(&header, file.data(), sizeof(header));
  std::memset(header.digest, 0, sizeof(header.digest));
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &header, sizeof(header));
  XXH3_128bits_update(&state, file.data() + header.manifest_offset, header.manifest_bytes);
  XXH3_128bits_update(&state, file.data() + header.code_offset, header.code_bytes);
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
  std::memcpy(file.data() + offsetof(lathe_artifact_header, digest), digest.digest, sizeof(digest.digest));
}

void writeFile(const std::string &path, const std::vector<uint8_t> &bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

TestModel makeAdder(int64_t d) {
  TestModel model;
  uint32_t batch = model.symbol(model.addInputDim("batch", 0, 0));
  model.program().symbols[0]->min = 1;
  model.program().symbols[0]->max = 1000;
  uint32_t width = model.constant(d);
  uint32_t count = model.expr({{ExprCode::Symbol, 0}, {ExprCode::Const, d}, {ExprCode::Mul}});
  uint32_t bytes = model.expr({{ExprCode::Ref, count}, {ExprCode::Const, 4}, {ExprCode::Mul}});
  model.addInput("a", DType::F32, {batch, width});
  model.addInput("b", DType::F32, {batch, width});
  model.addOutput("y", DType::F32, {batch, width});
  uint32_t a = model.addBuffer(BufferKind::Input, 0, bytes), b = model.addBuffer(BufferKind::Input, 1, bytes);
  uint32_t y = model.addBuffer(BufferKind::Output, 0, bytes), sum = model.addBuffer(BufferKind::Arena, 0, bytes);
  uint32_t w = model.addBuffer(BufferKind::Weights, 0, model.constant(4 * d));
  model.program().memory->arena_bytes = model.program().memory->no_reuse_bytes = bytes;
  model.program().memory->lower_bound_bytes = bytes;
  model.addCall(TestKernel::Add, {a, b, sum}, {}, count, "add_1");
  model.addCall(TestKernel::AddRow, {sum, w, y}, {width}, batch, "add_2");
  std::vector<float> row(static_cast<size_t>(d));
  for (size_t i = 0; i < row.size(); ++i)
    row[i] = static_cast<float>(i + 1);
  model.weights.resize(row.size() * sizeof(float));
  std::memcpy(model.weights.data(), row.data(), model.weights.size());
  return model;
}

TestModel makeNonZero() {
  TestModel model;
  uint32_t n = model.symbol(model.addInputDim("n", 0, 0));
  uint32_t bytes = model.expr({{ExprCode::Ref, n}, {ExprCode::Const, 8}, {ExprCode::Mul}});
  uint32_t one = model.constant(1);
  model.addInput("x", DType::I64, {n});
  uint32_t x = model.addBuffer(BufferKind::Input, 0, bytes);
  uint32_t count = model.addBuffer(BufferKind::Arena, 0, model.constant(8));
  model.program().memory->arena_bytes = model.constant(8);
  auto late = std::make_unique<SymbolT>();
  late->name = "found";
  late->kind = SymbolKind::TensorValue;
  late->index = count;
  late->after_call = 0;
  model.program().symbols.push_back(std::move(late));
  uint32_t found = model.symbol(1);
  uint32_t foundBytes = model.expr({{ExprCode::Ref, found}, {ExprCode::Const, 8}, {ExprCode::Mul}});
  model.addOutput("positions", DType::I64, {found});
  uint32_t positions = model.addBuffer(BufferKind::Output, 0, foundBytes);
  uint32_t copy = model.addBuffer(BufferKind::Late, 0, foundBytes);
  model.addCall(TestKernel::CountNonZero, {x, count}, {n}, one, "count");
  model.addCall(TestKernel::FindNonZero, {x, copy}, {n}, one, "find");
  model.addCall(TestKernel::CheckIndices, {copy, positions}, {n}, found, "check");
  return model;
}

TestModel makeStepper() {
  TestModel model;
  uint32_t rounds = model.symbol(model.addInputDim("rounds", 0, 0)), n = model.symbol(model.addInputDim("n", 0, 1));
  uint32_t bytes =
      model.expr({{ExprCode::Ref, rounds}, {ExprCode::Ref, n}, {ExprCode::Mul}, {ExprCode::Const, 8}, {ExprCode::Mul}});
  model.addInput("x", DType::I64, {rounds, n});
  model.addOutput("y", DType::I64, {rounds, n});
  uint32_t x = model.addBuffer(BufferKind::Input, 0, bytes), y = model.addBuffer(BufferKind::Output, 0, bytes);
  model.addCall(TestKernel::StepRounds, {x, y}, {n}, n, "steps").rounds = rounds;
  return model;
}

} // namespace lathe::test
