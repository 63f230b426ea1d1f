//===- Profile.cpp - times of kernels beside the machine's limit ----------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Profile.h"

#include "tools/lathe/Clock.h"
#include "tools/lathe/Error.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <numeric>

namespace lathe::cli {

using Json = nlohmann::ordered_json;

limits::MachineLimits readLimits(const std::string &path, uint32_t threads) {
  std::ifstream file(path);
  if (!file)
    fail(Exit::Environment, "can't open '{}': {}", path, strerror(errno));
  std::optional<limits::MachineLimits> limits = limits::fromJson(Json::parse(file, nullptr, false));
  if (!limits)
    fail(Exit::BadData, "{}: expects what machine-limits writes", path);
  if (limits->threads != threads)
    fail(Exit::Usage, "{}: expects limits of {} threads, got those of {}", path, threads, limits->threads);
  return *limits;
}

namespace {

double median(std::vector<double> values) {
  auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

lathe_call_profile_t profileOf(Session &session, size_t call) {
  lathe_call_profile_t profile = LATHE_CALL_PROFILE_INIT;
  check(lathe_session_profile(session.get(), call, &profile));
  return profile;
}

/// Times of runs, in turns with and without the profile, and of the calls of
/// those with it.
struct Measurement {
  std::vector<double> plainMs, profiledMs;
  std::vector<std::vector<double>> callMs;

  Measurement(Session &session, const std::vector<lathe_tensor_t> &inputs, double seconds,
              const std::function<void(size_t)> &progress)
      : callMs(lathe_session_call_count(session.get())) {
    double end = nowMs() + 1000 * seconds;
    while (plainMs.size() < 2 || nowMs() < end) {
      progress(plainMs.size());
      plainMs.push_back(timeRun(session, inputs));
      check(lathe_session_set_profile(session.get(), 1));
      profiledMs.push_back(timeRun(session, inputs));
      for (size_t i = 0; i < callMs.size(); ++i)
        callMs[i].push_back(1e-6 * static_cast<double>(profileOf(session, i).total_ns));
      // The last profile stays, for what doesn't change from run to run.
      if (nowMs() < end || plainMs.size() < 2)
        check(lathe_session_set_profile(session.get(), 0));
    }
  }

  static double timeRun(Session &session, const std::vector<lathe_tensor_t> &inputs) {
    double start = nowMs();
    session.run(inputs);
    return nowMs() - start;
  }
};

/// Bytes of the weights that the calls read.
double allWeights(Session &session) {
  double sum = 0;
  for (size_t i = 0; i < lathe_session_call_count(session.get()); ++i)
    sum += profileOf(session, i).weight_bytes;
  return sum;
}

/// The time below which a call can't be.
struct Limit {
  double computeMs, memoryMs;

  Limit(const lathe_call_profile_t &call, double weights, const limits::MachineLimits &machine)
      : computeMs(1e-6 * call.flops / machine.fmaGflops) {
    double others = call.bytes - call.weight_bytes;
    memoryMs = 1e-6 * (call.weight_bytes / machine.gbPerSecond(weights) + others / machine.gbPerSecond(others));
  }

  double ms() const { return std::max(computeMs, memoryMs); }
  Json bound() const { return ms() == 0 ? Json() : Json(computeMs >= memoryMs ? "compute" : "memory"); }
};

Json kernelJson(const lathe_call_profile_t &call, const std::vector<double> &times, const Limit &limit) {
  double ms = median(times);
  return {{"name", call.kernel},
          {"nodes", std::vector<std::string>(call.nodes, call.nodes + call.node_count)},
          {"threads", call.threads},
          {"ms", ms},
          {"min_ms", *std::min_element(times.begin(), times.end())},
          {"share", 0},
          {"flops", call.flops},
          {"bytes", call.bytes},
          {"weight_bytes", call.weight_bytes},
          {"gflops", ms > 0 ? call.flops / ms * 1e-6 : 0},
          {"gbs", ms > 0 ? call.bytes / ms * 1e-6 : 0},
          {"limit_ms", limit.ms()},
          {"limit_percent", ms > 0 ? 100 * limit.ms() / ms : 0},
          {"bound", limit.bound()}};
}

} // namespace

void addProfile(Json &result, Session &session, const std::vector<lathe_tensor_t> &inputs, double seconds,
                const limits::MachineLimits &limits, const std::function<void(size_t)> &progress) {
  Measurement measured(session, inputs, seconds, progress);
  double weights = allWeights(session), sum = 0;
  Json kernels = Json::array();
  for (size_t i = 0; i < measured.callMs.size(); ++i) {
    lathe_call_profile_t call = profileOf(session, i);
    kernels.push_back(kernelJson(call, measured.callMs[i], Limit(call, weights, limits)));
    sum += kernels.back()["ms"].get<double>();
  }
  for (Json &kernel : kernels)
    kernel["share"] = sum > 0 ? kernel["ms"].get<double>() / sum : 0;
  check(lathe_session_set_profile(session.get(), 0));
  result["machine"] = limits::toJson(limits);
  result["profile"] = {{"runs", measured.profiledMs.size()},
                       {"plain_ms", median(measured.plainMs)},
                       {"profiled_ms", median(measured.profiledMs)},
                       {"plain_min_ms", *std::min_element(measured.plainMs.begin(), measured.plainMs.end())},
                       {"profiled_min_ms", *std::min_element(measured.profiledMs.begin(), measured.profiledMs.end())},
                       {"calls_ms", sum}};
  result["kernels"] = std::move(kernels);
}

void printProfile(const Json &result) {
  std::vector<Json> sorted(result["kernels"].begin(), result["kernels"].end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const Json &a, const Json &b) { return a["ms"] > b["ms"]; });
  const Json &machine = result["machine"];
  fmt::print("\nlimits of {} threads: {:.1f} GFLOP/s ({}), {:.1f} GB/s from memory\n", machine["threads"].dump(),
             machine["fma_gflops"].get<double>(), machine["isa"].get<std::string>(),
             machine["read"].back()["gbs"].get<double>());
  fmt::print("\n{:>9} {:>6} {:>8} {:>8} {:>8}  {}\n", "ms", "%", "GFLOP/s", "GB/s", "% limit", "kernel: nodes");
  for (const Json &kernel : sorted) {
    fmt::print("{:9.4f} {:6.1f} {:8.1f} {:8.1f} {:8.1f}  {}: {}\n", kernel["ms"].get<double>(),
               100 * kernel["share"].get<double>(), kernel["gflops"].get<double>(), kernel["gbs"].get<double>(),
               kernel["limit_percent"].get<double>(), kernel["name"].get<std::string>(),
               fmt::join(kernel["nodes"].get<std::vector<std::string>>(), ", "));
  }
}

} // namespace lathe::cli
