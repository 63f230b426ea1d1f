// Kernels that differ in numbers share one body and compute what they did alone.
#include "backends/x86/SharedBody.h"
#include "backends/run/KernelImage.h"
#include "backends/x86/Codegen.h"
#include "backends/x86/MachineCode.h"
#include "mlir/Parser/Parser.h"
#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

using namespace lathe::x86;

namespace {
/// Multiplies (or adds) `count` numbers in place by `factor`, and the first four again.
struct Scaling {
  std::string name;
  int count;
  const char *factor, *operation = "arith.mulf";
};

std::string textOf(const Scaling &kernel) {
  return fmt::format(
      R"(llvm.func @{0}(%args: !llvm.ptr, %dims: !llvm.ptr, %begin: i64, %end: i64, %context: !llvm.ptr) -> i32 {{
  %p = llvm.load %args : !llvm.ptr -> !llvm.ptr
  %code = llvm.call @{0}.body(%p, %dims) : (!llvm.ptr, !llvm.ptr) -> i32
  llvm.return %code : i32
}}
llvm.func internal @{0}.body(%p: !llvm.ptr {{llvm.noalias}}, %dims: !llvm.ptr {{llvm.noalias}}) -> i32
    attributes {{passthrough = ["noinline"]}} {{
  %zero = arith.constant 0 : i64
  %one = arith.constant 1 : i64
  %count = arith.constant {1} : i64
  %factor = arith.constant {2} : f32
  %factors = arith.constant dense<{2}> : vector<4xf32>
  %ok = arith.constant 0 : i32
  scf.for %i = %zero to %count step %one : i64 {{
    %at = llvm.getelementptr %p[%i] : (!llvm.ptr, i64) -> !llvm.ptr, f32
    %x = llvm.load %at : !llvm.ptr -> f32
    %y = {3} %x, %factor : f32
    llvm.store %y, %at : f32, !llvm.ptr
  }}
  %x = llvm.load %p {{alignment = 4 : i64}} : !llvm.ptr -> vector<4xf32>
  %y = {3} %x, %factors : vector<4xf32>
  llvm.store %y, %p {{alignment = 4 : i64}} : vector<4xf32>, !llvm.ptr
  llvm.return %ok : i32
}}
)",
      kernel.name, kernel.count, kernel.factor, kernel.operation);
}

/// Modules of the kernels, after those that are alike were joined.
std::vector<mlir::OwningOpRef<mlir::ModuleOp>> sharedModules(mlir::MLIRContext &context,
                                                             const std::vector<Scaling> &kernels) {
  prepareContext(&context);
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
  std::vector<std::string> names;
  for (const Scaling &kernel : kernels) {
    modules.push_back(mlir::parseSourceString<mlir::ModuleOp>(textOf(kernel), &context));
    REQUIRE(modules.back());
    names.push_back(kernel.name);
  }
  shareBodies(modules, names);
  return modules;
}
} // namespace

TEST_CASE("kernels that differ in numbers share a body", "[shared-body]") {
  mlir::MLIRContext context;
  const std::vector<Scaling> kernels = {
      {"a", 5, "2.0"}, {"b", 7, "3.0"}, {"c", 5, "4.0", "arith.addf"}, {"d", 6, "2.0"}};
  auto modules = sharedModules(context, kernels);
  REQUIRE(modules[0]);
  CHECK(!modules[1]);
  REQUIRE(modules[2]);
  CHECK(!modules[3]);

  initializeLlvm();
  auto target = llvm::cantFail(lathe::Target::parse("x86-64-v3"));
  std::vector<KernelObject> objects;
  for (int i : {0, 2}) {
    auto object = compileKernels(*modules[size_t(i)], target, nullptr);
    REQUIRE(succeeded(object));
    objects.push_back(std::move(*object));
  }
  lathe::CodeImage code = llvm::cantFail(linkImage(objects));
  auto image = llvm::cantFail(lathe::KernelImage::map(code));
  REQUIRE(code.entries.size() == 4);
  const std::vector<float> expected[] = {
      {4, 4, 4, 4, 2, 1, 1, 1}, {9, 9, 9, 9, 3, 3, 3, 1}, {4, 4, 4, 4, 2, 2, 1, 1}, {9, 9, 9, 9, 5, 1, 1, 1}};
  for (size_t i = 0; i < 4; ++i) {
    INFO(code.entries[i].first);
    std::vector<float> values(8, 1);
    void *args[] = {values.data()};
    CHECK(image.entry(i)(args, nullptr, 0, 1, nullptr) == 0);
    CHECK(values == expected[i]);
  }
}

TEST_CASE("numbers that code depends on are not shared", "[shared-body]") {
  auto dividing = [](int count) {
    Scaling kernel{"k" + std::to_string(count), count, "2.0"};
    std::string text = textOf(kernel);
    const std::string place = "    %y = arith.mulf %x, %factor : f32\n";
    text.insert(text.find(place),
                "    scf.for %j = %zero to %i step %one : i64 {\n      %r = arith.remui %j, %count : i64\n"
                "      %s = arith.index_cast %r : i64 to index\n    }\n");
    return text;
  };
  mlir::MLIRContext context;
  prepareContext(&context);
  std::vector<mlir::OwningOpRef<mlir::ModuleOp>> modules;
  for (int count : {5, 6, 5})
    modules.push_back(mlir::parseSourceString<mlir::ModuleOp>(dividing(count), &context));
  REQUIRE((modules[0] && modules[1] && modules[2]));
  modules[2]->lookupSymbol("k5")->setAttr("sym_name", mlir::StringAttr::get(&context, "other"));
  modules[2]->lookupSymbol("k5.body")->setAttr("sym_name", mlir::StringAttr::get(&context, "other.body"));
  shareBodies(modules, {"k5", "k6", "other"});
  CHECK(modules[1]);
  CHECK(!modules[2]);
}
