// What was measured, kept as text: one line per operation, CPU and number of threads, sorted, so that files of several people
// can be merged by version control as well as by `lathe tune-db merge`.
//
//   lathe tuning database, version 1
//   znver4 avx2 | 1 | 128x768xf32 =768x768xf32 -> matmul(0,1):128x768xf32 | gemm blocking=128,2,768 .. | 1650.21 | 1720.80
//
// Fields: CPU and instruction set, threads, operation (OperationText.h), plan taken (choiceText), its time and that of the cost
// model's plan, both in microseconds. A library's plan has a line of its own, whether it is faster or not; its last field is the
// time of the own plan that it was measured against.
#pragma once

#include "llvm/Support/Error.h"
#include <compare>
#include <map>
#include <string>

namespace lathe {

struct TuningKey {
  std::string cpu;
  unsigned threads = 1;
  std::string operation;
  bool isLibrary = false; // of the plan; when an entry comes in, its choice says so

  auto operator<=>(const TuningKey &) const = default;
};

struct TuningEntry {
  std::string choice;
  double timeUs = 0, modelTimeUs = 0; // modelTimeUs of a library's plan: of the own plan
};

class TuningDatabase {
public:
  /// Lines may come in any order; of two for one operation the faster one stays, so that a union of files is one. An error
  /// names `fileName`, the line, and what is wrong with it.
  static llvm::Expected<TuningDatabase> parse(llvm::StringRef text, llvm::StringRef fileName);
  /// The same bytes for the same entries, however they came in.
  std::string toText() const;

  const TuningEntry *find(const TuningKey &key) const;
  /// Of two entries for one key the faster one stays, in whichever order they come.
  void add(const TuningKey &key, const TuningEntry &entry);
  /// Replaces what is known.
  void set(const TuningKey &key, const TuningEntry &entry);
  /// Adds all of `other`.
  void merge(const TuningDatabase &other);
  bool isEmpty() const { return entries.empty(); }

private:
  static TuningKey keyFor(TuningKey key, const TuningEntry &entry);

  std::map<TuningKey, TuningEntry> entries;
};

/// An error with code invalid_argument is about what stands in the file, others about reading it.
llvm::Expected<TuningDatabase> readTuningDatabase(llvm::StringRef path);

} // namespace lathe
