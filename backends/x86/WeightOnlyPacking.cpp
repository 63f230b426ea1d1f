#include "backends/x86/WeightOnlyPacking.h"
#include "mlir/IR/Builders.h"
#include <algorithm>
#include <cstring>
#include <vector>

using namespace mlir;

namespace lathe::x86 {

void WeightWords::pack(const uint8_t *source, char *out) const {
  const uint32_t mask = (1u << bits) - 1, shift = isSigned ? uint32_t(half()) : 0;
  std::vector<uint32_t> words(nr);
  for (int64_t panel = 0; panel < panels(); ++panel) {
    const uint8_t *first = source + panel * nr * columnStride;
    const int64_t width = std::min(nr, columns - panel * nr);
    for (int64_t step = 0; step < groups() * steps(); ++step, out += nr * 4) {
      std::fill(words.begin(), words.end(), 0);
      for (int64_t inWord = 0; inWord < slots(); ++inWord) {
        const int64_t inGroup = step % steps() * slots() + inWord, k = step / steps() * group + inGroup;
        if (inGroup >= group || k >= depth)
          continue;
        const int64_t slot = slotOf(inWord);
        const uint32_t flip = !inBytes && slot + 1 == slots() ? uint32_t(half()) : 0;
        for (int64_t j = 0; j < width; ++j)
          words[j] |= (((first[k * depthStride + j * columnStride] + shift) & mask) ^ flip) << (slot * bits);
      }
      std::memcpy(out, words.data(), nr * 4);
    }
  }
}

void WeightEntries::pack(const char *source, char *out) const {
  for (int64_t panel = 0; panel < panels(); ++panel)
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < nr; ++j) {
        const int64_t column = panel * nr + j, at = row * rowStride + column * columnStride;
        const int64_t entry = (panel * rows + row) * nr + j;
        if (column >= columns)
          continue;
        if (isScale)
          std::memcpy(out + entry * 4, source + at * 4, 4);
        else
          out[entry] = char(source[at] + shift);
      }
}

static DictionaryAttr attributeOf(MLIRContext *context, StringRef kind, StringRef part, ArrayRef<int64_t> numbers) {
  Builder b(context);
  return b.getDictionaryAttr(
      {b.getNamedAttr("kind", b.getStringAttr(kind)), b.getNamedAttr(part, b.getDenseI64ArrayAttr(numbers))});
}

DictionaryAttr toAttribute(const WeightWords &w, MLIRContext *context, StringRef kind) {
  return attributeOf(context, kind, "words",
                     {w.bits, w.isSigned, w.depth, w.columns, w.group, w.nr, w.depthStride, w.columnStride, w.inBytes});
}

DictionaryAttr toAttribute(const WeightEntries &e, MLIRContext *context, StringRef kind) {
  return attributeOf(context, kind, "entries",
                     {e.isScale, e.rows, e.columns, e.nr, e.rowStride, e.columnStride, e.shift});
}

static std::optional<WeightWords> wordsOf(DictionaryAttr packing) {
  auto numbers = packing.getAs<DenseI64ArrayAttr>("words");
  if (!numbers)
    return std::nullopt;
  auto v = numbers.asArrayRef();
  return WeightWords{v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}

static WeightEntries entriesOf(DictionaryAttr packing) {
  auto v = packing.getAs<DenseI64ArrayAttr>("entries").asArrayRef();
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6]};
}

int64_t packedWeightBytes(DictionaryAttr packing) {
  auto words = wordsOf(packing);
  return words ? words->sizeBytes() : entriesOf(packing).sizeBytes();
}

void packWeight(const char *source, DictionaryAttr packing, char *out) {
  if (auto words = wordsOf(packing))
    return words->pack(reinterpret_cast<const uint8_t *>(source), out);
  entriesOf(packing).pack(source, out);
}

} // namespace lathe::x86
