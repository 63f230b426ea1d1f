//===- Output.cpp - files that are there as a whole or not ----------------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Output.h"

#include "tools/lathe/Error.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace lathe::cli {

static bool writeAll(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

/// Devices and pipes can't be renamed over.
static bool isSpecial(const std::string &path) {
  struct stat facts;
  return stat(path.c_str(), &facts) == 0 && !S_ISREG(facts.st_mode);
}

void writeOutput(const std::string &path, std::string_view bytes) {
  if (path == "-") {
    if (!writeAll(STDOUT_FILENO, bytes))
      fail(Exit::Environment, "can't write to the standard output: {}", strerror(errno));
    return;
  }
  bool direct = isSpecial(path);
  std::string temporary = direct ? path : fmt::format("{}.{}.tmp", path, getpid());
  int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0)
    fail(Exit::Environment, "can't write '{}': {}", path, strerror(errno));
  bool good = writeAll(file, bytes);
  int reason = errno;
  if (close(file) != 0 && good) {
    good = false;
    reason = errno;
  }
  if (good && !direct && rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    reason = errno;
  }
  if (good)
    return;
  if (!direct)
    unlink(temporary.c_str());
  fail(Exit::Environment, "can't write '{}': {}", path, strerror(reason));
}

void makeFolder(const std::string &path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error)
    fail(Exit::Environment, "can't make folder '{}': {}", path, error.message());
}

} // namespace lathe::cli
