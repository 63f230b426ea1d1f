// measure-ulp: largest errors of the vector functions of f32, over all numbers or every so many, on each CPU that runs here.
#include "tests/ulp/Functions.h"
#include "tests/unit/x86/KernelRunner.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>

using namespace lathe::test;

namespace {
/// No multiple of a vector, so that the end of the loop is measured, too.
constexpr size_t kBatch = (1 << 16) + 5;

struct Worst {
  double ulps = 0;
  float at = 0, got = 0;
  std::string wrong; // a special value that isn't exact
};

float floatOf(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

/// Distance of two neighbors of f32 near |x|.
double unit(double x) { return std::ldexp(1.0, std::max(std::ilogb(x), -126) - 23); }

/// Error in units, infinity for NaN, infinities and signed zeros that are not what they should be.
double error(const VectorFunction &function, float x, float got) {
  constexpr double wrong = std::numeric_limits<double>::infinity();
  double exact = function.exact(x), largest = std::numeric_limits<float>::max();
  if (std::isnan(exact) || std::isnan(got))
    return std::isnan(exact) && std::isnan(got) ? 0 : wrong;
  if (exact == 0 || std::isinf(exact))
    return got == exact && std::signbit(got) == std::signbit(exact) ? 0 : wrong;
  if (std::fabs(exact) < function.negligible && std::fabs(got - exact) <= std::fabs(exact) + 0x1p-149)
    return 0;
  // Infinity stands for the number after the largest one.
  double value = std::isinf(got) ? std::copysign(0x1p128, got) : got;
  double scale = std::clamp(std::max(std::fabs(exact), function.share * std::fabs(double(x))), 0x1p-149, largest);
  return std::fabs(value - std::clamp(exact, -0x1p128, 0x1p128)) / unit(scale);
}

class Measurement {
public:
  Measurement(const VectorFunction &function, const std::string &cpu)
      : function(function), kernel(textOf(function), optionsOf(cpu)) {}

  std::string problem() const { return kernel.problem; }

  Worst run(uint32_t step) {
    Worst worst;
    std::vector<float> batch = specials();
    for (uint64_t bits = 0; bits < uint64_t(1) << 32; bits += step) {
      float x = floatOf(static_cast<uint32_t>(bits));
      if (x >= function.low && x <= function.high)
        batch.push_back(x);
      if (batch.size() == kBatch)
        judge(batch, worst);
    }
    judge(batch, worst);
    return worst;
  }

private:
  static std::string textOf(const VectorFunction &function) {
    std::string name = function.name, type = std::to_string(kBatch) + "xf32";
    size_t space = std::min(name.find(' '), name.size());
    return oneOp("nn.unary " + name.substr(0, space) + " %0" + name.substr(space), {type}, {type});
  }
  static RunOptions optionsOf(const std::string &cpu) {
    RunOptions options;
    options.cpu = cpu;
    return options;
  }

  /// Zeros, infinities, NaN, ends of the ranges, and the neighborhood of where results overflow or vanish.
  std::vector<float> specials() const {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> values = {std::numeric_limits<float>::quiet_NaN()};
    for (float value : {0.0f, 0x1p-149f, 0x1.fffffcp-127f, 0x1p-126f, 1.0f, 0x1.fffffep127f, infinity})
      values.insert(values.end(), {value, -value});
    for (float middle : {87.33654f, 88.0f, 88.72284f, 89.41599f, 103.97208f, 104.5f})
      for (float x = middle - 0.01f; x < middle + 0.01f; x = std::nextafter(x, infinity))
        values.insert(values.end(), {x, -x});
    std::erase_if(values, [&](float x) { return x < function.low || x > function.high; });
    return values;
  }

  void judge(std::vector<float> &batch, Worst &worst) {
    for (size_t begin = 0; begin < batch.size(); begin += kBatch) {
      size_t count = std::min(kBatch, batch.size() - begin);
      std::memcpy(kernel.input(0), batch.data() + begin, count * sizeof(float));
      kernel.run();
      const float *got = static_cast<const float *>(kernel.output(0));
      for (size_t i = 0; i < count; ++i)
        if (double ulps = error(function, batch[begin + i], got[i]); ulps > worst.ulps)
          worst = {ulps, batch[begin + i], got[i], ""};
    }
    batch.clear();
  }

  const VectorFunction &function;
  PreparedKernel kernel;
};

/// Whether all limits hold.
bool measure(const std::string &filter, uint32_t step) {
  std::vector<std::string> cpus = runnableCpus();
  bool holds = true;
  std::printf("| function | arguments | limit |");
  for (const std::string &cpu : cpus)
    std::printf(" %s | at |", cpu.c_str());
  std::printf("\n|---|---|---|");
  for (size_t i = 0; i < cpus.size(); ++i)
    std::printf("---|---|");
  std::printf("\n");
  for (const VectorFunction &function : vectorFunctions()) {
    if (std::string(function.name).find(filter) == std::string::npos)
      continue;
    std::printf("| %s | %s | %g |", function.name, std::isinf(function.high) ? "all" : "to 1e6", function.limitUlps);
    for (const std::string &cpu : cpus) {
      Measurement measurement(function, cpu);
      if (!measurement.problem().empty()) {
        std::printf(" %s |", measurement.problem().c_str());
        holds = false;
        continue;
      }
      Worst worst = measurement.run(step);
      bool isGood = worst.ulps <= function.limitUlps;
      std::printf(" %s%.2f | %.9g%s |", isGood ? "" : "ABOVE ", worst.ulps, worst.at,
                  isGood ? "" : (" gives " + std::to_string(worst.got)).c_str());
      std::fflush(stdout);
      holds &= isGood;
    }
    std::printf("\n");
  }
  return holds;
}

} // namespace

int main(int argc, char **argv) {
  std::string filter;
  uint32_t step = 1009;
  CLI::App app("Measures the largest errors of the vector functions of f32, in units in the last place.",
               "measure-ulp");
  app.add_option("--step", step, "Measure every so many of all numbers; 1: all, in minutes per function")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  app.add_option("--filter", filter, "Only functions whose name contains this");
  CLI11_PARSE(app, argc, argv);
  return measure(filter, step) ? 0 : 1;
}
