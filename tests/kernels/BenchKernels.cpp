// bench-kernels: times the kernels of kernel_cases.json on one thread, beside oneDNN and the machine's limit.
#include "tests/kernels/KernelCases.h"
#include "tests/kernels/OneDnn.h"
#include "tools/machine-limits/MachineLimits.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <sched.h>
#include <unistd.h>

using namespace lathe;
using namespace lathe::test;

namespace {
struct Options {
  std::string cases = LATHE_KERNEL_CASES, filter, cpu = "native", json;
  unsigned rounds = 5, top = 25;
  double milliseconds = 8;
};

struct Row {
  std::string title, kernel, models, problem;
  double us = 0, peerUs = 0, gflops = 0, gbs = 0, ofPeak = 0, ofLimit = 0, difference = 0;
  double ratio() const { return peerUs > 0 ? us / peerUs : 0; }
};

struct Machine {
  limits::MachineLimits limits = limits::measure(1, size_t{256} << 20);

  /// Microseconds below which a kernel can't be.
  double limit(double flops, double bytes) const {
    return 1e-3 * std::max(flops / limits.fmaGflops, bytes / limits.gbPerSecond(bytes));
  }
};

template <class F> double bestOf(double milliseconds, F run) {
  using Clock = std::chrono::steady_clock;
  double best = 1e30;
  auto end = Clock::now() + std::chrono::duration<double, std::milli>(milliseconds);
  for (int runs = 0; runs < 2 || Clock::now() < end; ++runs) {
    auto start = Clock::now();
    run();
    best = std::min(best, std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  return best;
}

/// Largest difference by the largest magnitude; what both computed must be the same.
double difference(const PreparedKernel &kernel, const KernelCase &kernelCase, const float *peer) {
  std::string type = kernelCase.outputs[0];
  const float *ours = static_cast<const float *>(kernel.output(0));
  int64_t size = KernelCase{"", {}, {type}, {}, {}}.elements();
  double worst = 0, largest = 1e-30;
  for (int64_t i = 0; i < size; ++i) {
    worst = std::max(worst, double(std::fabs(ours[i] - peer[i])));
    largest = std::max(largest, double(std::fabs(peer[i])));
  }
  return worst / largest;
}

Row measure(const KernelCase &kernelCase, const Options &options, const Machine &machine) {
  RunOptions run = optionsOf(kernelCase);
  run.cpu = options.cpu;
  PreparedKernel kernel(kernelCase.text(), run);
  Row row{kernelCase.title(), "", kernelCase.models[0], kernel.problem};
  if (!row.problem.empty())
    return row;
  row.kernel = kernel.name();
  OneDnn plain(kernel, kernelCase.constants, false), free(kernel, kernelCase.constants, true);
  row.us = row.peerUs = 1e30;
  for (unsigned round = 0; round < options.rounds; ++round) {
    row.us = std::min(row.us, bestOf(options.milliseconds, [&] { kernel.run(); }));
    for (OneDnn *peer : {&plain, &free})
      if (*peer)
        row.peerUs = std::min(row.peerUs, bestOf(options.milliseconds, [&] { peer->run(); }));
  }
  if (plain && plain.output())
    row.difference = difference(kernel, kernelCase, plain.output());
  row.peerUs = plain || free ? row.peerUs : 0;
  row.gflops = 1e-3 * kernel.flops() / row.us;
  row.gbs = 1e-3 * kernel.bytes() / row.us;
  row.ofPeak = 100 * row.gflops / machine.limits.fmaGflops;
  row.ofLimit = 100 * machine.limit(kernel.flops(), kernel.bytes()) / row.us;
  return row;
}

void print(const Row &row) {
  if (!row.problem.empty()) {
    std::printf("| %s | %s |\n", row.title.c_str(), row.problem.c_str());
    return;
  }
  std::printf("| %s | %s | %.1f | %.1f | %.0f | %.1f | %.0f | ", row.title.c_str(), row.models.c_str(), row.us,
              row.gflops, row.ofPeak, row.gbs, row.ofLimit);
  row.peerUs > 0 ? std::printf("%.1f | %.2f |", row.peerUs, row.ratio()) : std::printf("- | - |");
  std::printf(row.difference > 1e-3 ? " differs by %.1e\n" : "\n", row.difference);
  std::fflush(stdout);
}

void printHeader() {
  std::printf("| operation | model | us | GFLOP/s | %% of peak | GB/s | %% of limit | oneDNN us | ratio |\n"
              "|---|---|---|---|---|---|---|---|---|\n");
}

/// Geometric means of the ratios by kind of operation, and the rows that lose most beside oneDNN and beside the limit.
void summarize(std::vector<Row> rows, unsigned top) {
  std::map<std::string, std::pair<double, int>> kinds;
  std::erase_if(rows, [](const Row &row) { return !row.problem.empty(); });
  for (const Row &row : rows)
    if (row.peerUs > 0) {
      auto &[sum, count] = kinds[row.title.substr(0, row.title.find(' '))];
      sum += std::log(row.ratio());
      ++count;
    }
  std::printf("\nRatio to oneDNN, geometric mean:");
  for (const auto &[kind, mean] : kinds)
    std::printf(" %s %.2f (%d)", kind.c_str(), std::exp(mean.first / mean.second), mean.second);
  std::printf("\n\nFarthest behind oneDNN:\n\n");
  printHeader();
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return a.ratio() > b.ratio(); });
  for (unsigned i = 0; i < std::min<size_t>(top, rows.size()); ++i)
    print(rows[i]);
  std::printf("\nFarthest from the limit, of those that take 20 us or more:\n\n");
  printHeader();
  std::erase_if(rows, [](const Row &row) { return row.us < 20; });
  std::sort(rows.begin(), rows.end(), [](const Row &a, const Row &b) { return a.ofLimit < b.ofLimit; });
  for (unsigned i = 0; i < std::min<size_t>(top, rows.size()); ++i)
    print(rows[i]);
}

void write(const std::string &path, const std::vector<Row> &rows) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (const Row &row : rows)
    json.push_back({{"operation", row.title},
                    {"model", row.models},
                    {"kernel", row.kernel},
                    {"problem", row.problem},
                    {"us", row.us},
                    {"gflops", row.gflops},
                    {"of_peak", row.ofPeak},
                    {"gbs", row.gbs},
                    {"of_limit", row.ofLimit},
                    {"onednn_us", row.peerUs}});
  std::ofstream(path) << json.dump(1) << "\n";
}

