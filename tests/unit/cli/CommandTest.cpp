// The lathe program from outside: what it writes, says and exits with.
#include "tests/support/TestArtifact.h"
#include "tools/lathe/Npy.h"
#include "tools/lathe/Output.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
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
