#include "tests/unit/x86/KernelRunner.h"
#include "backends/run/KernelImage.h"
#include "backends/x86/Body.h"
#include "dialects/reference/Binding.h"
#include "dialects/reference/Evaluate.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/xxhash.h"
#include <chrono>
#include <cmath>
#include <cstring>
#include <random>

using namespace mlir;

namespace lathe::test {

namespace {
//===- memory -===//

/// Bytes with a guard on both sides that shows writes outside.
class GuardedBuffer {
public:
  explicit GuardedBuffer(size_t size) : size(size), storage(size + 2 * kGuard + 64, kPattern) {
    data = reinterpret_cast<char *>((reinterpret_cast<uintptr_t>(storage.data()) + kGuard + 63) / 64 * 64);
  }
  bool isIntact() const {
    auto isPattern = [](char c) { return c == kPattern; };
    return std::all_of(storage.data(), static_cast<const char *>(data), isPattern) &&
           std::all_of(data + size, const_cast<char *>(storage.data()) + storage.size(), isPattern);
  }
  char *data;
  size_t size;

private:
  static constexpr size_t kGuard = 256;
  static constexpr char kPattern = char(0xAB);
  std::vector<char> storage;
};

//===- inputs -===//

template <class T> void fillNumbers(reference::Tensor &tensor, std::mt19937 &random, double low, double high) {
  std::uniform_real_distribution<double> distribution(low, high);
  for (int64_t i = 0; i < tensor.size(); ++i)
    tensor.mutableData<T>()[i] = T(distribution(random));
}

void fillRandom(reference::Tensor &tensor, std::mt19937 &random, double low, double high) {
  Type type = tensor.elementType();
  double unsignedLow = std::max(low, 0.0);
  if (type.isF32())
    return fillNumbers<float>(tensor, random, low, high);
  if (type.isF64())
    return fillNumbers<double>(tensor, random, low, high);
  std::uniform_real_distribution<double> distribution(low, high);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    double value = distribution(random);
    if (type.isF16() || type.isBF16()) {
      APFloat number(value);
      bool lost;
      number.convert(cast<FloatType>(type).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
      tensor.mutableData<uint16_t>()[i] = uint16_t(number.bitcastToAPInt().getZExtValue());
      continue;
    }
    if (type.isInteger(1)) {
      tensor.mutableData<uint8_t>()[i] = random() & 1;
      continue;
    }
    int64_t number = int64_t(std::floor(type.isUnsignedInteger() ? std::max(value, unsignedLow) : value));
    std::memcpy(tensor.mutableData<char>() + i * tensor.elementBytes(), &number, tensor.elementBytes());
  }
}

//===- comparing -===//

double realAt(const void *data, Type type, int64_t i) {
  if (type.isF32())
    return static_cast<const float *>(data)[i];
  if (type.isF64())
    return static_cast<const double *>(data)[i];
  APInt bits(16, static_cast<const uint16_t *>(data)[i]);
  APFloat number(cast<FloatType>(type).getFloatSemantics(), bits);
  bool lost;
  number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
  return number.convertToDouble();
}

std::string compare(const reference::Tensor &expected, const void *actual, const RunOptions &options) {
  Type type = expected.elementType();
  std::string text;
  llvm::raw_string_ostream os(text);
  for (int64_t i = 0; i < expected.size(); ++i) {
    if (!isa<FloatType>(type)) {
      int64_t width = expected.elementBytes();
      const char *a = static_cast<const char *>(actual) + i * width, *e = expected.data<char>() + i * width;
      int64_t shownA = 0, shownE = 0;
      std::memcpy(&shownA, a, width);
      std::memcpy(&shownE, e, width);
      if (shownA == shownE)
        continue;
      os << "element " << i << ": expected " << shownE << ", got " << shownA;
      return text;
    }
    double e = realAt(expected.rawBytes().data(), type, i), a = realAt(actual, type, i);
    if ((std::isnan(e) && std::isnan(a)) || e == a)
      continue;
    double scale = type.isF16() ? 1e3 : type.isBF16() ? 8e3 : 1;
    if (std::isfinite(e) && std::fabs(a - e) <= options.absolute * scale + options.relative * scale * std::fabs(e))
      continue;
    os << llvm::format("element %lld: expected %.9g, got %.9g", (long long)i, e, a);
    return text;
  }
  return text;
}

//===- a case -===//

class Case {
public:
  Case(const std::string &text, const RunOptions &options) : text(text), options(options) {}

  std::string prepareAndCompile() {
    std::string problem = prepare();
    return problem.empty() ? compile() : problem;
  }

  std::string run() {
    std::string problem = prepareAndCompile();
    return problem.empty() ? execute() : problem;
  }
  int32_t code = 0;
  bool wantsAssembly = false;
  std::string assembly;

