// Element-wise operations after a convolution: parts of vectors, rows that are cut off, values per channel, per pixel and for
// all, several results.
#include "tests/unit/x86/WideCpus.h"
#include <catch2/catch_test_macros.hpp>
#include <fmt/format.h>

using namespace lathe::test;

namespace {
/// OUT: sizes of the result, BIT: the same of booleans, PIX: a value per pixel, CHN: per channel.
const std::vector<std::pair<std::string, std::string>> bodies = {
    {"%r = nn.unary relu %x : (OUT) -> OUT", "%r"},
    {"%y = nn.unary hard_swish %x : (OUT) -> OUT\n"
     "%r = nn.binary add %y, %whole : (OUT, OUT) -> OUT",
     "%r, %y"},
    {"%y = nn.unary swish %x : (OUT) -> OUT\n"
     "%r = nn.binary mul %y, %channel : (OUT, CHN) -> OUT",
     "%r"},
    {"%half = nn.constant dense<0.5> : tensor<f32>\n"
     "%y = nn.binary min %x, %half : (OUT, tensor<f32>) -> OUT\n"
     "%z = nn.binary mul %y, %pixel : (OUT, PIX) -> OUT\n"
     "%r = nn.binary prelu %z, %channel : (OUT, CHN) -> OUT",
     "%r"},
    {"%less = nn.binary less %x, %whole : (OUT, OUT) -> BIT\n"
     "%r = nn.select %less, %x, %whole : (BIT, OUT, OUT) -> OUT",
     "%r"}};

constexpr const char *frame = R"(func.func @f(%0: IN, %1: FILTER, %2: CHN, %3: OUT, %4: PIX) -> (TYPES) {
  %r:COUNT = nn.fused "KIND" (%0, %1, %2, %3, %4) : (IN, FILTER, CHN, OUT, PIX) -> (TYPES) {
  ^bb0(%in: IN, %filter: FILTER, %channel: CHN, %whole: OUT, %pixel: PIX):
    %x = nn.conv %in, %filter bias %channel {channels_last, dilations = array<i64: 1, 1>, group = GROUP : i64,
      pads = array<i64: 1, 1, 1, 1>, strides = array<i64: 1, 1>} : (IN, FILTER, CHN) -> OUT
    BODY
    nn.yield YIELD : TYPES
  }
  return RETURN : TYPES
})";

std::string replaced(std::string text, const std::vector<std::pair<std::string, std::string>> &names) {
  for (const auto &[name, value] : names)
    for (size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += value.size())
      text.replace(at, name.size(), value);
  return text;
}

void checkEpilogue(const std::pair<std::string, std::string> &body, int width, int depth, int channels, int groups) {
  const bool isPair = body.second.find(',') != std::string::npos;
  const std::string kind = groups > 1 && groups == channels ? "depthwise" : "conv";
  const std::string text = replaced(frame, {{"BODY", body.first},
                                            {"YIELD", body.second},
                                            {"TYPES", isPair ? "OUT, OUT" : "OUT"},
                                            {"RETURN", isPair ? "%r#0, %r#1" : "%r#0"},
                                            {"COUNT", isPair ? "2" : "1"},
                                            {"KIND", kind},
                                            {"GROUP", std::to_string(groups)},
                                            {"IN", fmt::format("tensor<2x5x{}x{}xf32>", width, depth * groups)},
                                            {"FILTER", fmt::format("tensor<{}x{}x3x3xf32>", channels, depth)},
                                            {"CHN", fmt::format("tensor<{}xf32>", channels)},
                                            {"PIX", fmt::format("tensor<5x{}x1xf32>", width)},
                                            {"OUT", fmt::format("tensor<2x5x{}x{}xf32>", width, channels)},
                                            {"BIT", fmt::format("tensor<2x5x{}x{}xi1>", width, channels)}});
  RunOptions options;
  options.constants = {1};
  options.expectedKind = kind;
  options.relative = 1e-5;
  options.absolute = 1e-4;
  options.low = -1;
  options.high = 1;
  checkOnWideCpus(text, options);
}
} // namespace

TEST_CASE("operations after convolutions", "[conv]") {
  for (const auto &body : bodies)
    for (int channels : {2, 4, 8, 12, 23, 39})
      checkEpilogue(body, 7, 5, channels, 1);
}

TEST_CASE("operations after grouped convolutions", "[conv]") {
  for (const auto &body : bodies) {
    checkEpilogue(body, 11, 3, 36, 3);
    checkEpilogue(body, 6, 20, 10, 2);
  }
}

TEST_CASE("operations after depthwise convolutions", "[conv]") {
  for (const auto &body : bodies)
    for (int channels : {2, 4, 16, 23, 43})
      checkEpilogue(body, 13, 1, channels, channels);
}
