//===- StatusLine.h - what a command is doing, on a terminal ----*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_STATUSLINE_H
#define LATHE_TOOLS_LATHE_STATUSLINE_H

#include <cstdio>
#include <string>
#include <unistd.h>

namespace lathe::cli {

/// One line on the standard error that is written over; nothing where that is not a terminal.
class StatusLine {
public:
  ~StatusLine() { clear(); }

  bool isVisible() const { return isTerminal; }
  void show(const std::string &text) {
    if (!isTerminal)
      return;
    std::fprintf(stderr, "\r\033[K%s ...", text.c_str());
    std::fflush(stderr);
    isShown = true;
  }
  /// Before anything else is printed.
  void clear() {
    if (isShown)
      std::fputs("\r\033[K", stderr);
    isShown = false;
  }

private:
  bool isTerminal = isatty(STDERR_FILENO), isShown = false;
};

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_STATUSLINE_H
