#include "compiler/tune/Candidates.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OwningOpRef.h"

using namespace mlir;

namespace lathe {

//===- Memory -===//

namespace {
constexpr int64_t kMostWeights = 64 << 20; // more are as cold
constexpr int64_t kAlignment = LATHE_BUFFER_ALIGNMENT;
} // namespace

MadeUpMemory::MadeUpMemory(int64_t programWeightsBytes) {
  fill(weights, size_t(std::min(programWeightsBytes, kMostWeights)));
}

/// Small numbers of both signs: no kernel meets infinities or denormals.
void MadeUpMemory::fill(std::vector<float> &memory, size_t bytes) {
  memory.resize((bytes + 2 * kAlignment) / sizeof(float));
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

FailureOr<Candidates> Candidates::compile(Operation *op, ArrayRef<ElementsAttr> constants, ArrayRef<KernelPlan> plans,
                                          Backend &backend, const Target &target) {
  OwningOpRef<plan::ProgramOp> program = emptyProgram(op, target);
  size_t next = 0;
  KernelBuilder builder(*program, [&](Operation *, ArrayRef<bool>) { return FailureOr<KernelPlan>(plans[next++]); });
  std::vector<Kernel> kernels;
  while (next < plans.size()) {
    FailureOr<KernelUse> use = builder.build(op, constants);
    if (failed(use))
      return failure();
    plan::KernelOp kernel = builder.withInPlace(use->kernel, {});
    Kernel entry{{}, valueOf(kernel.getTasks()), valueOf(kernel.getScratchBytes())};
    for (auto [packing, operand] : llvm::zip_equal(kernel.getPacking(), use->operands)) {
      auto type = cast<RankedTensorType>(op->getOperand(operand).getType());
      if (!isa<UnitAttr>(packing))
        entry.arguments.push_back({Argument::weights, backend.packedSizeBytes(type, packing)});
      else
        entry.arguments.push_back({type.getElementType().isF32() ? Argument::numbers : Argument::zeros, bytesOf(type)});
    }
    for (Type type : op->getResultTypes())
      entry.arguments.push_back({Argument::result, bytesOf(type)});
    kernels.push_back(std::move(entry));
  }
  FailureOr<CodeImage> code = backend.generate(*program, target, false);
  if (failed(code) || code->entries.size() != plans.size())
    return failure();
  llvm::Expected<KernelImage> image = KernelImage::map(*code);
  if (!image)
    return op->emitError(llvm::toString(image.takeError()));
  Candidates candidates(std::move(*image));
  candidates.kernels = std::move(kernels);
  return candidates;
}

double Candidates::run(size_t index, MadeUpMemory &memory, TaskRunner &runner) const {
  auto place = [&](size_t number, const Argument &argument) {
    switch (argument.role) {
    case Argument::weights:
      return memory.nextWeights(argument.bytes);
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
  std::vector<void *> args;
  for (auto [number, argument] : llvm::enumerate(kernel.arguments))
    args.push_back(place(number, argument));
  runner.reserveScratch(size_t(kernel.scratchBytes));
  return runner.run({image.entry(index), args.data(), kernel.tasks});
}

} // namespace lathe
