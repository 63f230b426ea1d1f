#include "tests/kernels/OneDnn.h"

#include "dialects/nn/NN.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include <numeric>
#include <oneapi/dnnl/dnnl.hpp>

using namespace mlir;
using dnnl::memory;
using Dims = memory::dims;

namespace lathe::test {

namespace {
Dims shapeOf(Value value) {
  auto shape = cast<RankedTensorType>(value.getType()).getShape();
  return Dims(shape.begin(), shape.end());
}

Dims rowMajor(const Dims &dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size(); i > 1; --i)
    strides[i - 2] = strides[i - 1] * dims[i - 1];
  return strides;
}

memory::desc dense(const Dims &dims) { return {dims, memory::data_type::f32, rowMajor(dims)}; }

memory::desc favourite(const Dims &dims) { return {dims, memory::data_type::f32, memory::format_tag::any}; }

int64_t product(ArrayRef<int64_t> sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), int64_t{1}, std::multiplies<int64_t>());
}

bool isF32(Value value) { return cast<RankedTensorType>(value.getType()).getElementType().isF32(); }
} // namespace

struct OneDnn::Impl {
  Impl(const PreparedKernel &kernel, const std::vector<unsigned> &constants, bool free)
      : kernel(kernel), constants(constants), free(free) {}

  dnnl::engine engine{dnnl::engine::kind::cpu, 0};
  dnnl::stream stream{engine};
  const PreparedKernel &kernel;
  std::vector<unsigned> constants;
  bool free;
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps;
  memory result;
  bool isDense = true;

  bool isConstant(unsigned operand) const { return llvm::is_contained(constants, operand); }

  /// An operand in its own layout.
  memory given(unsigned operand, const memory::desc &desc) {
    return {desc, engine, const_cast<void *>(kernel.input(operand))};
  }

  /// An operand in the layout that a primitive wants; reordered once, now.
  memory wanted(unsigned operand, const memory::desc &own, const memory::desc &desc) {
    memory source = given(operand, own);
    if (desc == own)
      return source;
    memory target(desc, engine);
    dnnl::reorder(source, target).execute(stream, source, target);
    stream.wait();
    return target;
  }

  memory setResult(const memory::desc &desc, const memory::desc &own) {
    isDense = desc == own;
    return result = memory(desc, engine);
  }

  void add(const dnnl::primitive &primitive, std::unordered_map<int, memory> args) {
    steps.emplace_back(primitive, std::move(args));
  }

  void build(Operation *op) {
    llvm::TypeSwitch<Operation *>(op)
        .Case<nn::MatmulOp, nn::ConvOp, nn::SoftmaxOp, nn::LayerNormOp, nn::ReduceOp, nn::PoolOp, nn::AttentionOp,
              nn::TransposeOp>([&](auto known) {
          if (llvm::all_of(op->getOperands(), isF32))
            make(known);
        });
  }

  /// The factor of a product whose last two axes may be stored the other way round, with leading axes of one element.
  static memory::desc factor(Dims dims, bool isTransposed, size_t rank) {
    dims.insert(dims.begin(), rank - dims.size(), 1);
    Dims strides = rowMajor(dims);
    if (isTransposed) {
      std::swap(dims[rank - 1], dims[rank - 2]);
      std::swap(strides[rank - 1], strides[rank - 2]);
    }
    return {dims, memory::data_type::f32, strides};
  }

  void make(nn::MatmulOp op) {
    Dims left = shapeOf(op.getLhs()), right = shapeOf(op.getRhs()), out = shapeOf(op.getOutput());
    if (left.size() < 2 || right.size() < 2)
      return;
    if (right.size() == 2 && !op.getTransLhs()) { // rows of all batches together
      left = {product(ArrayRef(left).drop_back()), left.back()};
      out = {left[0], out.back()};
    }
    memory::desc lhs = factor(left, op.getTransLhs(), out.size()), rhs = factor(right, op.getTransRhs(), out.size());
    dnnl::matmul::primitive_desc desc(engine, lhs, isConstant(1) ? favourite(rhs.get_dims()) : rhs, dense(out));
    add(dnnl::matmul(desc), {{DNNL_ARG_SRC, given(0, lhs)},
                             {DNNL_ARG_WEIGHTS, wanted(1, rhs, desc.weights_desc())},
                             {DNNL_ARG_DST, setResult(desc.dst_desc(), dense(out))}});
  }

