//===- Guard.h - from exceptions to statuses --------------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_CAPI_GUARD_H
#define LATHE_RUNTIME_CAPI_GUARD_H

#include "runtime/src/support/Error.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <new>

namespace lathe::runtime {

/// A new status, or a fixed one when there is no memory for it.
lathe_status_t *makeStatus(lathe_code_t code, const char *message);

/// Runs the body of a C function; what it throws becomes the status.
template <typename Body> lathe_status_t *guard(Body body) {
  try {
    body();
    return nullptr;
  } catch (const Error &error) {
    return makeStatus(error.code, error.message.c_str());
  } catch (const std::bad_alloc &) {
    return makeStatus(LATHE_OUT_OF_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return makeStatus(LATHE_INTERNAL, error.what());
  }
}

/// Throws when an argument is null.
template <typename T> void require(const T *argument, const char *name) {
  if (!argument)
    fail(LATHE_INVALID_ARGUMENT, "expects '{}' not to be null", name);
}

/// A struct of the caller, who may have been built with an older or newer
/// header: the fields that both sides know, the rest zero.
template <typename T> T readStruct(const T *given, const char *name) {
  T result = {};
  result.struct_size = sizeof(T);
  if (!given)
    return result;
  if (given->struct_size < sizeof(size_t))
    fail(LATHE_INVALID_ARGUMENT, "expects struct_size of '{}' to be set", name);
  const char *bytes = reinterpret_cast<const char *>(given);
  for (size_t i = sizeof(T); i < given->struct_size; ++i)
    if (bytes[i] != 0)
      fail(LATHE_INVALID_ARGUMENT, "'{}' asks for something that this version does not have", name);
  std::memcpy(&result, given, std::min(sizeof(T), given->struct_size));
  result.struct_size = sizeof(T);
  return result;
}

/// The other way round; struct_size of the caller's struct stays.
template <typename T> void writeStruct(const T &value, T *out, const char *name) {
  require(out, name);
  size_t size = out->struct_size;
  if (size < sizeof(size_t))
    fail(LATHE_INVALID_ARGUMENT, "expects struct_size of '{}' to be set", name);
  std::memcpy(out, &value, std::min(sizeof(T), size));
  out->struct_size = size;
}

} // namespace lathe::runtime

#endif // LATHE_RUNTIME_CAPI_GUARD_H
