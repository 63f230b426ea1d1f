#include "backends/x86/IntegerPacking.h"
#include "backends/x86/ChainSplit.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"
#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

using namespace mlir;

namespace lathe::x86 {

void IntegerPacking::packPanel(const int8_t *source, int64_t group, int64_t panel, char *out, int32_t *sums) const {
  const int8_t *first = source + group * groupStride + panel * nr * columnStride;
  const int64_t width = std::min(nr, columns - panel * nr);
  for (int64_t tap = 0; tap < taps; ++tap)
    for (int64_t step = 0; step < steps(); ++step)
      for (int64_t j = 0; j < nr; ++j)
        for (int64_t i = 0; i < stepElements; ++i) {
          const int64_t offset = depthOffset(step * stepElements + i);
          const bool isInside = offset >= 0 && j < width;
          *out = isInside ? char(first[j * columnStride + tap * tapStride + offset]) : char(0);
          sums[j] += int8_t(*out++);
        }
}

void IntegerPacking::pack(const int8_t *source, char *out) const {
  if (chain)
    return packChained(source, out);
  for (int64_t number = 0; number < groups * panels(); ++number, out += panelBytes()) {
    std::vector<int32_t> sums(nr);
    packPanel(source, number / panels(), number % panels(), out, sums.data());
    if (hasSums)
      std::memcpy(out + weightBytes(), sums.data(), sums.size() * sizeof(int32_t));
  }
}

//===- chains -===//

namespace {
/// An extra step of a panel: the number of the step whose activations it multiplies, and its weights.
struct ExtraStep {
  uint16_t number;
  std::vector<int8_t> weights;
};

/// Takes what doesn't fit out of a panel's `steps` of nr columns; nullopt if that is not possible.
std::optional<std::vector<ExtraStep>> takeExtras(char *weights, int64_t steps, int64_t nr, int64_t chain) {
  std::vector<ExtraStep> extras;
  if (steps > std::numeric_limits<uint16_t>::max())
    return std::nullopt;
  for (int64_t first = 0; first < steps; first += chain) {
    auto split = splitChain(reinterpret_cast<int8_t *>(weights) + first * nr * kChainElements, nr, chain);
    if (!split)
      return std::nullopt;
    for (SplitStep &step : *split)
      extras.push_back({uint16_t(first + step.number), std::move(step.weights)});
  }
  return extras;
}
} // namespace

int64_t IntegerPacking::tableBytes() const {
  return chain ? int64_t(llvm::alignTo((groups * panels() + 1) * int64_t(sizeof(uint32_t)), kPanelUnit)) : 0;
}

std::optional<int64_t> IntegerPacking::countExtraSteps(const int8_t *source) const {
  int64_t all = 0;
  std::vector<char> weights(weightBytes());
  std::vector<int32_t> sums(nr);
  for (int64_t number = 0; number < groups * panels(); ++number) {
    packPanel(source, number / panels(), number % panels(), weights.data(), sums.data());
    auto extras = takeExtras(weights.data(), taps * steps(), nr, chain);
    if (!extras)
      return std::nullopt;
    all += int64_t(extras->size());
  }
  return all;
}

void IntegerPacking::packChained(const int8_t *source, char *out) const {
  auto *before = reinterpret_cast<uint32_t *>(out);
  auto *numbers = reinterpret_cast<uint16_t *>(out + fixedBytes() + extraSteps * stepBytes());
  before[0] = 0;
  char *at = out + tableBytes();
  for (int64_t number = 0; number < groups * panels(); ++number) {
    std::vector<int32_t> sums(nr);
    packPanel(source, number / panels(), number % panels(), at, sums.data());
    auto extras = *takeExtras(at, taps * steps(), nr, chain);
    before[number + 1] = before[number] + uint32_t(extras.size());
    std::memcpy(at + weightBytes(), sums.data(), sums.size() * sizeof(int32_t));
    at += panelBytes();
    for (const ExtraStep &extra : extras) {
      at = std::copy(extra.weights.begin(), extra.weights.end(), at);
      *numbers++ = extra.number;
    }
  }
}

DictionaryAttr IntegerPacking::toAttribute(MLIRContext *context, StringRef kind) const {
  Builder b(context);
  auto panels =
      b.getDenseI64ArrayAttr({groups, columns, taps, runs, elements, nr, stepElements, hasSums, groupStride,
                              columnStride, tapStride, runStride, elementStride, chain, extraSteps, stepMultiple});
  return b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kind)), b.getNamedAttr("panels", panels)});
}

IntegerPacking IntegerPacking::of(DictionaryAttr packing) {
  auto v = packing.getAs<DenseI64ArrayAttr>("panels").asArrayRef();
  IntegerPacking result;
  result.groups = v[0], result.columns = v[1], result.taps = v[2], result.runs = v[3], result.elements = v[4];
  result.nr = v[5], result.stepElements = v[6], result.hasSums = v[7];
  result.groupStride = v[8], result.columnStride = v[9], result.tapStride = v[10], result.runStride = v[11];
  result.elementStride = v[12], result.chain = v[13], result.extraSteps = v[14], result.stepMultiple = v[15];
  return result;
}

} // namespace lathe::x86
