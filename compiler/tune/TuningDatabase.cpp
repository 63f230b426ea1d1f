#include "compiler/tune/TuningDatabase.h"
#include "backends/Backend.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"
#include <cmath>

namespace lathe {

namespace {
constexpr llvm::StringLiteral kHeader = "lathe tuning database, version 1";
constexpr llvm::StringLiteral kSeparator = " | ";

/// "" or what is wrong with the line.
std::string parseLine(llvm::StringRef line, TuningKey &key, TuningEntry &entry) {
  llvm::SmallVector<llvm::StringRef> fields;
  line.split(fields, kSeparator);
  if (fields.size() != 6)
    return llvm::formatv("expects 6 fields between ' | ', got {0}", fields.size());
  for (llvm::StringRef text : {fields[0], fields[2], fields[3]})
    if (text.trim().empty())
      return "expects a CPU, an operation and a plan, got an empty field";
  key.cpu = fields[0].str();
  key.operation = fields[2].str();
  entry.choice = fields[3].str();
  if (fields[1].getAsInteger(10, key.threads) || key.threads == 0)
    return "expects a number of threads, got '" + fields[1].str() + "'";
  for (auto [text, time] : {std::pair(fields[4], &entry.timeUs), std::pair(fields[5], &entry.modelTimeUs)})
    if (text.getAsDouble(*time) || !std::isfinite(*time) || *time <= 0)
      return "expects a time in microseconds, got '" + text.str() + "'";
  return "";
}

std::string lineOf(const TuningKey &key, const TuningEntry &entry) {
  return llvm::formatv("{0} | {1} | {2} | {3} | {4:f2} | {5:f2}", key.cpu, key.threads, key.operation, entry.choice,
                       entry.timeUs, entry.modelTimeUs);
}

/// What a file would keep of the entry.
TuningEntry rounded(TuningEntry entry) {
  for (double *time : {&entry.timeUs, &entry.modelTimeUs})
    *time = std::max(std::round(*time * 100), 1.0) / 100;
  return entry;
}
} // namespace

llvm::Expected<TuningDatabase> TuningDatabase::parse(llvm::StringRef text, llvm::StringRef fileName) {
  TuningDatabase database;
  auto fail = [&](size_t line, const std::string &problem) {
    return llvm::createStringError(std::errc::invalid_argument, "%s:%zu: %s", fileName.str().c_str(), line,
                                   problem.c_str());
  };
  size_t number = 0;
  for (llvm::StringRef line : llvm::split(text.rtrim('\n'), '\n')) {
    if (++number == 1) {
      if (line != kHeader)
        return fail(1, ("expects '" + kHeader + "', got '" + line.take_front(80) + "'").str());
      continue;
    }
    TuningKey key;
    TuningEntry entry;
    if (std::string problem = parseLine(line, key, entry); !problem.empty())
      return fail(number, problem);
    database.add(key, rounded(entry));
  }
  return database;
}

std::string TuningDatabase::toText() const {
  std::string text = kHeader.str() + "\n";
  for (const auto &[key, entry] : entries)
    text += lineOf(key, entry) + "\n";
  return text;
}

llvm::Expected<TuningDatabase> readTuningDatabase(llvm::StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return llvm::createStringError(file.getError(), "can't read '%s': %s", path.str().c_str(),
                                   file.getError().message().c_str());
  return TuningDatabase::parse((*file)->getBuffer(), path);
}

const TuningEntry *TuningDatabase::find(const TuningKey &key) const {
  auto it = entries.find(key);
  return it == entries.end() ? nullptr : &it->second;
}

TuningKey TuningDatabase::keyFor(TuningKey key, const TuningEntry &entry) {
  key.isLibrary = isLibraryKind(entry.choice);
  return key;
}

void TuningDatabase::set(const TuningKey &key, const TuningEntry &entry) {
  entries[keyFor(key, entry)] = rounded(entry);
}

void TuningDatabase::add(const TuningKey &key, const TuningEntry &entry) {
  auto [it, isNew] = entries.try_emplace(keyFor(key, entry), entry);
  auto rank = [](const TuningEntry &e) { return std::tie(e.timeUs, e.modelTimeUs, e.choice); };
  if (!isNew && rank(entry) < rank(it->second))
    it->second = entry;
}

void TuningDatabase::merge(const TuningDatabase &other) {
  for (const auto &[key, entry] : other.entries)
    add(key, entry);
}

} // namespace lathe
