// An artifact that is only there to be run while compiling.
#pragma once

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"

namespace lathe {

/// A place in the system's folder for temporary files; the file goes with the object.
class TemporaryArtifact {
public:
  TemporaryArtifact() = default;
  ~TemporaryArtifact() { llvm::sys::fs::remove(file); }
  TemporaryArtifact(const TemporaryArtifact &) = delete;
  TemporaryArtifact &operator=(const TemporaryArtifact &) = delete;

  /// Makes the file, empty; its name begins with `prefix`. Once, before `path`.
  llvm::Error make(llvm::StringRef prefix) {
    if (std::error_code error = llvm::sys::fs::createTemporaryFile(prefix, "lathe", file))
      return llvm::createStringError("can't make a temporary file: " + error.message());
    return llvm::Error::success();
  }
  llvm::StringRef path() const { return file; }

private:
  llvm::SmallString<128> file;
};

} // namespace lathe
