//===- Handles.h - what the C API's handles point to ------------*- C++ -*-===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LATHE_RUNTIME_CAPI_HANDLES_H
#define LATHE_RUNTIME_CAPI_HANDLES_H

#include "runtime/src/session/Session.h"

struct lathe_artifact {
  std::shared_ptr<const lathe::runtime::Artifact> artifact;
};

struct lathe_session {
  lathe::runtime::Session session;
};

#endif // LATHE_RUNTIME_CAPI_HANDLES_H
