#include "compiler/driver/Phase.h"
#include <chrono>

namespace lathe {

std::optional<double> timePhase(const CompileOptions &options, llvm::StringRef phase, llvm::function_ref<bool()> run) {
  if (options.progress)
    options.progress(phase, -1);
  auto start = std::chrono::steady_clock::now();
  if (!run())
    return std::nullopt;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (options.progress)
    options.progress(phase, seconds);
  return seconds;
}

bool fail(Messages &messages, CompileStatus &status, llvm::Error error, CompileStatus::Code otherwise) {
  llvm::handleAllErrors(std::move(error), [&](const llvm::ErrorInfoBase &info) {
    bool isUsage = info.convertToErrorCode() == std::errc::invalid_argument;
    status.code = isUsage ? CompileStatus::badUsage : otherwise;
    messages.error(info.message());
  });
  return false;
}

} // namespace lathe
