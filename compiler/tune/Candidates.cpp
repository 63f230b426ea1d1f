#include "compiler/tune/Candidates.h"
#include "backends/onednn/LibraryKernel.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OwningOpRef.h"
#include <sys/mman.h>

using namespace mlir;

namespace lathe {

//===- Memory -===//

namespace {
constexpr int64_t kMostBytes = 64 << 20; // more are as cold
constexpr int64_t kAlignment = LATHE_BUFFER_ALIGNMENT;
} // namespace

MadeUpMemory::MadeUpMemory(int64_t programWeightsBytes, int64_t programValuesBytes)
    : othersBytes(std::min(programWeightsBytes + programValuesBytes, kMostBytes)) {
  fill(weights, size_t(std::min(programWeightsBytes, kMostBytes)));
}

/// Small numbers of both signs: no kernel meets infinities or denormals. In huge pages, as what the runtime allocates.
void MadeUpMemory::fill(std::vector<float> &memory, size_t bytes) {
  constexpr uintptr_t page = 4096;
  size_t count = (bytes + 2 * kAlignment) / sizeof(float);
  memory.clear();
  memory.reserve(count);
  uintptr_t begin = llvm::alignTo(reinterpret_cast<uintptr_t>(memory.data()), page);
  uintptr_t end = llvm::alignDown(reinterpret_cast<uintptr_t>(memory.data() + count), page);
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_HUGEPAGE);
  memory.resize(count);
  uint32_t state = 1;
  for (float &value : memory) {
    state = state * 1664525 + 1013904223; // Numerical Recipes
    value = float(int32_t(state)) / float(INT32_MAX);
  }
}

static void *aligned(void *memory) {
  return reinterpret_cast<void *>(llvm::alignTo(reinterpret_cast<uintptr_t>(memory), kAlignment));
}

void *MadeUpMemory::nextWeights(int64_t bytes) {
  size_t needed = size_t(bytes + kAlignment) / sizeof(float);
  if (weights.size() < needed)
    fill(weights, size_t(bytes));
  if (weightsAt + needed > weights.size())
    weightsAt = 0;
  void *here = aligned(weights.data() + weightsAt);
  weightsAt += needed;
  return here;
}

void *MadeUpMemory::nextCopy(const PackedBytes &content) {
  size_t room = llvm::alignTo(content->size(), kAlignment), count = std::max<size_t>(1, size_t(othersBytes) / room);
  if (copied != content) {
    fill(copies, count * room);
    for (size_t i = 0; i < count; ++i)
      std::memcpy(static_cast<char *>(aligned(copies.data())) + i * room, content->data(), content->size());
    copied = content;
  }
  copyAt = (copyAt + 1) % count;
  return static_cast<char *>(aligned(copies.data())) + copyAt * room;
}

void *MadeUpMemory::buffer(std::vector<Buffer> &buffers, size_t index, int64_t bytes) {
  if (buffers.size() <= index)
    buffers.resize(index + 1);
  Buffer &memory = buffers[index];
  if (memory.size() * sizeof(float) < size_t(bytes + kAlignment))
    fill(memory, size_t(bytes));
  return aligned(memory.data());
}

void *MadeUpMemory::zeros(int64_t bytes) {
  if (zeroBuffer.size() * sizeof(float) < size_t(bytes + kAlignment))
    zeroBuffer.assign(size_t(bytes + 2 * kAlignment) / sizeof(float), 0);
  return aligned(zeroBuffer.data());
}

void MadeUpMemory::read(const void *input, int64_t bytes) {
  const auto *lines = static_cast<const volatile char *>(input);
  for (int64_t i = 0; i < bytes; i += kAlignment)
    (void)lines[i];
}

namespace {
constexpr int64_t kReadPerTask = 256 << 10; // bytes

/// As lathe_kernel_fn; the argument is what to read.
int32_t readTasks(void *const *args, const int64_t *, int64_t begin, int64_t end, const lathe_kernel_context *) {
  MadeUpMemory::read(static_cast<char *>(args[0]) + begin * kReadPerTask, (end - begin) * kReadPerTask);
  return LATHE_KERNEL_OK;
}
} // namespace

void MadeUpMemory::readOthers(TaskRunner &runner) {
  if (others.empty())
    fill(others, size_t(othersBytes));
  void *args[] = {others.data()};
  runner.run({readTasks, nullptr, args, othersBytes / kReadPerTask});
}

//===- Code -===//

namespace {
int64_t valueOf(AffineMap map) { return *constantDim(map.getResult(0)); }

int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * elementSizeBytes(tensor.getElementType());
}

OwningOpRef<plan::ProgramOp> emptyProgram(Operation *op, const Target &target) {
  OpBuilder b(op->getContext());
  OwningOpRef<plan::ProgramOp> program = b.create<plan::ProgramOp>(
      op->getLoc(), "candidates", b.getFunctionType({}, {}), b.getStrArrayAttr({}), b.getStrArrayAttr({}),
      target.toAttribute(op->getContext()), ArrayAttr(), IntegerAttr(), IntegerAttr(), IntegerAttr());
  program->getBody().emplaceBlock();
  return program;
}
} // namespace

