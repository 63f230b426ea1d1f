// Costs of products whose sizes are open: those of the samples, or nominal ones.
#include "compiler/quantize/PrecisionCosts.h"
#include "dialects/nn/NN.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cstring>

using namespace lathe;
using namespace mlir;
using Catch::Approx;
using Sizes = std::vector<SymbolValues>;

namespace {

constexpr const char *kConvolution = R"(
  #picture = affine_map<()[s0, s1, s2] -> (s0, 96, s1, s2)>
  #result = affine_map<()[s0, s1, s2] -> (s0, 24, s1, s2)>
  func.func @f(%x: tensor<?x96x?x?xf32, #picture>) -> tensor<?x24x?x?xf32, #result>
      attributes {nn.symbols = [{name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64},
                                {name = "h", kind = "input_dim", input = 0 : i64, index = 2 : i64},
                                {name = "w", kind = "input_dim", input = 0 : i64, index = 3 : i64, max = 100 : i64}]} {
    %w = nn.constant dense<0.5> : tensor<24x96x3x3xf32>
    %r = nn.conv %x, %w {dilations = array<i64: 1, 1>, group = 1 : i64, pads = array<i64: 1, 1, 1, 1>,
                         strides = array<i64: 1, 1>}
        : (tensor<?x96x?x?xf32, #picture>, tensor<24x96x3x3xf32>) -> tensor<?x24x?x?xf32, #result>
    return %r : tensor<?x24x?x?xf32, #result>
  })";

/// One row reads 2 MB of weights, many rows make integers of their 65536 elements for 8 results each.
constexpr const char *kDeepProduct = R"(
  #rows = affine_map<()[s0] -> (s0, 65536)>
  #result = affine_map<()[s0] -> (s0, 8)>
  func.func @f(%x: tensor<?x65536xf32, #rows>) -> tensor<?x8xf32, #result>
      attributes {nn.symbols = [{name = "n", kind = "input_dim", input = 0 : i64, index = 0 : i64}]} {
    %w = nn.constant dense<0.5> : tensor<65536x8xf32>
    %r = nn.matmul %x, %w : (tensor<?x65536xf32, #rows>, tensor<65536x8xf32>) -> tensor<?x8xf32, #result>
    return %r : tensor<?x8xf32, #result>
  })";

struct Model {
  explicit Model(const char *text) {
    context.loadDialect<nn::NNDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(text, &context);
    REQUIRE(module);
    function = *module->getOps<func::FuncOp>().begin();
    product = nn::quantizableNodes(function).front().op;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  Operation *product;
};

/// Pictures of these sizes.
class Pictures : public SampleSource {
public:
  Pictures(MLIRContext &context, std::vector<SmallVector<int64_t>> shapes) : context(context), shapes(shapes) {}
  size_t count() const override { return shapes.size(); }
  llvm::Expected<reference::Tensors> load(size_t index) override {
    auto tensor = reference::Tensor::allocate(RankedTensorType::get(shapes[index], Float32Type::get(&context)));
    std::memset(tensor.mutableData<char>(), 0, size_t(tensor.sizeBytes()));
    return reference::Tensors{tensor};
  }

private:
  MLIRContext &context;
  std::vector<SmallVector<int64_t>> shapes;
};

Target target() { return llvm::cantFail(Target::parse("x86-64-v3")); }

std::string decided(Model &model, const Sizes &sizes) {
  const Target cpu = target();
  auto backend = createX86Backend();
  nn::setPrecision(model.product, {nn::Precision::int8});
  weighCosts(model.function, *backend, {cpu, sizes, /*weightBits=*/8});
  return nn::precisionOf(model.product)->reason;
}
} // namespace

TEST_CASE("costs: sizes are those of samples, or one image of a nominal size") {
  Model model(kConvolution);
  CHECK(nominalSizes(model.function) == SymbolValues{1, 128, 100});
  Pictures pictures(model.context, {{2, 96, 30, 40}, {1, 96, 8, 9}});
  auto sizes = sizesOfSamples(model.function, pictures);
  REQUIRE(bool(sizes));
  CHECK(*sizes == Sizes{{2, 30, 40}, {1, 8, 9}});
}

TEST_CASE("costs: samples that the model refuses don't count") {
  Model model(kConvolution);
  Pictures pictures(model.context, {{2, 95, 30, 40}, {1, 96, 8, 101}});
  auto sizes = sizesOfSamples(model.function, pictures);
  REQUIRE(bool(sizes));
  CHECK(*sizes == Sizes{nominalSizes(model.function)});
}

TEST_CASE("costs: times grow with the sizes of symbols, in f32 and in integers") {
  Model model(kConvolution);
  auto backend = createX86Backend();
  auto small = backend->productTimes(model.product, {1, 40, 40}, target()),
       large = backend->productTimes(model.product, {2, 80, 80}, target());
  REQUIRE((small && large));
  CHECK(large->real / small->real == Approx(8).epsilon(0.05));
  CHECK(large->integers / small->integers == Approx(8).epsilon(0.05));
  CHECK(large->conversion / small->conversion == Approx(8).epsilon(0.05));
  // As measured, of 80 x 80: 1.05 to 1.5 ms and 0.82 to 0.86 ms, both by minimal filtering.
  CHECK(large->real / 2e6 == Approx(1.25).epsilon(0.25));
  CHECK(large->integers / 2e6 == Approx(0.85).epsilon(0.25));
}

TEST_CASE("costs: the mean over sizes decides") {
  Model model(kDeepProduct);
  CHECK(decided(model, {{1}}) == "");
  CHECK(decided(model, {{100}}).find("f32 is faster") == 0);
  CHECK(decided(model, {{100}, {1}}).find("f32 is faster") == 0);
  CHECK(decided(model, {{1}, {2}}) == "");
}

namespace {
/// `count` products of one input with matrices of their own.
std::string productsOf(int64_t rows, int64_t depth, int64_t columns, int64_t count) {
  auto matrix = [](int64_t height, int64_t width) { return llvm::formatv("tensor<{0}x{1}xf32>", height, width).str(); };
  const std::string x = matrix(rows, depth), w = matrix(depth, columns), y = matrix(rows, columns);
  std::string text = llvm::formatv("func.func @f(%x: {0}) -> {1} {{\n", x, y);
  for (int64_t i = 0; i < count; ++i)
    text += llvm::formatv("%w{0} = nn.constant dense<{0}.5> : {2}\n%r{0} = nn.matmul %x, %w{0} : ({1}, {2}) -> {3}\n",
                          i, x, w, y);
  return text + llvm::formatv("return %r0 : {0}\n}", y).str();
}

/// What becomes of the first of the products, of precision int4: "rounded", "floats" or the reason against 4 bits.
std::string grouped(const std::string &text, bool takesSlower = false, bool isFixed = false) {
  Model model(text.c_str());
  const Target cpu = target();
  auto backend = createX86Backend();
  nn::NodePrecision wanted{nn::Precision::int4};
  wanted.isFixed = isFixed;
  for (const nn::QuantizableNode &node : nn::quantizableNodes(model.function))
    nn::setPrecision(node.op, wanted);
  CostChoice choice{cpu, {SymbolValues()}};
  choice.takesSlower = takesSlower;
  weighCosts(model.function, *backend, choice);
  if (nn::precisionOf(model.product)->precision != nn::Precision::int4)
    return nn::precisionOf(model.product)->reason;
  return model.product->hasAttr(nn::kRoundedActivations) ? "rounded" : "floats";
}
} // namespace

TEST_CASE("costs: rows are rounded for 4-bit weights where the columns that read them gain more") {
  CHECK(grouped(productsOf(1024, 64, 256, 1)) == "rounded");
  CHECK(grouped(productsOf(1024, 64, 16, 1)) == "floats");
  CHECK(grouped(productsOf(1024, 64, 16, 6)) == "rounded");
  CHECK(grouped(productsOf(1024, 72, 256, 1)) == "floats"); // the last group is cut off
}

TEST_CASE("costs: weights stay f32 where 4 bits are slower either way") {
  const std::string small = productsOf(8, 32, 16, 1);
  CHECK(grouped(small).find("f32 is faster") == 0);
  CHECK(grouped(small, /*takesSlower=*/true) == "rounded");
  CHECK(grouped(small, /*takesSlower=*/false, /*isFixed=*/true) == "floats");
  CHECK(grouped(productsOf(8, 32, 256, 1)) == "rounded");
}

TEST_CASE("costs: times of products with 4-bit weights are those that were measured") {
  struct Case {
    int64_t rows, depth, columns;
    double real, floats, integers, rounding; // us, groups of 32
  };
  // AVX2, one thread (docs/Performance.md)
  for (const Case &c : {Case{1, 128, 512, 2.98, 2.83, 1.11, 0.07}, Case{4, 256, 256, 6.13, 6.91, 3.56, 0.35},
                        Case{8, 384, 1536, 110.7, 149.7, 65.3, 1.0}, Case{64, 64, 256, 23.1, 24.1, 16.2, 1.32},
                        Case{128, 1536, 384, 1676, 1704, 1065, 63.4}}) {
    Model model(productsOf(c.rows, c.depth, c.columns, 1).c_str());
    auto times = createX86Backend()->groupedTimes(model.product, 32, {}, target());
    REQUIRE(times);
    CHECK(times->real / 1e3 == Approx(c.real).epsilon(0.2));
    CHECK(times->floats / 1e3 == Approx(c.floats).epsilon(0.2));
    CHECK(times->integers / 1e3 == Approx(c.integers).epsilon(0.2));
    CHECK(times->rounding / 1e3 == Approx(c.rounding).epsilon(0.3));
  }
}
