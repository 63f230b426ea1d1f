// nn.recurrent: RNN, GRU and LSTM as ONNX defines them, one direction and one sequence at a time, in double.
#include "dialects/reference/Kernels.h"
#include <cstring>

using namespace mlir;
using lathe::nn::CellKind;

namespace lathe::reference {

namespace {

using Vector = std::vector<double>;

struct Activation {
  std::optional<nn::UnaryKind> kind; // none: affine, alpha * x + beta
  double alpha, beta;
  double operator()(double x) const { return kind ? unaryScalar(*kind, x, alpha, beta) : alpha * x + beta; }
};

/// Operands of one direction, widened.
struct Cell {
  mutable nn::RecurrentOp op; // a handle whose accessors aren't const
  int64_t hidden, inputs, gates;
  Vector weights, recurrence, inputBias, stateBias, peepholes;
  SmallVector<Activation, 3> activations;

  double clip(double x) const {
    double limit = op.getClip().convertToDouble();
    return limit > 0 ? std::clamp(x, -limit, limit) : x;
  }
  double activate(size_t which, double x) const { return activations[which](clip(x)); }
};

/// `count` elements of direction `direction`, zeros without a tensor.
template <typename T> Vector widenPart(const Tensor *tensor, int64_t direction, int64_t count, int64_t offset = 0) {
  Vector values(size_t(count), 0.0);
  for (int64_t i = 0; tensor && i < count; ++i)
    values[size_t(i)] = double(tensor->data<T>()[direction * (tensor->size() / tensor->dim(0)) + offset + i]);
  return values;
}

/// The recurrence's matrix; of integers, times the scale of their row.
template <typename T> Vector recurrenceOf(const Tensor &matrix, const Tensor *scale, int64_t direction) {
  const int64_t rows = matrix.dim(1), hidden = matrix.dim(2);
  if (!scale)
    return widenPart<T>(&matrix, direction, rows * hidden);
  Vector values = widenPart<int8_t>(&matrix, direction, rows * hidden);
  Vector scales = widenPart<float>(scale, direction, rows);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] *= scales[i / size_t(hidden)];
  return values;
}

/// Without weights the input is the product with them: each direction takes its part of it as it is.
template <typename T> Cell makeCell(nn::RecurrentOp op, const Args &args, int64_t direction) {
  const Tensor *weights = args.optional(op, 1), *recurrence = args.optional(op, 2), *bias = args.optional(op, 3);
  int64_t hidden = recurrence->dim(2), rows = recurrence->dim(1), inputs = weights ? args[0].dim(2) : rows;
  Cell cell{op,
            hidden,
            inputs,
            rows / std::max<int64_t>(hidden, 1),
            weights ? widenPart<T>(weights, direction, rows * inputs) : Vector(),
            recurrenceOf<T>(*recurrence, args.optional(op, 8), direction),
            widenPart<T>(bias, direction, rows),
            widenPart<T>(bias, direction, rows, rows),
            widenPart<T>(args.optional(op, 7), direction, 3 * hidden),
            {}};
  size_t count = op.getActivations().size() / size_t(op.getDirectionCount()), first = size_t(direction) * count;
  for (size_t i = first; i < first + count; ++i)
    cell.activations.push_back({nn::symbolizeUnaryKind(cast<StringAttr>(op.getActivations()[i]).getValue()),
                                op.getAlphas()[i], op.getBetas()[i]});
  return cell;
}

/// out[r] = bias[r] + sum over i of matrix[r, i] * x[i].
Vector affine(const Vector &matrix, const Vector &bias, const Vector &x) {
  Vector out = bias;
  for (size_t r = 0; r < out.size(); ++r)
    for (size_t i = 0; i < x.size(); ++i)
      out[r] += matrix[r * x.size() + i] * x[i];
  return out;
}

/// W x + b, or x + b for an input that is the product already.
Vector fromInputOf(const Cell &cell, const Vector &x) {
  if (!cell.weights.empty() || x.empty())
    return affine(cell.weights, cell.inputBias, x);
  Vector out = cell.inputBias;
  for (size_t r = 0; r < out.size(); ++r)
    out[r] += x[r];
  return out;
}

/// h = f(Wx + Rh + b)
void stepRnn(const Cell &cell, const Vector &x, Vector &h) {
  Vector fromInput = fromInputOf(cell, x), fromState = affine(cell.recurrence, cell.stateBias, h);
  for (size_t i = 0; i < h.size(); ++i)
    h[i] = cell.activate(0, fromInput[i] + fromState[i]);
}

/// Gates z, r, h: h = (1 - z) * g(...) + z * h; the reset gate acts before or after the recurrence's product.
void stepGru(const Cell &cell, const Vector &x, Vector &h) {
  size_t n = h.size();
  Vector fromInput = fromInputOf(cell, x), fromState = affine(cell.recurrence, cell.stateBias, h);
  Vector update(n), reset(n), gated(n);
  for (size_t i = 0; i < n; ++i) {
    update[i] = cell.activate(0, fromInput[i] + fromState[i]);
    reset[i] = cell.activate(0, fromInput[n + i] + fromState[n + i]);
    gated[i] = reset[i] * h[i];
  }
  if (!cell.op.getLinearBeforeReset())
    fromState = affine(cell.recurrence, cell.stateBias, gated);
  for (size_t i = 0; i < n; ++i) {
    double state = cell.op.getLinearBeforeReset() ? reset[i] * fromState[2 * n + i] : fromState[2 * n + i];
    h[i] = (1 - update[i]) * cell.activate(1, fromInput[2 * n + i] + state) + update[i] * h[i];
  }
}

/// Gates i, o, f, c with peepholes i, o, f: c = f * c + i * g(...), h = o * h(c).
void stepLstm(const Cell &cell, const Vector &x, Vector &h, Vector &c) {
  size_t n = h.size();
  Vector fromInput = fromInputOf(cell, x), fromState = affine(cell.recurrence, cell.stateBias, h);
  for (size_t k = 0; k < n; ++k) {
    auto gate = [&](size_t g) { return fromInput[g * n + k] + fromState[g * n + k]; };
    double in = cell.activate(0, gate(0) + cell.peepholes[k] * c[k]);
    double forget = cell.op.getInputForget() ? 1 - in : cell.activate(0, gate(2) + cell.peepholes[2 * n + k] * c[k]);
    c[k] = forget * c[k] + in * cell.activate(1, gate(3));
    double out = cell.activate(0, gate(1) + cell.peepholes[n + k] * c[k]);
    h[k] = out * cell.activations[2](c[k]);
  }
}

void step(const Cell &cell, const Vector &x, Vector &h, Vector &c) {
  switch (cell.op.getCell()) {
  case CellKind::rnn:
    return stepRnn(cell, x, h);
  case CellKind::gru:
    return stepGru(cell, x, h);
  case CellKind::lstm:
    return stepLstm(cell, x, h, c);
  }
}

template <typename T> void storeRow(Tensor &tensor, int64_t row, const Vector &values) {
  for (size_t i = 0; i < values.size(); ++i)
    tensor.mutableData<T>()[row * int64_t(values.size()) + int64_t(i)] = T(values[i]);
}

/// One sequence of one direction.
template <typename T>
void runSequence(const Cell &cell, const Args &args, int64_t direction, int64_t b, Tensors &results) {
  auto op = cell.op;
  int64_t batch = args[0].dim(1), directions = op.getDirectionCount(), hidden = cell.hidden, length = args[0].dim(0);
  // Without weights: all of a step's input, of which this direction takes its part.
  int64_t width = args[0].dim(2), first = op.getWeights() ? 0 : direction * cell.inputs;
  if (const Tensor *lens = args.optional(op, 4))
    length = std::min<int64_t>(length, lens->data<int32_t>()[b]);
  Vector h = widenPart<T>(args.optional(op, 5), direction, hidden, b * hidden),
         c = widenPart<T>(args.optional(op, 6), direction, hidden, b * hidden);
  bool isBackward = op.getDirection() == nn::Direction::backward || direction == 1;
  for (int64_t s = 0; s < length; ++s) {
    int64_t t = isBackward ? length - 1 - s : s;
    Vector x(size_t(cell.inputs));
    for (int64_t i = 0; i < cell.inputs; ++i)
      x[size_t(i)] = double(args[0].data<T>()[(t * batch + b) * width + first + i]);
    step(cell, x, h, c);
    storeRow<T>(results[0], (t * directions + direction) * batch + b, h);
  }
  storeRow<T>(results[1], direction * batch + b, h);
  if (results.size() > 2)
    storeRow<T>(results[2], direction * batch + b, c);
}

} // namespace

Result evaluate(nn::RecurrentOp op, const Args &args) {
  Tensors results;
  for (size_t i = 0; i < args.types.size(); ++i) {
    results.push_back(args.allocate(i));
    std::memset(results[i].mutableData<char>(), 0, size_t(results[i].sizeBytes())); // steps behind a sequence's end
  }
  dispatchFloat(args[0].elementType(), [&](auto tag) {
    using T = decltype(tag);
    for (int64_t direction = 0; direction < op.getDirectionCount(); ++direction) {
      Cell cell = makeCell<T>(op, args, direction);
      for (int64_t b = 0; b < args[0].dim(1); ++b)
        runSequence<T>(cell, args, direction, b, results);
    }
  });
  return results;
}

} // namespace lathe::reference
