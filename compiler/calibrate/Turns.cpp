#include "compiler/calibrate/Turns.h"
#include <chrono>
#include <limits>

namespace lathe {

namespace {
using Clock = std::chrono::steady_clock;

llvm::Expected<double> secondsOfRun(TimedProgram timed) {
  auto start = Clock::now();
  if (llvm::Error error = timed.program.run(timed.inputs, [](auto...) {}))
    return std::move(error);
  return std::chrono::duration<double>(Clock::now() - start).count();
}
} // namespace

llvm::Expected<std::array<double, 2>> timeInTurns(TimedProgram first, TimedProgram second, double seconds) {
  constexpr int leastRounds = 5;
  constexpr double never = std::numeric_limits<double>::infinity();
  std::array<double, 2> least = {never, never};
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (int round = 0; round <= leastRounds || Clock::now() < end; ++round)
    for (size_t i = 0; i < 2; ++i) {
      auto found = secondsOfRun(i == 0 ? first : second);
      if (!found)
        return found.takeError();
      if (round > 0)
        least[i] = std::min(least[i], *found);
    }
  return least;
}

} // namespace lathe
