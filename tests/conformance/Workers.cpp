#include "tests/conformance/Workers.h"
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <map>
#include <sys/wait.h>
#include <unistd.h>

namespace lathe::conformance {
namespace {

constexpr size_t longestMessage = 16384; // well below what a pipe holds: the child never waits for the parent

/// A process that runs one case and writes the outcome's letter and the message to a pipe.
struct Worker {
  size_t number;
  int pipe;
};

[[noreturn]] void work(const Case &testCase, int pipe, unsigned seconds) {
  alarm(seconds);
  const char *folder = std::getenv("TMPDIR");
  std::string artifact = fmt::format("{}/lathe-conformance-{}.lathe", folder ? folder : "/tmp", getpid());
  Result result = runCase(testCase, artifact);
  std::string text = static_cast<char>(result.outcome) + result.message.substr(0, longestMessage);
  ssize_t written = write(pipe, text.data(), text.size());
  _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

std::string readAll(int pipe) {
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(pipe, buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  return text;
}

Result resultOf(int status, const std::string &text) {
  if (WIFSIGNALED(status))
    return {Outcome::Crash, fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))};
  if (WEXITSTATUS(status) != 0 || text.empty())
    return {Outcome::Crash, fmt::format("exit code {}", WEXITSTATUS(status))};
  return {static_cast<Outcome>(text[0]), text.substr(1)};
}

std::pair<pid_t, Worker> start(const Case &testCase, size_t number, unsigned seconds) {
  int ends[2];
  if (pipe(ends) != 0) {
    std::perror("pipe");
    std::exit(3);
  }
  pid_t pid = fork();
  if (pid < 0) {
    std::perror("fork");
    std::exit(3);
  }
  if (pid == 0) {
    close(ends[0]);
    work(testCase, ends[1], seconds);
  }
  close(ends[1]);
  return {pid, {number, ends[0]}};
}

} // namespace

std::vector<Result> runAll(const std::vector<Case> &cases, int jobs, unsigned seconds,
                           const std::function<void(const Case &, const Result &)> &finished) {
  std::vector<Result> results(cases.size());
  std::map<pid_t, Worker> workers;
  size_t next = 0;
  while (next < cases.size() || !workers.empty()) {
    while (next < cases.size() && workers.size() < static_cast<size_t>(jobs)) {
      workers.insert(start(cases[next], next, seconds));
      ++next;
    }
    int status = 0;
    pid_t pid = wait(&status);
    auto worker = workers.find(pid);
    if (worker == workers.end())
      continue;
    size_t number = worker->second.number;
    results[number] = resultOf(status, readAll(worker->second.pipe));
    close(worker->second.pipe);
    workers.erase(worker);
    finished(cases[number], results[number]);
  }
  return results;
}

} // namespace lathe::conformance
