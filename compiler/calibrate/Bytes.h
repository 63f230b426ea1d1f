// Bytes that are read in pieces: a file, or a member of a .npz.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <memory>
#include <string>
#include <vector>

struct zip;

namespace lathe::samples {

/// Not thread-safe.
class Bytes {
public:
  virtual ~Bytes() = default;
  virtual uint64_t size() const = 0;
  /// Fills `out` with the bytes from `offset`. Error: they can't be read, or the file ends before.
  virtual llvm::Error read(uint64_t offset, llvm::MutableArrayRef<char> out) = 0;
};

/// Error: not a regular file, can't be opened; names the path.
llvm::Expected<std::unique_ptr<Bytes>> openFile(llvm::StringRef path);

/// A zip archive, open for reading. Members hold on to the archive.
class ZipArchive : public std::enable_shared_from_this<ZipArchive> {
public:
  /// Error: can't be opened, damaged directory; names the path.
  static llvm::Expected<std::shared_ptr<ZipArchive>> open(llvm::StringRef path);
  ~ZipArchive();
  ZipArchive(const ZipArchive &) = delete;
  ZipArchive &operator=(const ZipArchive &) = delete;

  /// Names of the members that are files, by their number.
  llvm::ArrayRef<std::pair<uint64_t, std::string>> members() const { return names; }
  /// Stored members are read anywhere; deflated ones forwards, going back starts anew. The checksum is compared when all has
  /// been read in order. Error: encrypted, or compressed otherwise.
  llvm::Expected<std::unique_ptr<Bytes>> openMember(uint64_t number);

private:
  ZipArchive() = default;
  ::zip *archive = nullptr;
  std::vector<std::pair<uint64_t, std::string>> names;
};

} // namespace lathe::samples
