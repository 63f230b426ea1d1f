// Runs ONNX's conformance cases (see generate.py) and holds the outcome against deny.txt:
//   - a case that isn't denied passes; one that is, doesn't;
//   - nothing gives a wrong answer or crashes, denied or not.
// Exit code 0 if all that holds, 1 if not, 2 for wrong usage.
#include "tests/conformance/Workers.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

using namespace lathe::conformance;

namespace {

struct Options {
  std::string data, denyFile, filter, jsonFile, newDenyFile;
  int jobs = 2;
  unsigned seconds = 120;
  bool isVerbose = false, isInterpreted = false;
};

using DenyList = std::map<std::string, std::string>; // SET/CASE -> reason

std::string keyOf(const Case &testCase) { return testCase.set + "/" + testCase.name; }

const char *nameOf(Outcome outcome) {
  switch (outcome) {
  case Outcome::Pass:
    return "pass";
  case Outcome::Refused:
    return "refused";
  case Outcome::Wrong:
    return "wrong";
  default:
    return "crash";
  }
}

/// Lines "SET/CASE reason"; '#' starts a comment.
bool readDenyList(const std::string &path, DenyList &list) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (line.empty() || line[0] == '#')
      continue;
    size_t space = line.find(' ');
    if (space == std::string::npos) {
      fmt::print(stderr, "{}: expects a reason after '{}'\n", path, line);
      return false;
    }
    list[line.substr(0, space)] = line.substr(space + 1);
  }
  return true;
}

std::vector<Case> readCases(const Options &options) {
  std::vector<Case> cases;
  std::ifstream file(options.data + "/manifest.json");
  if (!file) {
    fmt::print(stderr, "no manifest.json in {}; generate.py makes it\n", options.data);
    return cases;
  }
  std::regex filter(options.filter);
  for (const auto &entry : nlohmann::json::parse(file)) {
    Case testCase{entry["name"],     entry["set"],         "", entry["rtol"], entry["atol"],
                  entry["datasets"], options.isInterpreted};
    testCase.folder = fmt::format("{}/{}", options.data, keyOf(testCase));
    if (std::regex_search(keyOf(testCase), filter))
      cases.push_back(testCase);
  }
  return cases;
}

/// The line of a message that says most, without the names of folders.
std::string reasonOf(const Case &testCase, std::string message) {
  for (size_t at; (at = message.find(testCase.folder + "/")) != std::string::npos;)
    message.erase(at, testCase.folder.size() + 1);
  size_t at = message.find("error: ");
  std::string text = at == std::string::npos ? message : message.substr(at + 7);
  return text.substr(0, text.find('\n'));
}

/// What is wrong with the outcome of a case; empty if nothing.
std::string problemOf(const Case &testCase, const Result &result, const DenyList &denied) {
  bool isDenied = denied.count(keyOf(testCase)) > 0;
  if (result.outcome == Outcome::Wrong || result.outcome == Outcome::Crash)
    return fmt::format("{}: {}", nameOf(result.outcome), reasonOf(testCase, result.message));
  if (testCase.isInterpreted)
    return {}; // the deny list is about compiled programs
  if (result.outcome == Outcome::Pass && isDenied)
    return "passes, and is in the deny list";
  if (result.outcome == Outcome::Refused && !isDenied)
    return "refused: " + reasonOf(testCase, result.message);
  return {};
}

void writeJson(const std::string &path, const std::vector<Case> &cases, const std::vector<Result> &results) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (size_t i = 0; i < cases.size(); ++i)
    list.push_back({{"set", cases[i].set},
                    {"name", cases[i].name},
                    {"outcome", nameOf(results[i].outcome)},
                    {"message", results[i].message}});
  std::ofstream(path) << list.dump(1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
}

void writeDenyList(const std::string &path, const std::vector<Case> &cases, const std::vector<Result> &results) {
  std::ofstream file(path);
  for (size_t i = 0; i < cases.size(); ++i)
    if (results[i].outcome == Outcome::Refused)
      file << keyOf(cases[i]) << " " << reasonOf(cases[i], results[i].message) << "\n";
}

int report(const std::vector<Case> &cases, const std::vector<Result> &results, const DenyList &denied) {
  std::map<std::string, std::map<Outcome, int>> counts;
  int problems = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    ++counts[cases[i].set][results[i].outcome];
    std::string problem = problemOf(cases[i], results[i], denied);
    problems += !problem.empty();
    if (!problem.empty())
      fmt::print("{}: {}\n", keyOf(cases[i]), problem);
  }
  fmt::print("{:<18} {:>6} {:>8} {:>6} {:>6}\n", "set", "pass", "refused", "wrong", "crash");
  for (auto &[set, count] : counts)
    fmt::print("{:<18} {:>6} {:>8} {:>6} {:>6}\n", set, count[Outcome::Pass], count[Outcome::Refused],
               count[Outcome::Wrong], count[Outcome::Crash]);
  fmt::print("{} cases, {} not as expected\n", cases.size(), problems);
  return problems == 0 ? 0 : 1;
}

int run(const Options &options) {
  DenyList denied;
  if (!options.denyFile.empty() && !readDenyList(options.denyFile, denied))
    return 2;
  std::vector<Case> cases = readCases(options);
  if (cases.empty())
    return 2;
  auto finished = [&](const Case &testCase, const Result &result) {
    if (options.isVerbose)
      fmt::print("{} {} {}\n", nameOf(result.outcome), keyOf(testCase), result.message);
  };
  std::vector<Result> results = runAll(cases, options.jobs, options.seconds, finished);
  if (!options.jsonFile.empty())
    writeJson(options.jsonFile, cases, results);
  if (!options.newDenyFile.empty())
    writeDenyList(options.newDenyFile, cases, results);
  return report(cases, results, denied);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Runs ONNX's conformance cases.");
  Options options;
  app.add_option("data", options.data, "the folder that generate.py wrote")->required();
  app.add_option("--deny", options.denyFile, "cases that are refused, with reasons");
  app.add_option("--filter", options.filter, "only cases whose SET/NAME matches this expression");
  app.add_option("--json", options.jsonFile, "write all outcomes there");
  app.add_option("--write-deny", options.newDenyFile, "write a deny list of all that is refused now");
  app.add_option("--jobs", options.jobs, "cases at a time")->capture_default_str();
  app.add_option("--seconds", options.seconds, "limit per case")->capture_default_str();
  app.add_flag("--interpreter", options.isInterpreted, "run by the reference interpreter instead of compiling");
  app.add_flag("-v,--verbose", options.isVerbose, "print every case");
  CLI11_PARSE(app, argc, argv);
  return run(options);
}
