// Non-maximum suppression.
#include "dialects/reference/Kernels.h"
#include <cmath>
#include <cstring>
#include <optional>

using namespace mlir;

namespace lathe::reference {

namespace {

struct Box {
  float top, left, bottom, right;

  float area() const { return (bottom - top) * (right - left); }
};

Box boxAt(const float *at, bool isCenter) {
  if (isCenter)
    return {at[1] - at[3] / 2, at[0] - at[2] / 2, at[1] + at[3] / 2, at[0] + at[2] / 2};
  return {std::min(at[0], at[2]), std::min(at[1], at[3]), std::max(at[0], at[2]), std::max(at[1], at[3])};
}

float intersectionOverUnion(const Box &a, const Box &b) {
  float height = std::min(a.bottom, b.bottom) - std::max(a.top, b.top),
        width = std::min(a.right, b.right) - std::max(a.left, b.left);
  if (!(height > 0 && width > 0))
    return 0;
  float common = height * width;
  return common / (a.area() + b.area() - common);
}

/// The boxes of one batch entry and class.
struct Candidates {
  const float *boxes, *scores;
  int64_t count;
  bool isCenter;
  float iouThreshold;
  std::optional<float> scoreThreshold;

  SmallVector<int64_t> keep(int64_t maxBoxes) const;
};

SmallVector<int64_t> Candidates::keep(int64_t maxBoxes) const {
  SmallVector<int64_t> order, kept;
  for (int64_t i = 0; i < count; ++i)
    if (!std::isnan(scores[i]) && (!scoreThreshold || scores[i] > *scoreThreshold))
      order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  for (int64_t i : order) {
    if (int64_t(kept.size()) >= maxBoxes)
      break;
    Box box = boxAt(boxes + 4 * i, isCenter);
    if (llvm::none_of(kept, [&](int64_t other) {
          return intersectionOverUnion(boxAt(boxes + 4 * other, isCenter), box) > iouThreshold;
        }))
      kept.push_back(i);
  }
  return kept;
}

} // namespace

Result evaluate(nn::NonMaxSuppressionOp op, const Args &args) {
  int64_t entries = args[1].dim(0), classes = args[1].dim(1), count = args[1].dim(2), row = 0;
  const Tensor *threshold = op.getScoreThreshold() ? &args[4] : nullptr;
  Tensors results{args.allocate(0), args.allocate(1)};
  auto *selected = results[0].mutableData<int64_t>();
  std::memset(selected, 0, size_t(results[0].sizeBytes()));
  for (int64_t entry = 0; entry < entries; ++entry)
    for (int64_t label = 0; label < classes; ++label) {
      Candidates candidates{args[0].data<float>() + entry * count * 4,
                            args[1].data<float>() + (entry * classes + label) * count,
                            count,
                            op.getCenter(),
                            args[3].data<float>()[0],
                            threshold ? std::optional(threshold->data<float>()[0]) : std::nullopt};
      for (int64_t box : candidates.keep(args[2].data<int64_t>()[0])) {
        if (row == results[0].dim(0))
          return error("expects at most ", row, " boxes, got more");
        std::copy_n(std::initializer_list<int64_t>{entry, label, box}.begin(), 3, selected + 3 * row++);
      }
    }
  results[1].mutableData<int64_t>()[0] = row;
  return results;
}

} // namespace lathe::reference
