// Attention that reads its operands in other orders and in two pieces, and writes caches.
#include "tests/unit/x86/KernelRunner.h"
#include <catch2/catch_test_macros.hpp>
#include <fmt/args.h>
#include <fmt/format.h>

using lathe::test::runCase;
using lathe::test::RunOptions;

namespace {

struct Sizes {
  int heads, shared, queries, keys, depth, columns;
};

/// `text` with B, H, .. in braces replaced by sizes.
std::string withSizes(const std::string &text, Sizes sizes, int fresh = 0) {
  fmt::dynamic_format_arg_store<fmt::format_context> values;
  values.push_back(fmt::arg("H", sizes.heads));
  values.push_back(fmt::arg("G", sizes.heads / sizes.shared));
  values.push_back(fmt::arg("S", sizes.queries));
  values.push_back(fmt::arg("T", sizes.keys));
  values.push_back(fmt::arg("N", fresh));
  values.push_back(fmt::arg("A", sizes.keys + fresh));
  values.push_back(fmt::arg("D", sizes.depth));
  values.push_back(fmt::arg("C", sizes.columns));
  return fmt::vformat(text, values);
}

/// On all CPUs; those without FMA take the kernel for maps.
void check(const std::string &text) {
  for (const std::string &cpu : lathe::test::runnableCpus()) {
    RunOptions options{.cpu = cpu, .relative = 1e-5, .absolute = 1e-4, .low = -1, .high = 1};
    options.expectedKind = cpu == "x86-64-v2" ? "map" : "attention";
    const std::string problem = runCase(text, options);
    INFO(problem);
    CHECK(problem.empty());
  }
}

/// Queries of one product, keys and values of another one, as they leave it; the result as the next product wants it.
const char *const kViews = R"(
func.func @f(%0: tensor<2x{S}x{H}x{D}xf32>, %1: tensor<2x{T}x2x{G}x{D}xf32>) -> tensor<2x{S}x{H}x{D}xf32> {{
  %r = nn.fused "attention" (%0, %1) : (tensor<2x{S}x{H}x{D}xf32>, tensor<2x{T}x2x{G}x{D}xf32>) -> tensor<2x{S}x{H}x{D}xf32> {{
  ^bb0(%a: tensor<2x{S}x{H}x{D}xf32>, %b: tensor<2x{T}x2x{G}x{D}xf32>):
    %q = nn.transpose %a {{permutation = array<i64: 0, 2, 1, 3>}} : (tensor<2x{S}x{H}x{D}xf32>) -> tensor<2x{H}x{S}x{D}xf32>
    %x = nn.slice %b {{starts = affine_map<() -> (0, 0, 0, 0, 0)>, steps = array<i64: 1, 1, 1, 1, 1>}} : (tensor<2x{T}x2x{G}x{D}xf32>) -> tensor<2x{T}x1x{G}x{D}xf32>
    %y = nn.slice %b {{starts = affine_map<() -> (0, 0, 1, 0, 0)>, steps = array<i64: 1, 1, 1, 1, 1>}} : (tensor<2x{T}x2x{G}x{D}xf32>) -> tensor<2x{T}x1x{G}x{D}xf32>
    %u = nn.reshape %x : (tensor<2x{T}x1x{G}x{D}xf32>) -> tensor<2x{T}x{G}x{D}xf32>
    %w = nn.reshape %y : (tensor<2x{T}x1x{G}x{D}xf32>) -> tensor<2x{T}x{G}x{D}xf32>
    %k = nn.transpose %u {{permutation = array<i64: 0, 2, 1, 3>}} : (tensor<2x{T}x{G}x{D}xf32>) -> tensor<2x{G}x{T}x{D}xf32>
    %v = nn.transpose %w {{permutation = array<i64: 0, 2, 1, 3>}} : (tensor<2x{T}x{G}x{D}xf32>) -> tensor<2x{G}x{T}x{D}xf32>
    %o = nn.attention %q, %k, %v {{scale = 0.25}} : (tensor<2x{H}x{S}x{D}xf32>, tensor<2x{G}x{T}x{D}xf32>, tensor<2x{G}x{T}x{D}xf32>) -> tensor<2x{H}x{S}x{D}xf32>
    %p = nn.transpose %o {{permutation = array<i64: 0, 2, 1, 3>}} : (tensor<2x{H}x{S}x{D}xf32>) -> tensor<2x{S}x{H}x{D}xf32>
    nn.yield %p : tensor<2x{S}x{H}x{D}xf32>
  }}
  return %r : tensor<2x{S}x{H}x{D}xf32>
}}
)";

