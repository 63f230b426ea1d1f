// A text file that is there as a whole or not at all.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/FileSystem.h"
#include <optional>
#include <string>

namespace lathe {

/// Opened early, so that a place that can't be written to is known before the work whose result goes there. Devices and
/// pipes are written to directly. Not finished: nothing is left behind.
class OutputFile {
public:
  ~OutputFile() { discard(); }

  std::error_code open(llvm::StringRef path);
  bool isOpen() const { return !path.empty(); }
  /// What `write` writes takes the file's place. The same rules.
  std::error_code finishWith(llvm::function_ref<void(llvm::raw_ostream &out)> write);
  /// Writes all and takes the file's place. Call once, on an open file.
  std::error_code finish(llvm::StringRef text);

private:
  void discard();

  std::string path;
  std::optional<llvm::sys::fs::TempFile> temporary; // beside the path; none for devices and pipes
};

/// Writes to the file itself.
std::error_code writeFile(llvm::StringRef path, llvm::StringRef text);

} // namespace lathe
