#include "compiler/diff/ModelOrder.h"
#include "dialects/reference/Scalar.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>

using namespace llvm;

namespace lathe::diff {

static size_t countOf(ArrayRef<int64_t> shape) { return size_t(mlir::computeProduct(shape)); }

bool fits(const ObservedValue &value, ArrayRef<int64_t> shape) {
  size_t bytes = value.type == "f32" ? 4 : 1;
  bool hasFactors = !value.factors.empty();
  return countOf(shape) * bytes <= value.sizeBytes && (value.order.empty() || value.order.size() == shape.size()) &&
         (!hasFactors || (value.axis < shape.size() && size_t(shape[value.axis]) == value.factors.size()));
}

namespace {
/// Calls body(position in memory, position in the model, count, step in the model) for each row of the memory.
template <class Body> void forEachRow(ArrayRef<uint8_t> order, ArrayRef<int64_t> shape, Body body) {
  size_t count = countOf(shape);
  if (count == 0)
    return;
  if (order.empty())
    return body(0, 0, count, 1);
  size_t rank = shape.size();
  SmallVector<int64_t> strides(rank, 1), sizes, steps, index(rank, 0);
  for (size_t i = rank - 1; i > 0; --i)
    strides[i - 1] = strides[i] * shape[i];
  for (uint8_t axis : order) {
    sizes.push_back(shape[axis]);
    steps.push_back(strides[axis]);
  }
  size_t row = size_t(sizes.back());
  for (size_t position = 0, model = 0; position < count; position += row) {
    body(position, model, row, size_t(steps.back()));
    for (size_t axis = rank - 1; axis-- > 0;) {
      model += size_t(steps[axis]);
      if (++index[axis] < sizes[axis])
        break;
      model -= size_t(steps[axis] * sizes[axis]);
      index[axis] = 0;
    }
  }
}

template <class T> void read(const ObservedValue &value, ArrayRef<int64_t> shape, std::vector<float> &numbers) {
  const T *data = static_cast<const T *>(value.data);
  forEachRow(value.order, shape, [&](size_t from, size_t to, size_t count, size_t step) {
    for (size_t i = 0; i < count; ++i)
      numbers[to + i * step] = float((double(data[from + i]) - double(value.zero)) * value.scale);
  });
}

template <class T> T quantized(float number, const ObservedValue &value) {
  double steps = std::nearbyint(double(number) / value.scale) + double(value.zero);
  steps = std::clamp(steps, double(std::numeric_limits<T>::min()), double(std::numeric_limits<T>::max()));
  return std::isnan(steps) ? T(0) : T(steps);
}
template <> float quantized(float number, const ObservedValue &value) {
  return value.scale == 1 && value.zero == 0 ? number : float(number / value.scale + double(value.zero));
}

template <class T> void write(const ObservedValue &value, ArrayRef<int64_t> shape, ArrayRef<float> numbers) {
  T *data = static_cast<T *>(value.data);
  forEachRow(value.order, shape, [&](size_t to, size_t from, size_t count, size_t step) {
    for (size_t i = 0; i < count; ++i)
      data[to + i] = quantized<T>(numbers[from + i * step], value);
  });
}

template <class T> std::vector<float> converted(const OutputView &output) {
  const T *data = static_cast<const T *>(output.data);
  return {data, data + countOf(output.shape)};
}

std::vector<float> convertedHalves(const OutputView &output, const fltSemantics &semantics) {
  std::vector<float> numbers;
  for (uint16_t bits : ArrayRef(static_cast<const uint16_t *>(output.data), countOf(output.shape)))
    numbers.push_back(float(APFloat(semantics, APInt(16, bits)).convertToDouble()));
  return numbers;
}
} // namespace

static void forEachFactor(const ObservedValue &value, ArrayRef<int64_t> shape,
                          function_ref<void(size_t, double)> visit) {
  const size_t inner = value.factors.empty() ? 1 : countOf(shape.drop_front(value.axis + 1));
  for (size_t i = 0; !value.factors.empty() && i < countOf(shape); ++i)
    visit(i, value.factors[i / inner % value.factors.size()]);
}

std::vector<float> withoutFactors(const ObservedValue &value, ArrayRef<int64_t> shape, std::vector<float> numbers) {
  forEachFactor(value, shape, [&](size_t i, double factor) { numbers[i] = float(numbers[i] / factor); });
  return numbers;
}

void readValue(const ObservedValue &value, ArrayRef<int64_t> shape, std::vector<float> &numbers) {
  numbers.resize(countOf(shape));
  if (value.type == "f32")
    read<float>(value, shape, numbers);
  else
    value.type == "i8" ? read<int8_t>(value, shape, numbers) : read<uint8_t>(value, shape, numbers);
  forEachFactor(value, shape, [&](size_t i, double factor) { numbers[i] = float(numbers[i] * factor); });
}

void writeValue(const ObservedValue &value, ArrayRef<int64_t> shape, const std::vector<float> &given) {
  std::vector<float> numbers = withoutFactors(value, shape, given);
  if (value.type == "f32")
    return write<float>(value, shape, numbers);
  value.type == "i8" ? write<int8_t>(value, shape, numbers) : write<uint8_t>(value, shape, numbers);
}

std::vector<float> toFloats(const OutputView &output) {
  using Convert = std::vector<float> (*)(const OutputView &);
  static constexpr std::pair<StringLiteral, Convert> types[] = {
      {"f32", converted<float>},    {"f64", converted<double>},   {"i8", converted<int8_t>},
      {"i16", converted<int16_t>},  {"i32", converted<int32_t>},  {"i64", converted<int64_t>},
      {"u8", converted<uint8_t>},   {"u16", converted<uint16_t>}, {"u32", converted<uint32_t>},
      {"u64", converted<uint64_t>}, {"bool", converted<uint8_t>}};
  if (output.type == "f16")
    return convertedHalves(output, APFloat::IEEEhalf());
  if (output.type == "bf16")
    return convertedHalves(output, APFloat::BFloat());
  const auto *found = find_if(types, [&](const auto &type) { return type.first == output.type; });
  return found == std::end(types) ? std::vector<float>() : found->second(output);
}

} // namespace lathe::diff