/// A cache of keys and one of values, of which the second is wanted as a whole, too.
const char *const kCache = R"(
func.func @f(%0: tensor<2x{H}x{S}x{D}xf32>, %1: tensor<2x{G}x{T}x{D}xf32>, %2: tensor<2x{N}x{G}x{D}xf32>, %3: tensor<2x{G}x{T}x{C}xf32>, %4: tensor<2x{G}x{N}x{C}xf32>, %5: tensor<{S}x{A}xf32>) -> (tensor<2x{G}x{A}x{D}xf32>, tensor<2x{G}x{A}x{C}xf32>, tensor<2x{H}x{S}x{C}xf32>) {{
  %r:3 = nn.fused "attention" (%0, %1, %2, %3, %4, %5) : (tensor<2x{H}x{S}x{D}xf32>, tensor<2x{G}x{T}x{D}xf32>, tensor<2x{N}x{G}x{D}xf32>, tensor<2x{G}x{T}x{C}xf32>, tensor<2x{G}x{N}x{C}xf32>, tensor<{S}x{A}xf32>) -> (tensor<2x{G}x{A}x{D}xf32>, tensor<2x{G}x{A}x{C}xf32>, tensor<2x{H}x{S}x{C}xf32>) {{
  ^bb0(%q: tensor<2x{H}x{S}x{D}xf32>, %kp: tensor<2x{G}x{T}x{D}xf32>, %kn: tensor<2x{N}x{G}x{D}xf32>, %vp: tensor<2x{G}x{T}x{C}xf32>, %vn: tensor<2x{G}x{N}x{C}xf32>, %m: tensor<{S}x{A}xf32>):
    %t = nn.transpose %kn {{permutation = array<i64: 0, 2, 1, 3>}} : (tensor<2x{N}x{G}x{D}xf32>) -> tensor<2x{G}x{N}x{D}xf32>
    %k = nn.concat %kp, %t {{axis = 2 : i64}} : (tensor<2x{G}x{T}x{D}xf32>, tensor<2x{G}x{N}x{D}xf32>) -> tensor<2x{G}x{A}x{D}xf32>
    %v = nn.concat %vp, %vn {{axis = 2 : i64}} : (tensor<2x{G}x{T}x{C}xf32>, tensor<2x{G}x{N}x{C}xf32>) -> tensor<2x{G}x{A}x{C}xf32>
    %o = nn.attention %q, %k, %v, %m {{scale = 0.25}} : (tensor<2x{H}x{S}x{D}xf32>, tensor<2x{G}x{A}x{D}xf32>, tensor<2x{G}x{A}x{C}xf32>, tensor<{S}x{A}xf32>) -> tensor<2x{H}x{S}x{C}xf32>
    nn.yield %k, %v, %o : tensor<2x{G}x{A}x{D}xf32>, tensor<2x{G}x{A}x{C}xf32>, tensor<2x{H}x{S}x{C}xf32>
  }}
  return %r#0, %r#1, %r#2 : tensor<2x{G}x{A}x{D}xf32>, tensor<2x{G}x{A}x{C}xf32>, tensor<2x{H}x{S}x{C}xf32>
}}
)";

} // namespace

TEST_CASE("attention whose operands and result are views", "[attention]") {
  for (int queries : {1, 4, 7, 19, 37}) // one by one, narrow and wide strips
    for (int shared : {1, 3})
      for (int depth : {16, 12, 5})
        check(withSizes(kViews, {6, shared, queries, 21, depth, depth}));
  check(withSizes(kViews, {2, 2, 9, 600, 8, 8})); // blocks of keys
}

TEST_CASE("attention with a cache", "[attention]") {
  for (int fresh : {1, 3})
    for (int past : {0, 1, 13, 600})
      for (int shared : {1, 2, 4})
        check(withSizes(kCache, {4, shared, fresh, past, 16, 24}, fresh));
  for (int queries : {1, 4, 7, 40}) // rows that are no whole vectors; strips whose blocks of keys end within a piece
    for (int past : {9, 520})
      check(withSizes(kCache, {2, 1, queries, past, 12, 9}, 5));
}
