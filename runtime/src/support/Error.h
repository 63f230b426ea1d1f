//===- Error.h - errors inside the runtime ----------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
// Inside the runtime an error is an exception; the C functions turn it into a
// status at the border (capi/Guard.h). Kernels and worker threads never throw.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_SUPPORT_ERROR_H
#define LATHE_RUNTIME_SUPPORT_ERROR_H

#include "lathe/lathe.h"

#include <fmt/format.h>
#include <string>
#include <utility>

namespace lathe::runtime {

struct Error {
  lathe_code_t code;
  std::string message;
};

template <typename... Args>
[[noreturn]] void fail(lathe_code_t code, fmt::format_string<Args...> text, Args &&...args) {
  throw Error{code, fmt::format(text, std::forward<Args>(args)...)};
}

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_SUPPORT_ERROR_H