/// oneDNN's OpenMP reads its number of threads when it is loaded.
void useOneThread(char **argv) {
  if (!getenv("OMP_NUM_THREADS")) {
    setenv("OMP_NUM_THREADS", "1", 1);
    execv("/proc/self/exe", argv);
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(static_cast<unsigned>(sched_getcpu()), &one);
  sched_setaffinity(0, sizeof(one), &one);
}
} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Times kernels on one thread, beside oneDNN and the machine's limit");
  app.add_option("--cases", options.cases, "File of the cases; default: the repository's");
  app.add_option("--filter", options.filter, "Only operations or models that match this expression");
  app.add_option("--cpu", options.cpu, "Target of the kernels")->capture_default_str();
  app.add_option("--rounds", options.rounds, "Turns of each")->capture_default_str();
  app.add_option("--ms", options.milliseconds, "Milliseconds per turn")->capture_default_str();
  app.add_option("--top", options.top, "How many to list at the end")->capture_default_str();
  app.add_option("--json", options.json, "Write all numbers there");
  CLI11_PARSE(app, argc, argv);
  useOneThread(argv);
  Machine machine;
  std::printf("FMA peak %.1f GFLOP/s on one thread\n\n", machine.limits.fmaGflops);
  std::regex filter(options.filter);
  std::vector<Row> rows;
  printHeader();
  for (const KernelCase &kernelCase : readKernelCases(options.cases)) {
    auto matches = [&](const std::string &text) { return std::regex_search(text, filter); };
    if (!matches(kernelCase.title()) && std::none_of(kernelCase.models.begin(), kernelCase.models.end(), matches))
      continue;
    rows.push_back(measure(kernelCase, options, machine));
    print(rows.back());
  }
  summarize(rows, options.top);
  if (!options.json.empty())
    write(options.json, rows);
  return 0;
}
