// A file mapped for reading.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>

namespace lathe::importer {

/// Read-only mapping of a whole file, or owned bytes. Immutable, so usable from any thread.
class MappedFile {
public:
  static llvm::Expected<std::shared_ptr<const MappedFile>> open(llvm::StringRef path);
  static std::shared_ptr<const MappedFile> copyOf(llvm::ArrayRef<char> bytes);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  llvm::ArrayRef<char> bytes() const { return {data, size}; }
  /// False for owned bytes.
  bool isMapping() const { return isMapped; }

private:
  MappedFile() = default;
  const char *data = nullptr;
  size_t size = 0;
  bool isMapped = false;
  std::string owned;
};

} // namespace lathe::importer
