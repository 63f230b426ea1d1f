// The lathe program from outside: what it writes, says and exits with.
#include "tests/support/TestArtifact.h"
#include "tools/lathe/Npy.h"
#include "tools/lathe/Output.h"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sys/wait.h>
#include <unistd.h>

using namespace lathe::cli;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

/// A folder of this process's own: ctest runs the cases as processes side by side.
struct WorkFolder {
  WorkFolder() { std::filesystem::create_directories(path); }
  ~WorkFolder() { std::filesystem::remove_all(path); }

  const std::string path = LATHE_WORK "/run-" + std::to_string(getpid());
};

const std::string &workFolder() {
  static const WorkFolder folder;
  return folder.path;
}

struct Result {
  int exit;
  std::string text; // both streams
};

Result command(const std::string &arguments) {
  std::string line = "cd " + workFolder() + " && " LATHE_PROGRAM " " + arguments + " 2>&1";
  FILE *pipe = popen(line.c_str(), "r");
  REQUIRE(pipe);
  std::string text;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof(buffer), pipe))
    text.append(buffer, count);
  int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, text};
}

std::string pathOf(const std::string &name) { return workFolder() + "/" + name; }

void writeFloats(const std::string &name, std::vector<float> values, const std::vector<int64_t> &shape) {
  writeOutput(pathOf(name), formatNpy({values.data(), values.size() * 4, shape.data(),
                                       static_cast<uint32_t>(shape.size()), LATHE_F32, 0}));
}

struct Files {
  Files() {
    lathe::test::writeFile(pathOf("adder.lathe"), lathe::test::makeAdder().write());
    lathe::test::writeFile(pathOf("nonzero.lathe"), lathe::test::makeNonZero().write());
    lathe::test::TestModel busy = lathe::test::makeAdder();
    busy.program().calls[0]->flops = busy.program().calls[0]->bytes = busy.constant(1'000'000);
    busy.program().calls[1]->bytes = busy.constant(4'000'000);
    lathe::test::writeFile(pathOf("busy.lathe"), busy.write());
    writeOutput(pathOf("limits.json"),
                R"({"threads": 2, "isa": "avx2", "fma_gflops": 100, "read": [{"bytes": 1, "gbs": 10}]})");
    writeFloats("a.npy", {0, 1, 2, 3}, {1, 4});
    writeFloats("b.npy", {10, 20, 30, 40}, {1, 4});
    writeFloats("y.npy", {11, 23, 35, 47}, {1, 4});
  }
};

const std::string inputs = "--input a=a.npy --input b=b.npy ";

} // namespace

TEST_CASE_METHOD(Files, "lathe run: outputs and comparison") {
  std::filesystem::remove_all(pathOf("out"));
  Result result = command("run adder.lathe " + inputs + "--output-dir out/deep --expect y=y.npy");
  CHECK(result.text == "same y: largest difference 0, 0 of the largest magnitude 47\n");
  CHECK(result.exit == 0);
  HostTensor y = readNpy(pathOf("out/deep/y.npy"));
  CHECK(y.shape == std::vector<int64_t>{1, 4});
  CHECK(y.bytes == readNpy(pathOf("y.npy")).bytes);
  writeFloats("y.npy", {11, 23, 35, 48}, {1, 4});
  result = command("run adder.lathe " + inputs + "--expect y=y.npy");
  CHECK(result.exit == 1);
  CHECK_THAT(result.text, ContainsSubstring("DIFFERENT y") && ContainsSubstring("element 3 expects 48, got 47"));
  CHECK(command("run adder.lathe " + inputs + "--expect y=y.npy --rtol 0.1").exit == 0);
}