  /// Dimensions in oneDNN's order (channels second) over channels-last data.
  static memory::desc channelsLast(Dims dims) {
    Dims strides = rowMajor(dims);
    auto second = [](Dims &sizes) { std::rotate(sizes.begin() + 1, sizes.end() - 1, sizes.end()); };
    second(dims);
    second(strides);
    return {dims, memory::data_type::f32, strides};
  }

  memory::desc activation(Value value, bool isChannelsLast) const {
    return isChannelsLast ? channelsLast(shapeOf(value)) : dense(shapeOf(value));
  }

  void make(nn::ConvOp op) {
    Dims filter = shapeOf(op.getFilter());
    size_t spatial = filter.size() - 2;
    memory::desc source = activation(op.getInput(), op.getChannelsLast());
    memory::desc target = activation(op.getOutput(), op.getChannelsLast());
    if (int64_t group = op.getGroup(); group > 1) {
      filter[0] /= group;
      filter.insert(filter.begin(), group);
    }
    Dims strides(op.getStrides()), dilations(op.getDilations()), low, high;
    for (int64_t &dilation : dilations)
      --dilation;
    low.assign(op.getPads().begin(), op.getPads().begin() + spatial);
    high.assign(op.getPads().begin() + spatial, op.getPads().end());
    memory::desc bias = op.getBias() ? dense(shapeOf(op.getBias())) : memory::desc();
    dnnl::convolution_forward::primitive_desc desc(
        engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
        free ? favourite(source.get_dims()) : source, favourite(filter), bias,
        free ? favourite(target.get_dims()) : target, strides, dilations, low, high);
    std::unordered_map<int, memory> args{{DNNL_ARG_SRC, wanted(0, source, desc.src_desc())},
                                         {DNNL_ARG_WEIGHTS, wanted(1, dense(filter), desc.weights_desc())},
                                         {DNNL_ARG_DST, setResult(desc.dst_desc(), target)}};
    if (op.getBias())
      args[DNNL_ARG_BIAS] = given(2, bias);
    add(dnnl::convolution_forward(desc), std::move(args));
  }

  void make(nn::PoolOp op) {
    if (op.getKind() == nn::PoolKind::pool_lp)
      return;
    bool isMax = op.getKind() == nn::PoolKind::pool_max;
    auto algorithm = isMax                     ? dnnl::algorithm::pooling_max
                     : op.getCountIncludePad() ? dnnl::algorithm::pooling_avg_include_padding
                                               : dnnl::algorithm::pooling_avg_exclude_padding;
    size_t spatial = op.getKernel().size();
    Dims dilations(op.getDilations()), low, high;
    for (int64_t &dilation : dilations)
      --dilation;
    low.assign(op.getPads().begin(), op.getPads().begin() + spatial);
    high.assign(op.getPads().begin() + spatial, op.getPads().end());
    memory::desc source = activation(op.getInput(), op.getChannelsLast());
    memory::desc target = activation(op.getOutput(), op.getChannelsLast());
    dnnl::pooling_forward::primitive_desc desc(engine, dnnl::prop_kind::forward_inference, algorithm, source, target,
                                               Dims(op.getStrides()), Dims(op.getKernel()), dilations, low, high);
    add(dnnl::pooling_forward(desc), {{DNNL_ARG_SRC, given(0, source)}, {DNNL_ARG_DST, setResult(target, target)}});
  }

  void make(nn::SoftmaxOp op) {
    memory::desc desc = dense(shapeOf(op.getInput()));
    auto algorithm = op.getLog() ? dnnl::algorithm::softmax_log : dnnl::algorithm::softmax_accurate;
    dnnl::softmax_forward::primitive_desc primitive(engine, dnnl::prop_kind::forward_inference, algorithm, desc, desc,
                                                    int(op.getAxis()));
    add(dnnl::softmax_forward(primitive), {{DNNL_ARG_SRC, given(0, desc)}, {DNNL_ARG_DST, setResult(desc, desc)}});
  }

  void make(nn::LayerNormOp op) {
    Dims dims = shapeOf(op.getInput());
    if (op.getAxis() + 1 != dims.size() || op.getRms() || !op.getScale() || !op.getBias())
      return;
    memory::desc desc = dense(dims), parameter = dense({dims.back()});
    dnnl::layer_normalization_forward::primitive_desc primitive(
        engine, dnnl::prop_kind::forward_inference, desc, desc, float(op.getEpsilon().convertToDouble()),
        dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift);
    add(dnnl::layer_normalization_forward(primitive), {{DNNL_ARG_SRC, given(0, desc)},
                                                       {DNNL_ARG_SCALE, given(1, parameter)},
                                                       {DNNL_ARG_SHIFT, given(2, parameter)},
                                                       {DNNL_ARG_DST, setResult(desc, desc)}});
  }

