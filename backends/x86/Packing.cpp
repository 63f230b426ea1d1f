#include "backends/x86/Packing.h"
#include "mlir/IR/Builders.h"
#include <algorithm>

using namespace mlir;

namespace lathe::x86 {

void PanelPacking::pack(const float *source, float *out) const {
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t panel = 0; panel < panels(); ++panel) {
      const float *first = source + group * groupStride + panel * nr * columnStride;
      const int64_t width = std::min(nr, columns - panel * nr);
      for (int64_t tap = 0; tap < taps; ++tap)
        for (int64_t k = 0; k < depth; ++k, out += nr) {
          const float *row = first + tap * tapStride + k * depthStride;
          for (int64_t j = 0; j < width; ++j)
            out[j] = row[j * columnStride];
        }
    }
}

DictionaryAttr PanelPacking::toAttribute(MLIRContext *context, StringRef kind) const {
  Builder b(context);
  auto panels =
      b.getDenseI64ArrayAttr({groups, columns, taps, depth, nr, groupStride, columnStride, tapStride, depthStride});
  return b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kind)), b.getNamedAttr("panels", panels)});
}

PanelPacking PanelPacking::of(DictionaryAttr packing) {
  auto v = packing.getAs<DenseI64ArrayAttr>("panels").asArrayRef();
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}

} // namespace lathe::x86