TEST_CASE_METHOD(Files, "lathe run: made-up inputs") {
  CHECK(command("run adder.lathe --random 1 --dim batch=7").text == "y: f32 [7, 4]\n");
  CHECK(command("run adder.lathe --random 1 --shape b=7x4 --shape a=7x4").text == "y: f32 [7, 4]\n");
  CHECK(command("run adder.lathe --random 1 --input b=b.npy").text == "y: f32 [1, 4]\n");
  command("run adder.lathe --random 1 --output-dir first");
  command("run adder.lathe --random 1 --output-dir second --threads 3");
  CHECK(readNpy(pathOf("first/y.npy")).bytes == readNpy(pathOf("second/y.npy")).bytes);
}

TEST_CASE_METHOD(Files, "lathe run: bad input") {
  struct {
    const char *arguments, *message;
    int exit;
  } cases[] = {
      {"run adder.lathe --input a=a.npy", "no --input for 'b' (or use --random SEED)", 2},
      {"run adder.lathe --input q=a.npy", "no input 'q'; the model has 'a', 'b'", 2},
      {"run adder.lathe --input a", "--input expects NAME=VALUE, got 'a'", 2},
      {"run adder.lathe --input a=a.npy --input a=a.npy", "input 'a' is given twice", 2},
      {"run adder.lathe --random 1 --shape a=1y4", "--shape expects sizes like 1x128, got '1y4'", 2},
      {"run adder.lathe --random 1 --shape a=1x", "--shape expects sizes like 1x128, got '1x'", 2},
      {"run adder.lathe --random 1 --shape a=1x4x1", "input 'a' expects rank 2, got 3", 2},
      {"run adder.lathe --random 1 --shape a=1x5", "input 'a' axis 1 (d1) expects 4, got 5", 1},
      {"run adder.lathe --random 1 --shape b=2x4", "input 'b' axis 0 (d0) expects 1, got 2", 1},
      {"run adder.lathe --random 1 --dim batch=2000", "input 'a' axis 0 (batch) expects 1 to 1000, got 2000", 1},
      {"run adder.lathe --random 1 --dim seq=2", "no size 'seq'; the model has batch", 2},
      {"run adder.lathe --random 1 --expect z=y.npy", "no output 'z'; the model has 'y'", 2},
      {"run adder.lathe --random 1 --threads 100000", "expects at most 4096 threads, got 100000", 2},
      {"run adder.lathe --input a=a.npy --input b=none.npy", "can't open 'none.npy': No such file or directory", 3},
      {"run adder.lathe --input a=a.npy --input b=adder.lathe", "adder.lathe: not a .npy file", 1},
      {"run none.lathe --random 1", "can't open 'none.lathe': No such file or directory", 3},
      {"run a.npy --random 1", "a.npy: not a .lathe file: expects it to start with 'LATHE'", 3},
      {"run adder.lathe --random 1 --output-dir /dev/null/x", "can't make folder '/dev/null/x': Not a directory", 3},
      {"bench adder.lathe --seconds 0 --json /nowhere/x.json",
       "can't write '/nowhere/x.json': No such file or directory", 3},
      {"bench adder.lathe --seconds 0 --json /dev/full", "can't write '/dev/full': No space left on device", 3},
      {"bench adder.lathe --profile --limits none.json", "can't open 'none.json': No such file or directory", 3},
      {"bench adder.lathe --profile --limits a.npy", "a.npy: expects what machine-limits writes", 1},
      {"bench adder.lathe --profile --limits limits.json --threads 3",
       "limits.json: expects limits of 3 threads, got those of 2", 2},
      {"bench adder.lathe --seconds 0 --trace /nowhere/x.json",
       "can't write '/nowhere/x.json': No such file or directory", 3},
      {"inspect adder.lathe --profile a.npy", "a.npy: expects the result of lathe bench --profile --json", 1},
  };
  for (auto &entry : cases) {
    Result result = command(entry.arguments);
    INFO(entry.arguments);
    CHECK(result.text == "lathe: error: " + std::string(entry.message) + "\n");
    CHECK(result.exit == entry.exit);
  }
  CHECK(command("").exit == 2);
  CHECK(command("frobnicate").exit == 2);
  CHECK(command("run").exit == 2);
  CHECK(command("bench adder.lathe --seconds -1").exit == 2);
  CHECK(command("--help").exit == 0);
}