/// Packed bytes may have a table of where what begins (IntegerPacking).
static PackedBytes packedBytes(ElementsAttr constant, Attribute packing, int64_t size, Backend &backend) {
  auto value = reference::Tensor::fromAttribute(constant);
  std::vector<char> bytes(static_cast<size_t>(size));
  if (value)
    backend.pack(*value, packing, bytes.data());
  else
    llvm::consumeError(value.takeError());
  return std::make_shared<const std::vector<char>>(std::move(bytes));
}

Candidates::Kernel Candidates::kernelOf(const KernelUse &use, Operation *op, ArrayRef<ElementsAttr> constants,
                                        Backend &backend) {
  plan::KernelOp kernel = use.kernel;
  Kernel entry{{}, valueOf(kernel.getTasks()), valueOf(kernel.getScratchBytes()), nullptr, nullptr};
  for (auto [packing, operand] : llvm::zip_equal(kernel.getPacking(), use.operands)) {
    auto type = cast<RankedTensorType>(op->getOperand(operand).getType());
    int64_t size = isa<UnitAttr>(packing) ? 0 : backend.packedSizeBytes(type, packing);
    if (!isa<UnitAttr>(packing) && !type.getElementType().isF32() && constants[operand])
      entry.arguments.push_back({Argument::packed, size, packedBytes(constants[operand], packing, size, backend)});
    else if (!isa<UnitAttr>(packing))
      entry.arguments.push_back({Argument::weights, size});
    else
      entry.arguments.push_back({type.getElementType().isF32() ? Argument::numbers : Argument::zeros, bytesOf(type)});
  }
  for (Type type : op->getResultTypes())
    entry.arguments.push_back({Argument::result, bytesOf(type)});
  return entry;
}

LogicalResult Candidates::prepare(plan::KernelOp op, Kernel &kernel, const MeasuredLibrary &library) {
  auto description = onednn::describe(op);
  if (failed(description))
    return failure();
  auto call = library.prepare(**description, unsigned(kernel.arguments.size()));
  if (!call) {
    refused = llvm::toString(call.takeError());
    return success();
  }
  kernel.library = std::move(*call);
  kernel.scratchBytes = kernel.library->scratchBytes();
  kernel.arguments[(*description)->weights_arg] = {Argument::weights, kernel.library->packedBytes()};
  return success();
}

/// The code of all kernels that aren't a library's.
LogicalResult Candidates::map(const CodeImage &code, Operation *op) {
  llvm::Expected<KernelImage> mapped = KernelImage::map(code);
  if (!mapped)
    return op->emitError(llvm::toString(mapped.takeError()));
  image.emplace(std::move(*mapped));
  return success();
}

FailureOr<Candidates> Candidates::compile(Operation *op, ArrayRef<ElementsAttr> constants, ArrayRef<KernelPlan> plans,
                                          Backend &backend, const Target &target, const MeasuredLibrary *library) {
  OwningOpRef<plan::ProgramOp> program = emptyProgram(op, target);
  size_t next = 0;
  KernelBuilder builder(*program, [&](Operation *, ArrayRef<bool>) { return FailureOr<KernelPlan>(plans[next++]); });
  Candidates candidates;
  SmallVector<size_t> generated;
  while (next < plans.size()) {
    FailureOr<KernelUse> use = builder.build(op, constants);
    if (failed(use))
      return failure();
    use->kernel = builder.withInPlace(use->kernel, {});
    Kernel &kernel = candidates.kernels.emplace_back(kernelOf(*use, op, constants, backend));
    if (!isLibraryKind(use->kernel.getKind()))
      generated.push_back(candidates.kernels.size() - 1);
    else if (failed(candidates.prepare(use->kernel, kernel, *library)))
      return failure();
  }
  FailureOr<CodeImage> code = backend.generate(*program, target, false);
  if (failed(code) || code->entries.size() != generated.size() || failed(candidates.map(*code, op)))
    return failure();
  for (auto [entry, kernel] : llvm::enumerate(generated))
    candidates.kernels[kernel].function = candidates.image->entry(entry);
  return candidates;
}

double Candidates::run(size_t index, MadeUpMemory &memory, TaskRunner &runner, Caches caches) const {
  auto place = [&](size_t number, const Argument &argument) {
    switch (argument.role) {
    case Argument::weights:
      return memory.nextWeights(argument.bytes);
    case Argument::packed:
      return memory.nextCopy(argument.content);
    case Argument::numbers:
      return memory.input(number, argument.bytes);
    case Argument::zeros:
      return memory.zeros(argument.bytes);
    case Argument::result:
      return memory.output(number, argument.bytes);
    }
    llvm_unreachable("unknown role");
  };
  const Kernel &kernel = kernels[index];
  if (!kernel.function && !kernel.library)
    return std::numeric_limits<double>::infinity();
  for (const Argument &argument : kernel.arguments) // of the largest size, before one of them is given out
    if (argument.role == Argument::zeros)
      memory.zeros(argument.bytes);
  std::vector<void *> args;
  for (auto [number, argument] : llvm::enumerate(kernel.arguments))
    args.push_back(place(number, argument));
  runner.reserveScratch(size_t(kernel.scratchBytes));
  if (caches == inProgram) {
    memory.readOthers(runner);
    for (auto [argument, place] : llvm::zip_equal(kernel.arguments, args))
      if (argument.role == Argument::numbers)
        MadeUpMemory::read(place, argument.bytes);
  }
  return runner.run({kernel.function, kernel.library.get(), args.data(), kernel.tasks});
}

} // namespace lathe
