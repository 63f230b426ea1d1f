// What lathe-compile shows of its work.
#pragma once

#include "tools/lathe/StatusLine.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdio>

namespace lathe {

/// One line per phase with -v; without, on a terminal, one line that is written over.
class Progress {
public:
  explicit Progress(bool isVerbose) : isVerbose(isVerbose) {}

  void operator()(llvm::StringRef phase, double seconds) {
    if (isVerbose && seconds >= 0)
      std::fprintf(stderr, "%-10s %8.3f s\n", phase.str().c_str(), seconds);
    if (!isVerbose && seconds < 0)
      line.show(phase.str());
  }
  /// How many operations are tuned, or samples run, as a bar.
  void showShare(llvm::StringRef phase, size_t done, size_t count) {
    constexpr size_t width = 30;
    size_t filled = done * width / std::max<size_t>(count, 1);
    line.show(phase.str() + " [" + std::string(filled, '#') + std::string(width - filled, '.') + "] " +
              std::to_string(done) + " of " + std::to_string(count));
  }
  /// A line for each with -v.
  void showText(llvm::StringRef text) {
    if (isVerbose)
      std::fprintf(stderr, "%s\n", text.str().c_str());
    else
      line.show(text.str());
  }
  void clear() { line.clear(); }

private:
  bool isVerbose;
  cli::StatusLine line;
};

/// "error: ..." is said by lathe, "model.onnx: error: ..." is said of a place in a file.
inline void printMessages(llvm::StringRef messages) {
  for (llvm::StringRef line : llvm::split(messages.rtrim("\n"), "\n"))
    if (!line.empty())
      llvm::errs() << (line.starts_with("error: ") || line.starts_with("warning: ") ? "lathe: " : "") << line << "\n";
}

} // namespace lathe