TEST_CASE_METHOD(Files, "lathe bench: a file is replaced as a whole") {
  writeOutput(pathOf("kept.json"), "old");
  CHECK(command("bench adder.lathe --seconds 0 --json kept.json").exit == 0);
  CHECK(nlohmann::json::parse(std::ifstream(pathOf("kept.json"))).contains("median_ms"));
  for (const auto &entry : std::filesystem::directory_iterator(workFolder()))
    CHECK_THAT(entry.path().string(), !EndsWith(".tmp"));
}

TEST_CASE_METHOD(Files, "lathe bench: result") {
  Result result = command("bench adder.lathe --seconds 0.01 --shape a=9x4 --threads 2 --profile --json -");
  REQUIRE(result.exit == 0);
  auto json = nlohmann::json::parse(result.text);
  for (const char *key :
       {"load_ms", "first_ms", "min_ms", "median_ms", "p99_ms", "runs", "arena_bytes", "peak_rss_bytes"})
    CHECK(json[key].get<double>() > 0);
  CHECK(json["min_ms"] <= json["median_ms"]);
  CHECK(json["median_ms"] <= json["p99_ms"]);
  CHECK(json["arena_bytes"] == 9 * 4 * 4);
  CHECK(json["threads"] == 2);
  REQUIRE(json["kernels"].size() == 2);
  CHECK(json["kernels"][1]["nodes"][0] == "add_2");
  for (const char *key : {"name", "ms", "gflops", "gbs"})
    CHECK(json["kernels"][0].contains(key));
  CHECK_THAT(command("bench nonzero.lathe --seconds 0 --dim n=5 --profile").text, ContainsSubstring("count"));
}

TEST_CASE_METHOD(Files, "lathe bench: kernels beside the machine's limits") {
  Result result =
      command("bench busy.lathe --seconds 0.05 --dim batch=1000 --threads 2 --profile --limits limits.json --json -");
  REQUIRE(result.exit == 0);
  auto json = nlohmann::json::parse(result.text);
  CHECK(json["machine"]["fma_gflops"] == 100);
  double sum = 0, shares = 0;
  for (const auto &kernel : json["kernels"]) {
    double ms = kernel["ms"],
           limit = 1e-6 * std::max(kernel["flops"].get<double>() / 100, kernel["bytes"].get<double>() / 10);
    sum += ms;
    shares += kernel["share"].get<double>();
    CHECK(std::abs(kernel["limit_ms"].get<double>() - limit) < 1e-12);
    CHECK(std::abs(kernel["limit_percent"].get<double>() - 100 * limit / ms) < 1e-6);
    CHECK(kernel["min_ms"] <= kernel["ms"]);
  }
  CHECK(std::abs(json["kernels"][0]["limit_ms"].get<double>() - 0.1) < 1e-12);
  CHECK(std::abs(json["kernels"][1]["limit_ms"].get<double>() - 0.4) < 1e-12);
  CHECK(json["kernels"][1]["weight_bytes"] == 16);
  CHECK(std::abs(shares - 1) < 1e-9);
  CHECK(std::abs(json["profile"]["calls_ms"].get<double>() - sum) < 1e-9);
  CHECK(sum < 1.1 * json["profile"]["profiled_ms"].get<double>());
  CHECK(json["profile"]["runs"] >= 2);
}

TEST_CASE_METHOD(Files, "lathe bench: the machine is measured unless limits are given") {
  Result result = command("bench adder.lathe --seconds 0 --threads 1 --html page.html --json -");
  REQUIRE(result.exit == 0);
  auto json = nlohmann::json::parse(result.text);
  CHECK(json["machine"]["threads"] == 1);
  CHECK(json["machine"]["fma_gflops"] > 1);
  CHECK(json["machine"]["read"].size() > 5);
  std::ifstream file(pathOf("page.html"));
  std::string page((std::istreambuf_iterator<char>(file)), {});
  CHECK_THAT(page, ContainsSubstring("\"fma_gflops\"") && ContainsSubstring("function roofline"));
}

