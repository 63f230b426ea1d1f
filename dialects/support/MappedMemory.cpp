#include "dialects/support/MappedMemory.h"
#include "mlir/IR/BuiltinDialect.h"
#include "mlir/IR/DialectInterface.h"
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

using namespace mlir;

namespace lathe {

namespace {
/// Lives in the context, as an interface of a dialect that every context has.
class MappedMemory : public DialectInterface::Base<MappedMemory> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(MappedMemory)
  explicit MappedMemory(Dialect *dialect) : Base(dialect) {}

  struct Entry {
    std::shared_ptr<const void> owner;
    ArrayRef<char> range;
  };
  std::vector<Entry> entries;
};

bool isInside(ArrayRef<char> bytes, ArrayRef<char> range) {
  return bytes.data() >= range.data() && bytes.data() + bytes.size() <= range.data() + range.size();
}
} // namespace

void keepMapped(MLIRContext *context, std::shared_ptr<const void> owner, ArrayRef<char> range) {
  Dialect *builtin = context->getOrLoadDialect<BuiltinDialect>();
  auto *memory = builtin->getRegisteredInterface<MappedMemory>();
  if (!memory)
    memory = &builtin->addInterface<MappedMemory>();
  for (const MappedMemory::Entry &entry : memory->entries)
    if (entry.owner == owner)
      return;
  const_cast<MappedMemory *>(memory)->entries.push_back({std::move(owner), range});
}

void forgetPages(MLIRContext *context, ArrayRef<char> bytes) {
  auto *memory = context->getOrLoadDialect<BuiltinDialect>()->getRegisteredInterface<MappedMemory>();
  if (!memory || llvm::none_of(memory->entries, [&](auto &entry) { return isInside(bytes, entry.range); }))
    return;
  // Whole pages only: the neighbours' bytes on the first and last one may be in use.
  uintptr_t page = sysconf(_SC_PAGESIZE), begin = reinterpret_cast<uintptr_t>(bytes.data()), end = begin + bytes.size();
  begin = (begin + page - 1) / page * page;
  end = end / page * page;
  if (begin < end)
    madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}

} // namespace lathe
