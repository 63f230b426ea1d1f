#include "compiler/import/MappedFile.h"
#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace lathe::importer {

static llvm::Error systemError(llvm::StringRef path, const char *what) {
  std::error_code code(errno, std::generic_category());
  return llvm::createStringError(code, "cannot %s '%s': %s", what, path.str().c_str(), code.message().c_str());
}

llvm::Expected<std::shared_ptr<const MappedFile>> MappedFile::open(llvm::StringRef path) {
  int descriptor = ::open(path.str().c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return systemError(path, "open");
  struct stat status = {};
  std::shared_ptr<MappedFile> file(new MappedFile);
  llvm::Error error = llvm::Error::success();
  if (::fstat(descriptor, &status) != 0)
    error = systemError(path, "stat");
  else if (!S_ISREG(status.st_mode))
    error = llvm::createStringError("cannot read '%s': not a regular file", path.str().c_str());
  else if (status.st_size > 0) {
    void *address = ::mmap(nullptr, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (address == MAP_FAILED)
      error = systemError(path, "map");
    else {
      file->data = static_cast<const char *>(address);
      file->size = status.st_size;
      file->isMapped = true;
    }
  }
  ::close(descriptor);
  if (error)
    return error;
  return file;
}

std::shared_ptr<const MappedFile> MappedFile::copyOf(llvm::ArrayRef<char> bytes) {
  std::shared_ptr<MappedFile> file(new MappedFile);
  file->owned.assign(bytes.begin(), bytes.end());
  file->data = file->owned.data();
  file->size = file->owned.size();
  return file;
}

MappedFile::~MappedFile() {
  if (isMapped)
    ::munmap(const_cast<char *>(data), size);
}

} // namespace lathe::importer