  size_t countChoices() {
    if (!prepareAndCompile().empty())
      return 0;
    SmallVector<bool> isConstant(op->getNumOperands());
    for (unsigned i : options.constants)
      isConstant[i] = true;
    auto plans = backend->kernelPlans(op, isConstant, llvm::cantFail(Target::parse(options.cpu)));
    return succeeded(plans) ? plans->size() : 0;
  }

  std::string judge() {
    if (code)
      return llvm::formatv("kernel returned {0}", code);
    auto expected = reference::evaluateFunction(function, inputs);
    if (!expected)
      return "interpreter: " + llvm::toString(expected.takeError());
    for (auto [i, tensor] : llvm::enumerate(*expected)) {
      if (!outputs[i].isIntact())
        return llvm::formatv("output {0}: written outside of the buffer", i);
      if (std::string problem = compare(tensor, outputs[i].data, options); !problem.empty())
        return llvm::formatv("output {0}: {1}", i, problem);
    }
    return "";
  }

private:
  std::string prepare() {
    context.loadDialect<func::FuncDialect, nn::NNDialect, plan::PlanDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    if (!module)
      return "the case does not parse";
    function = *module->getOps<func::FuncOp>().begin();
    op = &*function.getBody().front().begin();
    std::mt19937 random(options.seed);
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto tensor = cast<RankedTensorType>(type);
      if (!tensor.hasStaticShape())
        tensor = RankedTensorType::get(options.shapes[i], tensor.getElementType());
      inputs.push_back(reference::Tensor::allocate(tensor));
      if (!options.fill || !options.fill(i, inputs.back()))
        fillRandom(inputs.back(), random, options.low, options.high);
    }
    auto bound = reference::Binding::bind(function, inputs);
    if (!bound)
      return llvm::toString(bound.takeError());
    symbols.assign(bound->values().begin(), bound->values().end());
    return "";
  }

  std::string compile() {
    auto parsed = Target::parse(options.cpu);
    if (!parsed)
      return llvm::toString(parsed.takeError());
    backend = createX86Backend();
    SmallVector<bool> isConstant(op->getNumOperands());
    for (unsigned i : options.constants)
      isConstant[i] = true;
    auto plans = plansWithConstants(isConstant, *parsed);
    if (failed(plans))
      return "no kernel";
    if (options.choice >= plans->size())
      return llvm::formatv("expects choice {0} to be one of {1}", options.choice, plans->size());
    plan = (*plans)[options.choice];
    if (!options.expectedKind.empty() && plan.kind != options.expectedKind)
      return "expects a kernel of kind " + options.expectedKind + ", got " + plan.kind;
    auto generated = generate(*parsed);
    if (failed(generated))
      return "no code";
    llvm::Expected<KernelImage> mapped = KernelImage::map(*generated);
    if (!mapped)
      return llvm::toString(mapped.takeError());
    image.emplace(std::move(*mapped));
    entry = image->entry(0);
    return "";
  }

  /// The plans, with what is constant as constants where they are to be known.
  FailureOr<std::vector<KernelPlan>> plansWithConstants(ArrayRef<bool> isConstant, const Target &target) {
    if (!options.knowsConstants)
      return plansOf(isConstant, target);
    SmallVector<Value> operands(op->getOperands());
    OpBuilder b(op);
    SmallVector<Operation *> constants;
    for (unsigned i : options.constants) {
      const reference::Tensor &value = inputs[cast<BlockArgument>(operands[i]).getArgNumber()];
      constants.push_back(b.create<nn::ConstantOp>(op->getLoc(), value.type(), value.toAttribute()));
      op->setOperand(i, constants.back()->getResult(0));
    }
    auto plans = plansOf(isConstant, target);
    op->setOperands(operands);
    for (Operation *constant : constants)
      constant->erase();
    return plans;
  }

  FailureOr<std::vector<KernelPlan>> plansOf(ArrayRef<bool> isConstant, const Target &target) {
    if (options.choice > 0)
      return backend->kernelPlans(op, isConstant, target);
    auto chosen = backend->planKernel(op, isConstant, target);
    return failed(chosen) ? FailureOr<std::vector<KernelPlan>>() : std::vector<KernelPlan>{*chosen};
  }

  FailureOr<CodeImage> generate(const Target &target) {
    OpBuilder b(&context);
    OwningOpRef<plan::ProgramOp> program = b.create<plan::ProgramOp>(
        op->getLoc(), "program", function.getFunctionType(), b.getStrArrayAttr({}), b.getStrArrayAttr({}),
        target.toAttribute(&context), ArrayAttr(), IntegerAttr(), IntegerAttr(), IntegerAttr());
    program->getBody().emplaceBlock();
    auto body = x86::makeBody(op);
    body->setSymName(plan.name);
    body->setKind(plan.kind);
    body->setConfigAttr(plan.config);
    body->setPackingAttr(b.getArrayAttr(plan.packing));
    auto numbers = llvm::to_vector(llvm::seq<int64_t>(0, symbols.size()));
    body->setSymbols(numbers);
    program->getBody().front().push_back(body.release());
    bool isShown = getenv("LATHE_SHOW_ASSEMBLY") != nullptr;
    auto image = backend->generate(*program, target, isShown || wantsAssembly);
    if (failed(image))
      return image;
    if (isShown)
      llvm::errs() << image->assembly;
    assembly = image->assembly;
    return image;
  }

