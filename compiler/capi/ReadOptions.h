// Reading option structs of the compiler's C API.
#pragma once

#include "compiler/capi/include/lathe/lathe_compile.h"
#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

namespace lathe {

/// The caller's struct may be older and shorter than ours, or newer and longer: then what we don't know must be zero.
template <class Options> bool readKnown(const Options *given, Options &known) {
  size_t size = given->struct_size;
  const char *bytes = reinterpret_cast<const char *>(given);
  std::memcpy(&known, given, std::min(size, sizeof(known)));
  return size <= sizeof(known) || std::all_of(bytes + sizeof(known), bytes + size, [](char byte) { return !byte; });
}

inline bool readList(const char *const *texts, size_t count, std::vector<std::string> &list) {
  if (count && (!texts || std::find(texts, texts + count, nullptr) != texts + count))
    return false;
  list.assign(texts, texts + count);
  return true;
}

inline bool readNumbers(const double *numbers, size_t count, std::vector<double> &list) {
  if (count && !numbers)
    return false;
  list.assign(numbers, numbers + count);
  return true;
}

} // namespace lathe
