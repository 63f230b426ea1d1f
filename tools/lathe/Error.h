//===- Error.h - how the command line fails ---------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_TOOLS_LATHE_ERROR_H
#define LATHE_TOOLS_LATHE_ERROR_H

#include "lathe/lathe.hpp"

#include <fmt/format.h>

namespace lathe::cli {

/// Exit codes; documented in docs/Errors.md.
enum class Exit { Ok = 0, BadData = 1, Usage = 2, Environment = 3 };

/// Ends the command with a message on stderr.
struct Failure {
  Exit exit;
  std::string message;
};

template <typename... Args> [[noreturn]] void fail(Exit exit, fmt::format_string<Args...> text, Args &&...args) {
  throw Failure{exit, fmt::format(text, std::forward<Args>(args)...)};
}

/// Exit code of an error of the runtime.
inline Exit exitOf(lathe_code_t code) {
  switch (code) {
  case LATHE_INVALID_ARGUMENT:
    return Exit::Usage;
  case LATHE_SHAPE_MISMATCH:
  case LATHE_KERNEL_FAILED:
    return Exit::BadData;
  default:
    return Exit::Environment;
  }
}

} // namespace lathe::cli

#endif // LATHE_TOOLS_LATHE_ERROR_H