  /// Packs the weights and makes room for outputs and scratch memory.
  void allocate() {
    packed.reserve(inputs.size());
    for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
      const reference::Tensor &input = inputs[cast<BlockArgument>(operand).getArgNumber()];
      args.push_back(const_cast<char *>(input.data<char>()));
      if (isa<UnitAttr>(plan.packing[i]))
        continue;
      packed.emplace_back(backend->packedSizeBytes(input.type(), plan.packing[i]));
      std::memset(packed.back().data, 0, packed.back().size);
      backend->pack(input, plan.packing[i], packed.back().data);
      args.back() = packed.back().data;
    }
    for (Type type : op->getResultTypes()) {
      int64_t size = elementSizeBytes(cast<RankedTensorType>(type).getElementType());
      for (AffineExpr dim : dimExprs(cast<RankedTensorType>(type)))
        size *= *evaluateDim(dim, symbols);
      outputs.emplace_back(size);
    }
    for (GuardedBuffer &output : outputs)
      args.push_back(output.data);
    scratch = std::make_unique<GuardedBuffer>(*evaluateDim(plan.scratchBytes, symbols));
    tasks = *evaluateDim(plan.tasks, symbols);
    rounds = plan.rounds ? *evaluateDim(plan.rounds, symbols) : 1;
  }

  int32_t call(int64_t begin, int64_t end) {
    lathe_kernel_context kernelContext{sizeof(lathe_kernel_context), 0, scratch->data, &kernelApi()};
    return entry(args.data(), symbols.data(), begin, end, &kernelContext);
  }

  std::string execute() {
    allocate();
    auto invoke = [&](int64_t begin, int64_t end) {
      int32_t result = call(begin, end);
      code = code ? code : result;
    };
    // Later tasks first: they must not depend on earlier ones of their round.
    for (int64_t start = 0, cut = (tasks + 1) / 2; start < rounds * tasks; start += tasks) {
      invoke(start + cut, start + tasks);
      invoke(start, start + cut);
    }
    if (rounds > 1 && !givesSameAtOnce([&] { invoke(0, rounds * tasks); }))
      return "other bits when all rounds are one invocation";
    if (getenv("LATHE_BENCH_KERNELS"))
      measure();
    return scratch->isIntact() ? "" : "written outside of the scratch memory";
  }

  /// Whether `run` leaves the same bits in the outputs.
  bool givesSameAtOnce(llvm::function_ref<void()> run) {
    std::vector<std::string> before;
    for (const GuardedBuffer &output : outputs) {
      before.emplace_back(output.data, output.size);
      std::memset(output.data, 0xCD, output.size);
    }
    run();
    return llvm::equal(outputs, before, [](const GuardedBuffer &output, const std::string &bytes) {
      return bytes == std::string(output.data, output.size);
    });
  }