TEST_CASE_METHOD(Files, "lathe bench: a trace that viewers read") {
  REQUIRE(command("bench adder.lathe --seconds 0 --threads 2 --trace trace.json").exit == 0);
  auto trace = nlohmann::json::parse(std::ifstream(pathOf("trace.json")));
  std::map<std::string, int> counts;
  double inferenceEnd = 0;
  for (const auto &event : trace["traceEvents"]) {
    CHECK(event["pid"] == 1);
    if (event["ph"] == "M")
      continue;
    REQUIRE(event["ph"] == "X");
    ++counts[event["cat"]];
    CHECK(event["ts"] >= 0);
    CHECK(event["dur"] >= 0);
    if (event["cat"] == "inference")
      inferenceEnd = event["ts"].get<double>() + event["dur"].get<double>();
  }
  for (const auto &event : trace["traceEvents"])
    if (event.value("cat", "") == "kernel") {
      CHECK(event["ts"].get<double>() + event["dur"].get<double>() <= inferenceEnd);
      CHECK(event["args"]["nodes"].size() == 1);
    }
  CHECK(counts["inference"] == 5);
  CHECK(counts["kernel"] >= 10); // two calls in each
}

TEST_CASE_METHOD(Files, "lathe inspect: text, JSON, page") {
  CHECK_THAT(command("inspect adder.lathe").text, ContainsSubstring("a: f32 [d0, 4]"));
  Result result = command("inspect adder.lathe --dim batch=10 --json -");
  REQUIRE(result.exit == 0);
  auto json = nlohmann::json::parse(result.text);
  CHECK(json["inputs"][0]["shape"] == nlohmann::json::array({"d0", 4}));
  CHECK(json["memory"]["arena_bytes"] == 160);
  CHECK(json["memory"]["weights_bytes"] == 16);
  CHECK(json["memory"]["arena"] == "((batch * 4) * 4)");
  CHECK(json["symbols"][0]["from"] == "axis 0 of a");
  CHECK(json["targets"][0]["cpu"] == "x86-64");
  REQUIRE(command("bench adder.lathe --seconds 0 --shape a=5x4 --profile --json profile.json").exit == 0);
  REQUIRE(command("inspect adder.lathe --profile profile.json --html page.html --json page.json").exit == 0);
  // The sizes that were measured are those that are shown, unless the user wants others.
  CHECK(nlohmann::json::parse(std::ifstream(pathOf("page.json")))["memory"]["arena_bytes"] == 80);
  REQUIRE(command("inspect adder.lathe --profile profile.json --dim batch=2 --json page.json").exit == 0);
  CHECK(nlohmann::json::parse(std::ifstream(pathOf("page.json")))["memory"]["arena_bytes"] == 32);
  std::ifstream file(pathOf("page.html"));
  std::string page((std::istreambuf_iterator<char>(file)), {});
  CHECK_THAT(page, ContainsSubstring("\"nodes\":[\"add_2\"]") && EndsWith("</html>\n"));
}

TEST_CASE("lathe inspect: names of the model can't break the page") {
  lathe::test::TestModel model = lathe::test::makeAdder();
  model.program().calls[0]->nodes = {"</script><b>\xff"};
  lathe::test::writeFile(pathOf("names.lathe"), model.write());
  REQUIRE(command("inspect names.lathe --html names.html").exit == 0);
  std::ifstream file(pathOf("names.html"));
  std::string page((std::istreambuf_iterator<char>(file)), {});
  CHECK_THAT(page, ContainsSubstring("\\u003c/script>\\u003cb>"));
}
