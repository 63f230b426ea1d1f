#include "compiler/tune/TaskRunner.h"
#include "backends/run/KernelImage.h"
#include <chrono>

namespace lathe {

TaskRunner::TaskRunner(unsigned threads) : shares(threads), scratch(threads) {
  reserveScratch(64);
  for (unsigned thread = 1; thread < threads; ++thread)
    helpers.emplace_back([this, thread] { work(thread); });
}

TaskRunner::~TaskRunner() {
  isStopping = true;
  ++generation;
  generation.notify_all();
  for (std::thread &helper : helpers)
    helper.join();
}

void TaskRunner::reserveScratch(size_t bytes) {
  for (std::vector<char> &memory : scratch)
    if (memory.size() < bytes + LATHE_BUFFER_ALIGNMENT)
      memory.resize(bytes + LATHE_BUFFER_ALIGNMENT);
}

void TaskRunner::runTasks(int64_t begin, int64_t end, unsigned thread) {
  uintptr_t aligned = llvm::alignTo(reinterpret_cast<uintptr_t>(scratch[thread].data()), LATHE_BUFFER_ALIGNMENT);
  lathe_kernel_context context{sizeof(context), 0, reinterpret_cast<void *>(aligned), &kernelApi()};
  if (!current.library)
    current.function(current.args, nullptr, begin, end, &context);
  else if (!current.library->run(current.args, begin, end, context.scratch))
    hasFailed = true;
}

void TaskRunner::takeTasks(unsigned thread) {
  for (size_t i = 0; i < shares.size(); ++i) {
    Share &share = shares[(thread + i) % shares.size()];
    for (int64_t task = share.next++; task < share.end; task = share.next++)
      runTasks(task, task + 1, thread);
  }
}

void TaskRunner::work(unsigned thread) {
  constexpr int patience = 1 << 16; // pauses before it sleeps: about a millisecond
  for (uint32_t seen = 0;; ++seen) {
    for (int i = 0; i < patience && generation == seen; ++i)
      __builtin_ia32_pause();
    generation.wait(seen);
    if (isStopping)
      return;
    takeTasks(thread);
    --busy;
  }
}

double TaskRunner::run(const KernelTasks &work) {
  auto start = std::chrono::steady_clock::now();
  current = work;
  hasFailed = false;
  if (helpers.empty())
    runTasks(0, work.tasks, 0); // as the runtime: all tasks in one call
  else
    share();
  std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return hasFailed ? std::numeric_limits<double>::infinity() : seconds.count();
}

void TaskRunner::share() {
  int64_t count = int64_t(shares.size());
  for (int64_t i = 0; i < count; ++i) {
    shares[i].next = current.tasks * i / count;
    shares[i].end = current.tasks * (i + 1) / count;
  }
  busy = uint32_t(helpers.size());
  ++generation;
  generation.notify_all();
  takeTasks(0);
  while (busy)
    __builtin_ia32_pause();
}

} // namespace lathe
