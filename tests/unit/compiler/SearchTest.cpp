#include "compiler/search/Candidates.h"
#include "compiler/search/OutputError.h"
#include "compiler/search/ParetoList.h"
#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

using namespace lathe;
using Catch::Approx;
using nn::Precision;

namespace {

void addNode(QuantizationStudy &study, std::vector<QuantizationStudy::Choice> choices) {
  study.nodes.emplace_back();
  study.nodes.back().name = "n" + std::to_string(study.nodes.size());
  study.nodes.back().choices = std::move(choices);
}

std::vector<Outputs> outputs(std::vector<std::vector<float>> samples, size_t lastAxis = 1) {
  std::vector<Outputs> result;
  for (auto &values : samples) {
    result.emplace_back();
    result.back().outputs.push_back({std::move(values), lastAxis});
  }
  return result;
}

} // namespace

TEST_CASE("candidates: most gain for the error first") {
  QuantizationStudy study;
  addNode(study, {{Precision::int8, 0.3}}); // gains 10 for 0.09
  addNode(study, {{Precision::int8, 0.4}}); // gains 100 for 0.16
  addNode(study, {{Precision::int8, 0.1}}); // gains nothing
  addNode(study, {});
  Candidates candidates(study, {{20, {10}}, {200, {100}}, {5, {6}}, {50, {}}});
  REQUIRE(candidates.count() == 3);
  using List = std::vector<Precision>;
  CHECK(candidates.precisions(0) == List(4, Precision::f32));
  CHECK(candidates.precisions(1) == List{Precision::f32, Precision::int8, Precision::f32, Precision::f32});
  CHECK(candidates.precisions(2) == List{Precision::int8, Precision::int8, Precision::f32, Precision::f32});
  CHECK(candidates.error(2) == Approx(0.5));
  CHECK(candidates.within(0.45) == 1);
  CHECK(candidates.within(0.5) == 2);
  CHECK(candidates.within(0.1) == 0);
}

TEST_CASE("candidates: a node goes down its own hull") {
  QuantizationStudy study;
  addNode(study, {{Precision::int8, 0.1}, {Precision::int4, 1}});   // int8: 50 for 0.01, then int4: 10 more for 0.99
  addNode(study, {{Precision::int8, 0.3}, {Precision::int4, 0.2}}); // int8 is worse in both
  Candidates candidates(study, {{100, {50, 40}}, {100, {90, 80}}});
  using List = std::vector<Precision>;
  REQUIRE(candidates.count() == 4);
  CHECK(candidates.precisions(1) == List{Precision::int8, Precision::f32});
  CHECK(candidates.precisions(2) == List{Precision::int8, Precision::int4});
  CHECK(candidates.precisions(3) == List{Precision::int4, Precision::int4});
}

TEST_CASE("candidates: what loses nothing comes first, and nothing is divided by 0") {
  QuantizationStudy study;
  addNode(study, {{Precision::int8, 0.1}});
  addNode(study, {{Precision::int8, 0}});
  Candidates candidates(study, {{10, {1}}, {10, {9}}});
  REQUIRE(candidates.count() == 3);
  CHECK(candidates.precisions(1)[1] == Precision::int8);
  CHECK(candidates.error(1) < 1e-10);
}

TEST_CASE("output error: relative, cosine and divergence") {
  auto expected = outputs({{3, 4}, {0, 5}}), actual = outputs({{3, 4.5f}, {0, 5}});
  CHECK(outputError(ErrorMetric::relative, expected, expected) == 0);
  CHECK(outputError(ErrorMetric::relative, expected, actual) == Approx(0.5 / std::sqrt(50)));
  CHECK(outputError(ErrorMetric::cosine, outputs({{1, 0}, {1, 0}}), outputs({{0, 2}, {3, 0}})) == Approx(0.5));
  // softmax 0.5, 0.5 against 0.75, 0.25: twice the same row, the mean of both.
  auto logits = outputs({{0, 0, 7, 7}}, 2), other = outputs({{std::log(3.0f), 0, 8, 8 - std::log(3.0f)}}, 2);
  CHECK(outputError(ErrorMetric::kl, logits, other) == Approx(0.5 * std::log(0.5 / 0.75) + 0.5 * std::log(0.5 / 0.25)));
}

TEST_CASE("output error: what can't be compared is infinitely far") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (ErrorMetric metric : {ErrorMetric::relative, ErrorMetric::cosine, ErrorMetric::kl}) {
    CHECK(std::isinf(outputError(metric, outputs({{1, 2}}), outputs({{1, 2, 3}}))));
    CHECK(std::isinf(outputError(metric, outputs({{1, 2}}, 2), outputs({{1, nan}}, 2))));
  }
  CHECK(outputError(ErrorMetric::relative, outputs({{0, 0}}), outputs({{0, 0}})) == 0);
}

TEST_CASE("pareto list: what no other artifact beats") {
  ParetoList list;
  auto add = [&](double error, double time, uint64_t bytes) {
    ParetoList::Entry entry;
    entry.error = error, entry.timeRatio = time, entry.bytes = bytes;
    list.entries.push_back(entry);
  };
  add(0, 1, 100);
  add(0.1, 0.5, 50);
  add(0.2, 0.6, 60); // worse than the one before in everything
  add(0.2, 0.6, 40);
  add(0.2, 0.6, 40); // again
  CHECK(list.isOptimal(0));
  CHECK(list.isOptimal(1));
  CHECK(!list.isOptimal(2));
  CHECK(list.isOptimal(3));
  CHECK(!list.isOptimal(4));
}
