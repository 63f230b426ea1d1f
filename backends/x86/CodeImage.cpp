#include "backends/x86/CodeImage.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace llvm;
using object::ELF64LEObjectFile;

namespace lathe::x86 {

namespace {
constexpr uint64_t kKernelAlignment = 64;

/// One object being added to the image.
class Linker {
public:
  Linker(CodeImage &image, const KernelObject &source, const ELF64LEObjectFile &object)
      : image(image), source(source), object(object) {}

  Error run() {
    layOut();
    for (const object::SectionRef &section : object.sections())
      if (Error error = relocate(section))
        return error;
    return addEntries();
  }

private:
  static bool isLoaded(object::ELFSectionRef section) {
    return (section.getFlags() & ELF::SHF_ALLOC) && section.getType() == ELF::SHT_PROGBITS && section.getSize() > 0;
  }

  void layOut() {
    image.bytes.resize(alignTo(image.bytes.size(), kKernelAlignment));
    for (object::ELFSectionRef section : object.sections()) {
      if (!isLoaded(section))
        continue;
      uint64_t offset = alignTo(image.bytes.size(), section.getAlignment().value());
      StringRef contents = cantFail(section.getContents());
      image.bytes.resize(offset);
      image.bytes.insert(image.bytes.end(), contents.begin(), contents.end());
      offsets[section.getIndex()] = offset;
    }
  }

  Expected<uint64_t> offsetOf(const object::SymbolRef &symbol) {
    auto section = symbol.getSection();
    if (!section)
      return section.takeError();
    std::string name = cantFail(symbol.getName()).str();
    if (*section == object.section_end() || !offsets.contains((*section)->getIndex()))
      return createStringError("internal: kernel %s needs the symbol '%s'", source.symbols.front().c_str(),
                               name.c_str());
    return offsets[(*section)->getIndex()] + cantFail(symbol.getValue());
  }

  Error relocate(const object::SectionRef &section) {
    auto target = section.getRelocatedSection();
    if (!target)
      return target.takeError();
    if (*target == object.section_end() || !offsets.contains((*target)->getIndex()))
      return Error::success();
    uint64_t base = offsets[(*target)->getIndex()];
    for (object::ELFRelocationRef relocation : section.relocations())
      if (Error error = apply(relocation, base))
        return error;
    return Error::success();
  }

  Error apply(const object::ELFRelocationRef &relocation, uint64_t base) {
    SmallString<32> typeName;
    relocation.getTypeName(typeName);
    bool isRelative = relocation.getType() == ELF::R_X86_64_PC32 || relocation.getType() == ELF::R_X86_64_PLT32;
    auto offset = offsetOf(*relocation.getSymbol());
    if (!offset)
      return offset.takeError();
    if (!isRelative)
      return createStringError("internal: kernel %s has a relocation %s, which is not position-independent",
                               source.symbols.front().c_str(), typeName.c_str());
    uint64_t place = base + relocation.getOffset();
    int64_t value = int64_t(*offset) + cantFail(relocation.getAddend()) - int64_t(place);
    support::endian::write32le(image.bytes.data() + place, uint32_t(value));
    return Error::success();
  }

  Error addEntries() {
    for (const std::string &name : source.symbols)
      if (Error error = addEntry(name))
        return error;
    return Error::success();
  }

  Error addEntry(const std::string &name) {
    for (const object::SymbolRef &symbol : object.symbols()) {
      if (cantFail(symbol.getType()) != object::SymbolRef::ST_Function || cantFail(symbol.getName()) != name)
        continue;
      auto offset = offsetOf(symbol);
      if (!offset)
        return offset.takeError();
      image.entries.emplace_back(name, *offset);
      return Error::success();
    }
    return createStringError("internal: kernel %s has no entry", name.c_str());
  }

  CodeImage &image;
  const KernelObject &source;
  const ELF64LEObjectFile &object;
  std::map<uint64_t, uint64_t> offsets; // of sections
};
} // namespace

Expected<CodeImage> linkImage(ArrayRef<KernelObject> objects) {
  CodeImage image;
  for (const KernelObject &source : objects) {
    MemoryBufferRef buffer(StringRef(source.elf.data(), source.elf.size()), source.symbols.front());
    auto object = ELF64LEObjectFile::create(buffer);
    if (!object)
      return object.takeError();
    if (Error error = Linker(image, source, *object).run())
      return error;
  }
  return image;
}

} // namespace lathe::x86
