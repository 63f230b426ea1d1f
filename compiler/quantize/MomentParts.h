// Second moments of many inputs, some at a time.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

namespace lathe {

/// Calls `visit` with one part of `readers` after the other: as many as have momentBytes() that fit 1 GiB together, at least one. Ends with
/// the first error.
template <class Reader>
llvm::Error forMomentParts(llvm::ArrayRef<Reader> readers,
                           llvm::function_ref<llvm::Error(llvm::ArrayRef<Reader> part)> visit) {
  constexpr size_t most = size_t(1) << 30; // bytes
  while (!readers.empty()) {
    size_t bytes = readers.front().momentBytes(), count = 1;
    while (count < readers.size() && (bytes += readers[count].momentBytes()) <= most)
      ++count;
    if (llvm::Error error = visit(readers.take_front(count)))
      return error;
    readers = readers.drop_front(count);
  }
  return llvm::Error::success();
}

} // namespace lathe
