#include "compiler/calibrate/Bytes.h"
#include "llvm/Support/FileSystem.h"
#include <zip.h>

using namespace llvm;

namespace lathe::samples {
namespace {

Error cannotOpen(StringRef path, const Twine &reason) {
  return createStringError("cannot open '" + path + "': " + reason);
}

Error checkRegular(StringRef path) {
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return cannotOpen(path, code.message());
  return status.type() == sys::fs::file_type::regular_file ? Error::success() : cannotOpen(path, "not a regular file");
}

class FileBytes : public Bytes {
public:
  FileBytes(sys::fs::file_t file, uint64_t size) : file(file), fileSize(size) {}
  ~FileBytes() override { sys::fs::closeFile(file); }
  uint64_t size() const override { return fileSize; }

  Error read(uint64_t offset, MutableArrayRef<char> out) override {
    while (!out.empty()) {
      auto count = sys::fs::readNativeFileSlice(file, out, offset);
      if (!count)
        return count.takeError();
      if (*count == 0)
        return createStringError("the file ends at byte " + Twine(offset));
      offset += *count;
      out = out.drop_front(*count);
    }
    return Error::success();
  }

private:
  sys::fs::file_t file;
  uint64_t fileSize;
};

/// Reading so much costs no more than opening a member.
constexpr uint64_t kShortBytes = 64 * 1024;

class ZipMember : public Bytes {
public:
  ZipMember(std::shared_ptr<ZipArchive> owner, zip_t *archive, uint64_t number, uint64_t size, bool isStored)
      : owner(std::move(owner)), archive(archive), number(number), memberSize(size), isStored(isStored) {}
  ~ZipMember() override { close(); }
  uint64_t size() const override { return memberSize; }

  Error read(uint64_t offset, MutableArrayRef<char> out) override {
    if (Error error = seek(offset))
      return error;
    if (Error error = readNext(out))
      return error;
    return position == memberSize && isInOrder ? checkEnd() : Error::success();
  }

private:
  Error seek(uint64_t offset) {
    if (!file || offset < position) {
      close();
      file = zip_fopen_index(archive, number, ZIP_FL_UNCHANGED);
      if (!file)
        return createStringError("cannot read: " + Twine(zip_strerror(archive)));
      position = 0;
      isInOrder = true;
    }
    // Short ways are read, so that samples in order, past the header, end with the checksum.
    if (!isStored || offset - position <= kShortBytes)
      return skip(offset - position);
    isInOrder = false; // no checksum then
    if (zip_fseek(file, int64_t(offset), SEEK_SET) != 0)
      return damaged();
    position = offset;
    return Error::success();
  }

  Error skip(uint64_t count) {
    std::vector<char> passed(std::min(count, kShortBytes));
    for (; count > 0; count -= passed.size()) {
      passed.resize(std::min<uint64_t>(count, passed.size()));
      if (Error error = readNext(passed))
        return error;
    }
    return Error::success();
  }

  Error readNext(MutableArrayRef<char> out) {
    while (!out.empty()) {
      int64_t count = zip_fread(file, out.data(), out.size());
      if (count < 0)
        return damaged();
      if (count == 0)
        return createStringError("damaged: expects " + Twine(memberSize) + " bytes, got " + Twine(position));
      position += uint64_t(count);
      out = out.drop_front(size_t(count));
    }
    return Error::success();
  }

  /// libzip compares the checksum when told that nothing comes any more.
  Error checkEnd() {
    char more;
    int64_t count = zip_fread(file, &more, 1);
    if (count < 0)
      return damaged();
    close();
    if (count > 0)
      return createStringError("damaged: expects " + Twine(memberSize) + " bytes, got more");
    return Error::success();
  }

  Error damaged() {
    std::string reason = zip_file_strerror(file);
    close();
    return createStringError("damaged: " + reason);
  }

  void close() {
    if (file)
      zip_fclose(file);
    file = nullptr;
  }

  std::shared_ptr<ZipArchive> owner;
  zip_t *archive;
  uint64_t number, memberSize;
  bool isStored, isInOrder = true;
  zip_file_t *file = nullptr;
  uint64_t position = 0;
};

} // namespace

Expected<std::unique_ptr<Bytes>> openFile(StringRef path) {
  if (Error error = checkRegular(path))
    return error;
  auto file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return cannotOpen(path, toString(file.takeError()));
  sys::fs::file_status status;
  std::error_code code = sys::fs::status(*file, status);
  auto bytes = std::make_unique<FileBytes>(*file, code ? 0 : status.getSize());
  if (code)
    return cannotOpen(path, code.message());
  return bytes;
}

Expected<std::shared_ptr<ZipArchive>> ZipArchive::open(StringRef path) {
  if (Error error = checkRegular(path))
    return error;
  int code = 0;
  std::shared_ptr<ZipArchive> result(new ZipArchive);
  result->archive = zip_open(path.str().c_str(), ZIP_RDONLY, &code);
  if (!result->archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    return cannotOpen(path, reason);
  }
  int64_t count = zip_get_num_entries(result->archive, ZIP_FL_UNCHANGED);
  for (int64_t i = 0; i < count; ++i) {
    const char *name = zip_get_name(result->archive, uint64_t(i), ZIP_FL_UNCHANGED);
    if (!name)
      return cannotOpen(path, zip_strerror(result->archive));
    if (!StringRef(name).ends_with("/"))
      result->names.emplace_back(i, name);
  }
  return result;
}

ZipArchive::~ZipArchive() {
  if (archive)
    zip_discard(archive);
}

Expected<std::unique_ptr<Bytes>> ZipArchive::openMember(uint64_t number) {
  zip_stat_t status;
  constexpr uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive, number, ZIP_FL_UNCHANGED, &status) != 0)
    return createStringError(zip_strerror(archive));
  if ((status.valid & needed) != needed)
    return createStringError("damaged: its size is missing");
  if (status.encryption_method != ZIP_EM_NONE)
    return createStringError("encrypted arrays are not supported");
  if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE)
    return createStringError("expects it stored or deflated, got compression method " + Twine(status.comp_method));
  return std::make_unique<ZipMember>(shared_from_this(), archive, number, status.size,
                                     status.comp_method == ZIP_CM_STORE);
}

} // namespace lathe::samples
