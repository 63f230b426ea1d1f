//===- MachineLimits.cpp - the limits that kernels are held to ------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/machine-limits/MachineLimits.h"

#include <algorithm>
#include <sched.h>

namespace lathe::limits {

using Json = nlohmann::ordered_json;

double MachineLimits::gbPerSecond(double workingSetBytes) const {
  double speed = reads.front().gbPerSecond;
  for (const ReadSpeed &read : reads)
    if (static_cast<double>(read.bytes) <= workingSetBytes)
      speed = read.gbPerSecond;
  return speed;
}

MachineLimits measure(unsigned threads, size_t largestBytes) {
  return {threads, isa(), fmaGflops(threads, 200), readSpeeds(threads, largestBytes, 40)};
}

MachineLimits measureQuickly(unsigned threads) {
  constexpr size_t largest = 128 << 20;
  cpu_set_t cpus;
  if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0)
    threads = std::min(threads, static_cast<unsigned>(CPU_COUNT(&cpus)));
  return {threads, isa(), fmaGflops(threads, 60), readSpeeds(threads, largest, 12)};
}

Json toJson(const MachineLimits &limits) {
  Json reads = Json::array();
  for (const ReadSpeed &read : limits.reads)
    reads.push_back({{"bytes", read.bytes}, {"gbs", read.gbPerSecond}});
  return {{"threads", limits.threads}, {"isa", limits.isa}, {"fma_gflops", limits.fmaGflops}, {"read", reads}};
}

static bool isPositive(const Json &json, const char *key) {
  return json.is_object() && json.contains(key) && json[key].is_number() && json[key].get<double>() > 0;
}

std::optional<MachineLimits> fromJson(const Json &json) {
  if (!isPositive(json, "threads") || !isPositive(json, "fma_gflops") || !json.contains("isa") ||
      !json["isa"].is_string() || !json.contains("read") || !json["read"].is_array() || json["read"].empty())
    return std::nullopt;
  MachineLimits limits = {
      json["threads"].get<unsigned>(), json["isa"].get<std::string>(), json["fma_gflops"].get<double>(), {}};
  for (const Json &read : json["read"]) {
    if (!isPositive(read, "bytes") || !isPositive(read, "gbs"))
      return std::nullopt;
    limits.reads.push_back({read["bytes"].get<size_t>(), read["gbs"].get<double>()});
  }
  auto bySize = [](const ReadSpeed &a, const ReadSpeed &b) { return a.bytes < b.bytes; };
  std::sort(limits.reads.begin(), limits.reads.end(), bySize);
  return limits;
}

} // namespace lathe::limits
