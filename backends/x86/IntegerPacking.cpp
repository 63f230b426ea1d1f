#include "backends/x86/IntegerPacking.h"
#include "mlir/IR/Builders.h"
#include <algorithm>
#include <cstring>
#include <vector>

using namespace mlir;

namespace lathe::x86 {

void IntegerPacking::pack(const int8_t *source, char *out) const {
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t panel = 0; panel < panels(); ++panel) {
      const int8_t *first = source + group * groupStride + panel * nr * columnStride;
      const int64_t width = std::min(nr, columns - panel * nr);
      std::vector<int32_t> sums(nr);
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t step = 0; step < steps(); ++step)
          for (int64_t j = 0; j < nr; ++j)
            for (int64_t i = 0; i < stepElements; ++i) {
              const int64_t offset = depthOffset(step * stepElements + i);
              const bool isInside = offset >= 0 && j < width;
              *out = isInside ? char(first[j * columnStride + tap * tapStride + offset]) : char(0);
              sums[j] += int8_t(*out++);
            }
      if (hasSums) {
        std::memcpy(out, sums.data(), sums.size() * sizeof(int32_t));
        out += sums.size() * sizeof(int32_t);
      }
    }
}

DictionaryAttr IntegerPacking::toAttribute(MLIRContext *context, StringRef kind) const {
  Builder b(context);
  auto panels = b.getDenseI64ArrayAttr({groups, columns, taps, runs, elements, nr, stepElements, hasSums, groupStride,
                                        columnStride, tapStride, runStride, elementStride});
  return b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kind)), b.getNamedAttr("panels", panels)});
}

IntegerPacking IntegerPacking::of(DictionaryAttr packing) {
  auto v = packing.getAs<DenseI64ArrayAttr>("panels").asArrayRef();
  IntegerPacking result;
  result.groups = v[0], result.columns = v[1], result.taps = v[2], result.runs = v[3], result.elements = v[4];
  result.nr = v[5], result.stepElements = v[6], result.hasSums = v[7];
  result.groupStride = v[8], result.columnStride = v[9], result.tapStride = v[10], result.runStride = v[11];
  result.elementStride = v[12];
  return result;
}

} // namespace lathe::x86
