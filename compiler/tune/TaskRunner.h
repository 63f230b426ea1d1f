// Runs a kernel on several threads, as the runtime would, and tells how long it took.
#pragma once

#include "compiler/tune/MeasuredLibrary.h"
#include "lathe/artifact.h"
#include <atomic>
#include <thread>
#include <vector>

namespace lathe {

/// The tasks of one kernel call: those of a function, or of a library's kernel.
struct KernelTasks {
  lathe_kernel_fn function = nullptr;
  const MeasuredCall *library = nullptr;
  void *const *args = nullptr;
  int64_t tasks = 0;
};

/// Threads wait for work in a loop for a while, then sleep: runs that follow each other start without delay.
class TaskRunner {
public:
  /// `threads`: at least 1, the calling one included.
  explicit TaskRunner(unsigned threads);
  ~TaskRunner();
  TaskRunner(const TaskRunner &) = delete;

  /// Scratch memory that each thread has, at least.
  void reserveScratch(size_t bytes);
  /// Seconds from the start to the end of all tasks, infinite if a library fails. Each thread takes tasks of its own share, then
  /// those of others. Used by one thread at a time.
  double run(const KernelTasks &work);
  unsigned threads() const { return unsigned(shares.size()); }

private:
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };
  void work(unsigned thread);
  void share();
  void takeTasks(unsigned thread);
  void runTasks(int64_t begin, int64_t end, unsigned thread);

  std::vector<Share> shares;
  std::vector<std::vector<char>> scratch;
  KernelTasks current;
  alignas(64) std::atomic<uint32_t> generation{0};
  alignas(64) std::atomic<uint32_t> busy{0};
  std::atomic<bool> isStopping{false}, hasFailed{false};
  std::vector<std::thread> helpers;
};

} // namespace lathe