  void make(nn::ReduceOp op) {
    using dnnl::algorithm;
    auto algorithm = op.getKind() == nn::ReduceKind::mean  ? algorithm::reduction_mean
                     : op.getKind() == nn::ReduceKind::max ? algorithm::reduction_max
                     : op.getKind() == nn::ReduceKind::sum ? algorithm::reduction_sum
                                                           : algorithm::undef;
    Dims source = shapeOf(op.getInput()), target = source;
    for (int64_t axis : op.getAxes())
      target[axis] = 1;
    if (algorithm == algorithm::undef || source == target)
      return;
    dnnl::reduction::primitive_desc desc(engine, algorithm, dense(source), dense(target), 0, 0);
    add(dnnl::reduction(desc),
        {{DNNL_ARG_SRC, given(0, dense(source))}, {DNNL_ARG_DST, setResult(dense(target), dense(target))}});
  }

  void make(nn::TransposeOp op) {
    Dims dims = shapeOf(op.getInput()), out = shapeOf(op.getOutput()), strides = rowMajor(dims), moved;
    for (int64_t axis : op.getPermutation())
      moved.push_back(strides[axis]);
    memory source = given(0, {out, memory::data_type::f32, moved}), target = setResult(dense(out), dense(out));
    add(dnnl::reorder(source, target), {{DNNL_ARG_FROM, source}, {DNNL_ARG_TO, target}});
  }

  /// Two products with a softmax in between; scale and mask ride on the first.
  void make(nn::AttentionOp op) {
    Dims query = shapeOf(op.getQuery()), key = shapeOf(op.getKey()), value = shapeOf(op.getValue());
    Dims scores{query[0], query[1], query[2], key[2]}, out{query[0], query[1], query[2], value[3]};
    if (key[1] != query[1] || op->getNumOperands() > 4)
      return;
    Dims keyStrides = rowMajor(key);
    memory::desc keys({key[0], key[1], key[3], key[2]}, memory::data_type::f32,
                      {keyStrides[0], keyStrides[1], keyStrides[3], keyStrides[2]});
    memory between(dense(scores), engine);
    dnnl::post_ops after;
    after.append_eltwise(dnnl::algorithm::eltwise_linear, float(op.getScale().convertToDouble()), 0);
    std::unordered_map<int, memory> args{
        {DNNL_ARG_SRC, given(0, dense(query))}, {DNNL_ARG_WEIGHTS, given(1, keys)}, {DNNL_ARG_DST, between}};
    if (Value mask = op.getMask()) {
      Dims dims = shapeOf(mask);
      dims.insert(dims.begin(), 4 - dims.size(), 1);
      after.append_binary(dnnl::algorithm::binary_add, dense(dims));
      args[DNNL_ARG_ATTR_MULTIPLE_POST_OP(1) | DNNL_ARG_SRC_1] = given(3, dense(dims));
    }
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    add(dnnl::matmul({engine, dense(query), keys, dense(scores), attributes}), std::move(args));
    add(dnnl::softmax_forward({engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::softmax_accurate,
                               dense(scores), dense(scores), 3}),
        {{DNNL_ARG_SRC, between}, {DNNL_ARG_DST, between}});
    add(dnnl::matmul({engine, dense(scores), dense(value), dense(out)}),
        {{DNNL_ARG_SRC, between},
         {DNNL_ARG_WEIGHTS, given(2, dense(value))},
         {DNNL_ARG_DST, setResult(dense(out), dense(out))}});
  }
};

OneDnn::OneDnn(const PreparedKernel &kernel, const std::vector<unsigned> &constants, bool free)
    : impl(std::make_unique<Impl>(kernel, constants, free)) {
  try {
    impl->build(kernel.operation());
  } catch (const dnnl::error &) { // no implementation
    impl->steps.clear();
  }
}

OneDnn::~OneDnn() = default;

OneDnn::operator bool() const { return !impl->steps.empty(); }

void OneDnn::run() {
  for (auto &[primitive, args] : impl->steps)
    primitive.execute(impl->stream, args);
  impl->stream.wait();
}

const float *OneDnn::output() const {
  return impl->isDense ? static_cast<const float *>(impl->result.get_data_handle()) : nullptr;
}

} // namespace lathe::test