  /// Prints the time of a run, the best of many in 50 ms.
  void measure() {
    using Clock = std::chrono::steady_clock;
    auto end = Clock::now() + std::chrono::milliseconds(50);
    double best = 1e30;
    while (Clock::now() < end) {
      auto start = Clock::now();
      call(0, rounds * tasks);
      best = std::min(best, std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
    llvm::errs() << llvm::formatv("{0,-44} {1,10:f2} us {2,7:f2} GB/s {3,7:f2} GFLOP/s, {4} tasks of {5:f1} us\n",
                                  plan.name, best, bytes() / best / 1e3, flops() / best / 1e3, rounds * tasks,
                                  best / double(std::max<int64_t>(rounds * tasks, 1)));
  }

  double flops() const { return double(*evaluateDim(plan.flops, symbols)); }

  /// Of inputs and outputs.
  double bytes() const {
    double sum = 0;
    for (const reference::Tensor &input : inputs)
      sum += double(input.sizeBytes());
    for (const GuardedBuffer &output : outputs)
      sum += double(output.size);
    return sum;
  }

  std::string text;
  RunOptions options;
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  Operation *op = nullptr;
  std::vector<reference::Tensor> inputs;
  std::vector<int64_t> symbols;
  std::unique_ptr<Backend> backend;
  KernelPlan plan;
  std::optional<KernelImage> image;
  lathe_kernel_fn entry = nullptr;
  std::vector<GuardedBuffer> packed, outputs;
  std::vector<void *> args;
  std::unique_ptr<GuardedBuffer> scratch;
  int64_t tasks = 0, rounds = 1;
  friend class lathe::test::PreparedKernel;
};
} // namespace

struct PreparedKernel::Impl : Case {
  using Case::Case;
};

PreparedKernel::PreparedKernel(const std::string &text, const RunOptions &options)
    : impl(std::make_unique<Impl>(text, options)) {
  problem = impl->prepare();
  if (problem.empty())
    problem = impl->compile();
  if (problem.empty())
    impl->allocate();
}

PreparedKernel::~PreparedKernel() = default;

void PreparedKernel::run() { impl->call(0, impl->rounds * impl->tasks); }

Operation *PreparedKernel::operation() const { return impl->op; }

std::string PreparedKernel::name() const { return impl->plan.name; }

double PreparedKernel::flops() const { return impl->flops(); }

int64_t PreparedKernel::tasks() const { return impl->tasks; }

double PreparedKernel::bytes() const { return impl->bytes(); }

const void *PreparedKernel::input(unsigned i) const {
  return impl->inputs[cast<BlockArgument>(impl->op->getOperand(i)).getArgNumber()].rawBytes().data();
}

const void *PreparedKernel::output(unsigned i) const { return impl->outputs[i].data; }

std::string oneOp(const std::string &text, const std::vector<std::string> &inputs,
                  const std::vector<std::string> &outputs, const std::string &attributes) {
  std::string parameters, ins, outs;
  for (auto [i, type] : llvm::enumerate(inputs)) {
    std::string comma = i ? ", " : "";
    parameters += comma + "%" + std::to_string(i) + ": tensor<" + type + ">";
    ins += comma + "tensor<" + type + ">";
  }
  for (auto [i, type] : llvm::enumerate(outputs))
    outs += (i ? ", tensor<" : "tensor<") + type + ">";
  std::string results = "%r#0";
  for (size_t i = 1; i < outputs.size(); ++i)
    results += ", %r#" + std::to_string(i);
  return "func.func @f(" + parameters + ") -> (" + outs + ")" + attributes +
         " {\n  %r:" + std::to_string(outputs.size()) + " = " + text + " : (" + ins + ") -> (" + outs + ")\n  return " +
         results + " : " + outs + "\n}\n";
}

std::string runCase(const std::string &text, const RunOptions &options) {
  Case kernelCase(text, options);
  std::string problem = kernelCase.run();
  if (problem.empty())
    problem = kernelCase.judge();
  return problem.empty() ? "" : problem + "\n  on " + options.cpu + ": " + text;
}

std::string runChoices(const std::string &text, const RunOptions &options, size_t *count) {
  std::string problems;
  RunOptions each = options;
  *count = Case(text, options).countChoices();
  for (each.choice = 0; each.choice < *count; ++each.choice)
    if (std::string problem = runCase(text, each); !problem.empty())
      problems += llvm::formatv("choice {0}: {1}\n", each.choice, problem);
  return problems;
}

std::string compileCase(const std::string &text, const RunOptions &options) {
  return Case(text, options).prepareAndCompile();
}

std::string assemblyOf(const std::string &text, const RunOptions &options) {
  Case kernelCase(text, options);
  kernelCase.wantsAssembly = true;
  return kernelCase.prepareAndCompile().empty() ? kernelCase.assembly : "";
}

int32_t runForCode(const std::string &text, const RunOptions &options) {
  Case kernelCase(text, options);
  return kernelCase.run().empty() ? kernelCase.code : -1;
}

std::string defaultCpu() {
  const char *cpu = getenv("LATHE_TEST_CPU");
  return cpu ? cpu : "x86-64-v3";
}

std::vector<std::string> runnableCpus() {
  std::vector<std::string> cpus;
  auto host = Target::parse("native");
  for (const char *cpu : {"x86-64-v2", "x86-64-v3", "x86-64-v4"}) {
    auto target = Target::parse(cpu);
    if (host && target && llvm::all_of(target->features, [&](const std::string &f) { return host->has(f); }))
      cpus.push_back(cpu);
  }
  if (cpus.back() != "x86-64-v4")
    cpus.push_back("x86-64-v4/native");
  return cpus;
}

std::vector<std::string> integerCpus(const std::string &text) {
  std::vector<std::string> cpus = runnableCpus();
  llvm::erase(cpus, "x86-64-v4/native");
  const char *others[] = {"x86-64-v4/native", "alderlake/native", "cascadelake/native", "sapphirerapids/native"};
  if (getenv("LATHE_ALL_CPUS"))
    cpus.insert(cpus.end(), std::begin(others), std::end(others));
  else
    cpus.push_back(others[llvm::xxh3_64bits(text) % std::size(others)]);
  return cpus;
}

} // namespace lathe::test
