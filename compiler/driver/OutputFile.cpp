#include "compiler/driver/OutputFile.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace lathe {

namespace {
std::error_code writeAll(raw_fd_ostream &out, function_ref<void(raw_ostream &)> write) {
  write(out);
  out.flush();
  std::error_code error = out.error();
  out.clear_error();
  return error;
}

} // namespace

std::error_code writeFile(StringRef path, StringRef text) {
  std::error_code error;
  raw_fd_ostream out(path, error);
  return error ? error : writeAll(out, [&](raw_ostream &stream) { stream << text; });
}

std::error_code OutputFile::open(StringRef wanted) {
  // Renaming over a device or a pipe would take its place.
  sys::fs::file_status status;
  bool isSpecial = !sys::fs::status(wanted, status) && !sys::fs::is_regular_file(status);
  if (isSpecial && sys::fs::is_directory(status))
    return make_error_code(std::errc::is_a_directory);
  if (!isSpecial) {
    Expected<sys::fs::TempFile> made =
        sys::fs::TempFile::create(wanted + ".%%%%%%.tmp", sys::fs::all_read | sys::fs::owner_write);
    if (!made)
      return errorToErrorCode(made.takeError());
    temporary = std::move(*made);
  }
  path = wanted.str();
  return {};
}

std::error_code OutputFile::finishWith(function_ref<void(raw_ostream &)> write) {
  if (!temporary) {
    std::error_code error;
    raw_fd_ostream out(path, error);
    return error ? error : writeAll(out, write);
  }
  raw_fd_ostream out(temporary->FD, /*shouldClose=*/false);
  if (std::error_code error = writeAll(out, write))
    return error;
  Error failure = temporary->keep(path);
  temporary.reset();
  return errorToErrorCode(std::move(failure));
}

std::error_code OutputFile::finish(StringRef text) {
  return finishWith([&](raw_ostream &out) { out << text; });
}

void OutputFile::discard() {
  if (temporary)
    consumeError(temporary->discard());
}

} // namespace lathe
