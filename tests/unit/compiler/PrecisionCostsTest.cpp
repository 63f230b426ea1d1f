// Costs of products whose sizes are open: those of the samples, or nominal ones.
#include "compiler/quantize/PrecisionCosts.h"
#include "dialects/nn/NN.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
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
