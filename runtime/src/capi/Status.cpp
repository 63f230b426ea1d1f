//===- Status.cpp - C API: version, status, dtypes ------------------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "runtime/src/capi/Guard.h"
#include "runtime/src/support/DType.h"

#include <string>

struct lathe_status {
  lathe_code_t code;
  std::string message;
};

using namespace lathe::runtime;

/// Given out when there is no memory for another one; never freed.
static lathe_status outOfMemory = {LATHE_OUT_OF_MEMORY, "out of memory"};

lathe_status_t *lathe::runtime::makeStatus(lathe_code_t code, const char *message) {
  try {
    return new lathe_status{code, message};
  } catch (const std::bad_alloc &) {
    return &outOfMemory;
  }
}

uint32_t lathe_api_version(void) { return LATHE_API_VERSION; }

const char *lathe_version_string(void) { return LATHE_VERSION; }

lathe_code_t lathe_status_code(const lathe_status_t *status) { return status ? status->code : LATHE_OK; }

const char *lathe_status_message(const lathe_status_t *status) { return status ? status->message.c_str() : "success"; }

void lathe_status_free(lathe_status_t *status) {
  if (status != &outOfMemory)
    delete status;
}

size_t lathe_dtype_bytes(lathe_dtype_t dtype) {
  const DTypeFacts *facts = findDType(dtype);
  return facts ? static_cast<size_t>(facts->bytes) : 0;
}

const char *lathe_dtype_name(lathe_dtype_t dtype) {
  const DTypeFacts *facts = findDType(dtype);
  return facts ? facts->name : "?";
}
