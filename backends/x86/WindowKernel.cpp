// Channels-last operations in which an output channel reads its own input channel or few: depthwise and grouped convolution of up
// to 8 channels per group, and pooling.
//
//   task (image, output row y; a strip of it along one axis, where an image is one row):
//     for x in the task's part of the row, `rows` positions at a time:
//       for channel block (vectors * lanes channels):         outermost where the filter is too large for L1
//         acc[x][v] over the kernel's rows inside the picture and its columns;  epilogue(acc)
//
// Depthwise tiles whose windows lie inside the picture (left to right) need no test; at the borders each column of the window reads
// zeros instead where it is outside. Pools go over one position and the part of its window that is inside.
#include "backends/x86/WindowKernel.h"
#include "backends/x86/Contraction.h"
#include "backends/x86/Packing.h"
#include "backends/x86/Window.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace lathe::x86 {

namespace {
/// Positions of a strip; 0: tasks are whole rows.
int64_t stripOf(DictionaryAttr config) {
  auto strip = config.getAs<IntegerAttr>("strip");
  return strip ? strip.getInt() : 0;
}

/// What both kernels share: the walk over rows and channel blocks, and loads of channel vectors.
class WindowEmission {
public:
  WindowEmission(EmitContext &context, Operation *root, Value input, Value bias, WindowShape window)
      : s(context), window(window), tile(TileShape::of(context.kernel.getConfig())),
        epilogue(context, root, bias, tile), in(PictureSize::of(context, input)),
        out(PictureSize::of(context, root->getResult(0))),
        base(context.inputs[cast<BlockArgument>(input).getArgNumber()]), element(computedType(elementType(input))) {}
  virtual ~WindowEmission() = default;

  void run() {
    int64_t strip = stripOf(s.kernel.getConfig());
    Value strips = strip ? s.ceilDiv(out.width, s.index(strip)) : s.index(1);
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {out.images, out.height, strips});
      Value picture = s.address(base, element, s.mul(position[0], s.mul(s.mul(in.height, in.width), in.channels)));
      Value row = s.add(s.mul(position[0], out.height), position[1]);
      part = {s.index(0), out.width};
      if (strip) {
        part.begin = s.mul(position[2], s.index(strip));
        part.end = s.minS(s.add(part.begin, s.index(strip)), out.width);
      }
      this->row(picture, position[1], s.mul(row, out.width));
    });
  }

protected:
  virtual void row(Value picture, Value y, Value outRow) = 0;

  /// Channels of a block: `width` of them from `channel` on, fewer than the tile's columns when masked.
  struct Channels {
    Value channel, width;
    bool isMasked;
  };
  void forChannels(llvm::function_ref<void(Channels)> body) {
    Value block = s.index(tile.columns());
    Value rest = s.remS(out.channels, block), full = s.sub(out.channels, rest);
    s.loop(s.index(0), full, block, [&](Value channel) { body({channel, block, false}); });
    s.when(s.ltS(s.index(0), rest), [&] { body({full, rest, true}); });
  }

  VectorType vectorType() { return VectorType::get({tile.lanes}, element); }
  Value splat(double value) { return s.number(value, vectorType()); }
  /// Channels channel + v * lanes.. of the element at `pointer`; those past the last channel are 0 when masked.
  Value loadChannels(Value pointer, int v, Channels at) {
    Value address = s.address(pointer, element, s.index(v * tile.lanes));
    unsigned align = element.getIntOrFloatBitWidth() / 8;
    if (!at.isMasked)
      return s.b.create<LLVM::LoadOp>(s.loc, vectorType(), address, align);
    Value lanes = s.maxS(s.sub(at.width, s.index(v * tile.lanes)), s.index(0));
    Value count = s.b.create<arith::IndexCastOp>(s.loc, s.b.getIndexType(), lanes);
    Value mask = s.b.create<vector::CreateMaskOp>(s.loc, VectorType::get({tile.lanes}, s.i1()), ValueRange{count});
    return s.b.create<LLVM::MaskedLoadOp>(s.loc, vectorType(), address, mask, splat(0), align);
  }
  /// First input position of output position `position` (may be negative).
  Value begin(Value position, int axis) {
    return s.sub(s.mul(position, s.index(window.stride[axis])), s.index(window.padBegin[axis]));
  }
  /// The kernel positions [first, second) along an axis that lie inside the picture.
  std::pair<Value, Value> insideTaps(Value begin, Value size, int axis) {
    Value step = s.index(window.dilation[axis]), zero = s.index(0), kernel = s.index(window.kernel[axis]);
    Value first = s.minS(s.ceilDiv(s.maxS(s.sub(zero, begin), zero), step), kernel);
    Value past = s.ceilDiv(s.maxS(s.sub(size, begin), zero), step);
    return {first, s.maxS(s.minS(past, kernel), first)};
  }
  Value elementOffset(Value y, Value x, Value channel) {
    return s.add(s.mul(s.add(s.mul(y, in.width), x), in.channels), channel);
  }

  /// Positions of the row that the task computes.
  struct Part {
    Value begin, end;
  } part;
  EmitContext &s;
  WindowShape window;
  TileShape tile;
  TileEpilogue epilogue;
  PictureSize in, out;
  Value base;
  Type element; // of the input, as it is computed
};

struct GroupedConfig {
  TileShape tile;
  bool areChannelsOutermost;

  DictionaryAttr toAttribute(MLIRContext *context) const {
    Builder b(context);
    return b.getDictionaryAttr(
        {tile.toAttribute(context), b.getNamedAttr("channels_outermost", b.getBoolAttr(areChannelsOutermost))});
  }
  static GroupedConfig of(DictionaryAttr attrs) {
    return {TileShape::of(attrs), attrs.getAs<BoolAttr>("channels_outermost").getValue()};
  }
};

/// Grouped convolutions by the number of channels per group: what meets a vector of the filter's elements for input channel c of
/// their group, one per output channel.
///   1 to 1: the input channels of the same numbers
///   4 to 4: as many input channels, c of each four in the place of all four (a vector has the channels of several groups)
///   others: c alone, everywhere (a vector has output channels of one group)
constexpr int64_t kShuffled = 4, kMostPerGroup = 8;

class GroupedEmission : public WindowEmission {
public:
  GroupedEmission(EmitContext &context, nn::ConvOp op)
      : WindowEmission(context, op, op.getInput(), op.getBias(), *windowOf(op)),
        filter(context.inputs[cast<BlockArgument>(op.getFilter()).getArgNumber()]), zeros(context.scratch),
        depth(tensorType(op.getFilter()).getDimSize(1)),
        outputs(tensorType(op.getFilter()).getDimSize(0) / int64_t(op.getGroup())),
        areChannelsOutermost(GroupedConfig::of(context.kernel.getConfig()).areChannelsOutermost) {
    s.loop(s.index(0), s.index(tile.columns()), [&](Value i) { s.storeRaw(s.real(0, s.f32()), zeros, i); });
  }

private:
  void row(Value picture, Value y, Value outRow) override {
    auto [firstTap, lastTap] = insideTaps(begin(y, 0), in.height, 0);
    Value first = firstTap, last = lastTap;
    auto rowTiles = [&](Channels at) {
      forRowTiles(s, tile, part.begin, part.end,
                  [&](TileShape shape, Value x) { tileAt(shape, picture, y, outRow, x, at, {first, last}); });
    };
    if (areChannelsOutermost)
      return forChannels(rowTiles);
    forRowTiles(s, tile, part.begin, part.end, [&](TileShape shape, Value x) {
      forChannels([&](Channels at) { tileAt(shape, picture, y, outRow, x, at, {first, last}); });
    });
  }

  /// `taps`: the window's rows inside the picture.
  void tileAt(TileShape shape, Value picture, Value y, Value outRow, Value x, Channels at,
              std::pair<Value, Value> taps) {
    Value left = begin(x, 1), right = begin(s.add(x, s.index(shape.rows - 1)), 1);
    Value lastRead = s.add(right, s.index((window.kernel[1] - 1) * window.dilation[1]));
    Value isInside = s.andI(s.geS(left, s.index(0)), s.ltS(lastRead, in.width));
    Value weights = s.address(filter, s.f32(), s.mul(at.channel, s.index(window.taps() * depth)));
    Accumulators zero = zeroTile(s, shape);
    auto compute = [&](bool isTested) {
      return s.loop(taps.first, taps.second, zero, [&](Value ky, ValueRange acc) {
        Value inY = s.add(begin(y, 0), s.mul(ky, s.index(window.dilation[0])));
        Value rowWeights = s.address(weights, s.f32(), s.mul(ky, s.index(window.kernel[1] * depth * tile.columns())));
        return kernelRow(Accumulators(acc.begin(), acc.end()), picture, rowWeights, inY, x, at, isTested);
      });
    };
    Accumulators acc =
        s.when(isInside, ValueRange(zero).getTypes(), [&] { return compute(false); }, [&] { return compute(true); });
    epilogue.store(acc, s.add(outRow, x), at.channel, s.minS(s.index(shape.rows), s.sub(part.end, x)), at.width);
  }

  Accumulators kernelRow(Accumulators acc, Value picture, Value rowTaps, Value inY, Value x, Channels at,
                         bool isTested) {
    Value channel = isBroadcast() ? s.mul(s.divS(at.channel, s.index(outputs)), s.index(depth)) : at.channel;
    for (int64_t kx = 0; kx < window.kernel[1]; ++kx) {
      Values pixels;
      for (int r = 0; r < int(acc.size()) / tile.vectors; ++r) {
        Value inX = s.add(begin(s.add(x, s.index(r)), 1), s.index(kx * window.dilation[1]));
        Value pixel = s.address(picture, s.f32(), elementOffset(inY, inX, channel));
        if (isTested)
          pixel = s.select(s.cmp(arith::CmpIPredicate::ult, inX, in.width), pixel, zeros);
        pixels.push_back(pixel);
      }
      for (int64_t c = 0; c < depth; ++c)
        step(acc, pixels, s.address(rowTaps, s.f32(), s.index((kx * depth + c) * tile.columns())), c, at);
    }
    return acc;
  }

  /// Input channel `c` of each group times its part of the filter.
  void step(Accumulators &acc, ArrayRef<Value> pixels, Value taps, int64_t c, Channels at) {
    Values weights;
    for (int v = 0; v < tile.vectors; ++v)
      weights.push_back(
          s.b.create<LLVM::LoadOp>(s.loc, vectorType(), s.address(taps, s.f32(), s.index(v * tile.lanes)), 4));
    for (auto [r, pixel] : llvm::enumerate(pixels))
      for (int v = 0; v < tile.vectors; ++v) {
        Value &sum = acc[r * tile.vectors + v];
        sum = s.b.create<vector::FMAOp>(s.loc, channelsAt(pixel, c, v, at), weights[v], sum);
      }
  }

  bool isBroadcast() const { return depth != 1 && outputs != kShuffled; }

  Value channelsAt(Value pixel, int64_t c, int v, Channels at) {
    if (isBroadcast())
      return s.b.create<vector::BroadcastOp>(s.loc, vectorType(), s.loadRaw(pixel, s.f32(), s.index(c), 4));
    Value channels = loadChannels(pixel, v, at);
    if (depth == 1)
      return channels;
    SmallVector<int32_t> lanes;
    for (int lane = 0; lane < tile.lanes; ++lane)
      lanes.push_back(int32_t(lane / kShuffled * kShuffled + c));
    return s.b.create<LLVM::ShuffleVectorOp>(s.loc, channels, channels, lanes);
  }

  Value filter, zeros;
  int64_t depth, outputs; // channels per group: in, out
  bool areChannelsOutermost;
};

class PoolEmission : public WindowEmission {
public:
  PoolEmission(EmitContext &context, nn::PoolOp op)
      : WindowEmission(context, op, op.getInput(), Value(), *windowOf(op)), op(op) {}

private:
  double lowest() {
    if (!isa<IntegerType>(element))
      return -std::numeric_limits<float>::infinity();
    return isUnsigned(elementType(op.getInput())) ? 0 : -128;
  }

  bool isMax() { return op.getKind() == nn::PoolKind::pool_max; }

  void row(Value picture, Value y, Value outRow) override {
    auto [firstY, lastY] = insideTaps(begin(y, 0), in.height, 0);
    Value yFrom = firstY, yTo = lastY;
    s.loop(part.begin, part.end, [&](Value x) {
      auto [firstX, lastX] = insideTaps(begin(x, 1), in.width, 1);
      Value xFrom = firstX, xTo = lastX;
      forChannels([&](Channels at) {
        Values init(tile.vectors, splat(isMax() ? lowest() : 0.0));
        Values acc = s.loop(yFrom, yTo, init, [&](Value ky, ValueRange outer) {
          Value inY = s.add(begin(y, 0), s.mul(ky, s.index(window.dilation[0])));
          return s.loop(xFrom, xTo, outer, [&](Value kx, ValueRange inner) {
            Value inX = s.add(begin(x, 1), s.mul(kx, s.index(window.dilation[1])));
            return combine(inner, s.address(picture, this->element, elementOffset(inY, inX, at.channel)), at);
          });
        });
        if (!isMax())
          scale(acc, s.mul(count(y, 0, yFrom, yTo), count(x, 1, xFrom, xTo)));
        epilogue.store(acc, s.add(outRow, x), at.channel, s.index(1), at.width);
      });
    });
  }

  Values combine(ValueRange acc, Value pointer, Channels at) {
    Values next;
    for (int v = 0; v < tile.vectors; ++v) {
      Value element = loadChannels(pointer, v, at);
      if (isa<IntegerType>(this->element)) {
        next.push_back(isUnsigned(elementType(op.getInput())) ? s.maxU(acc[v], element) : s.maxS(acc[v], element));
        continue;
      }
      if (!isMax()) {
        next.push_back(s.b.create<arith::AddFOp>(s.loc, acc[v], element));
        continue;
      }
      Value isLarger = s.b.create<arith::CmpFOp>(s.loc, arith::CmpFPredicate::OGT, acc[v], element);
      next.push_back(s.b.create<arith::SelectOp>(s.loc, isLarger, acc[v], element));
    }
    return next;
  }

  /// Elements along an axis that an average divides by.
  Value count(Value position, int axis, Value from, Value to) {
    if (!op.getCountIncludePad())
      return s.sub(to, from);
    Value first = begin(position, axis), size = axis == 0 ? in.height : in.width;
    return s.sub(s.minS(s.add(first, s.index(window.kernel[axis])), s.add(size, s.index(window.padEnd[axis]))), first);
  }

  void scale(Values &acc, Value count) {
    Value divisor = s.toFloatS(count, s.f32());
    Value vector = s.b.create<vector::BroadcastOp>(s.loc, vectorType(), divisor);
    for (Value &sum : acc)
      sum = s.b.create<arith::DivFOp>(s.loc, sum, vector);
  }

  nn::PoolOp op;
};

PanelPacking packingOf(nn::ConvOp op, int64_t nr) {
  ArrayRef<int64_t> shape = tensorType(op.getFilter()).getShape();
  PanelPacking packing;
  packing.columns = shape[0];
  packing.depth = shape[1];
  for (int64_t size : shape.drop_front(2))
    packing.taps *= size;
  packing.nr = nr;
  packing.tapStride = 1;
  packing.depthStride = packing.taps;
  packing.columnStride = packing.taps * packing.depth;
  return packing;
}

/// Tasks: output rows of all images, or strips of them, which are noted in the config.
void cutRows(KernelPlan &plan, Value output) {
  constexpr int64_t strip = 64;
  DimExprs dims = dimExprs(tensorType(output));
  if (dims.size() != 3) {
    plan.tasks = simplifyDim(dims[0] * dims[1]);
    return;
  }
  Builder b(output.getContext());
  NamedAttrList config(plan.config);
  config.set("strip", b.getI64IntegerAttr(strip));
  plan.config = config.getDictionary(b.getContext());
  plan.tasks = simplifyDim(dims[0] * dims[1].ceilDiv(strip));
}
} // namespace

namespace {
/// Plans of one grouped convolution.
class GroupedPlanner {
public:
  /// nullopt: `conv` computes it better.
  static std::optional<GroupedPlanner> of(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
    auto conv = convRootOf(op, isConstant, target);
    if (!conv)
      return std::nullopt;
    GroupedPlanner planner(op, *conv, target);
    return planner.isDepthwise() || planner.isShuffled() || planner.isBroadcast() ? std::optional(planner)
                                                                                  : std::nullopt;
  }

  KernelPlan chosen() { return plan({tileOf(chosenVectors()), areChannelsOutermost()}); }

  PlanList alternatives() {
    constexpr int64_t mostVectors = 4;
    PlanList plans;
    int64_t needed = isDepthwise() ? llvm::divideCeil(channels, lanes()) : 1;
    for (int vectors = 1; vectors <= std::min(mostVectors, needed); ++vectors)
      for (bool isOutermost : {false, true})
        plans.push_back(plan({tileOf(vectors), isOutermost}));
    return plans;
  }

private:
  GroupedPlanner(Operation *op, ConvRoot root, const Target &target)
      : op(op), conv(root.op), filter(root.filter), target(target),
        channels(tensorType(conv.getFilter()).getDimSize(0)), depth(tensorType(conv.getFilter()).getDimSize(1)),
        groups(conv.getGroup()), outputs(channels / groups) {}

  static constexpr int kGroupedLanes = 8;
  bool isDepthwise() { return x86::isDepthwise(conv); }
  bool isShuffled() {
    return groups > 1 && depth == kShuffled && outputs == kShuffled && groups % (kGroupedLanes / kShuffled) == 0;
  }
  bool isBroadcast() { return groups > 1 && depth > 1 && depth <= kMostPerGroup && outputs % kGroupedLanes == 0; }

  int lanes() { return isDepthwise() ? target.vectorBits() / 32 : kGroupedLanes; }
  bool dividesChannels(int vectors) { return channels % (vectors * lanes()) == 0 || channels > 2 * vectors * lanes(); }

  /// Bytes that are read and written, if known.
  std::optional<int64_t> pictureBytes() {
    auto in = tensorType(conv.getInput()), out = tensorType(conv.getOutput());
    if (!in.hasStaticShape() || !out.hasStaticShape())
      return std::nullopt;
    return 4 * (in.getNumElements() + out.getNumElements());
  }

  /// Long runs of channels where the picture streams through L2; tall tiles, which share the filter's loads, where it stays.
  int chosenVectors() {
    if (!isDepthwise())
      return 1;
    bool isMeasured = target.vectorRegisters() == 16; // not with AVX-512
    auto bytes = pictureBytes();
    if (isMeasured && bytes)
      return *bytes <= target.l2Bytes ? 1 : dividesChannels(4) ? 4 : dividesChannels(2) ? 2 : 1;
    return dividesChannels(2) ? 2 : 1;
  }

  /// As many positions as registers hold; rows of one length.
  TileShape tileOf(int vectors) {
    constexpr int mostRows = 8;
    int64_t rows = std::min((target.vectorRegisters() - vectors - 2) / vectors, mostRows);
    DimExprs out = dimExprs(tensorType(conv.getOutput()));
    if (auto width = constantDim(out[out.size() - 2]); width && *width > 0)
      rows = llvm::divideCeil(*width, llvm::divideCeil(*width, rows));
    return {int(rows), vectors, lanes()};
  }

  /// Whole pixels in the order of memory, unless the filter would be read from L2 for every tile: with several channels per
  /// group the tile's work hides that.
  bool areChannelsOutermost() {
    int64_t filterBytes = channels * depth * windowOf(conv)->taps() * 4;
    return filterBytes > (depth == 1 ? target.l1Bytes / 3 : target.l2Bytes / 2);
  }

  KernelPlan plan(const GroupedConfig &config) {
    MLIRContext *context = op->getContext();
    KernelPlan plan = makePlan(op, "depthwise");
    plan.name = contractionName(depth == 1 ? "depthwise" : "grouped", bodyOperations(op), conv, config.tile);
    plan.config = config.toAttribute(context);
    plan.packing[filter] = packingOf(conv, config.tile.columns()).toAttribute(context, "depthwise");
    cutRows(plan, conv.getOutput());
    plan.scratchBytes = dimConstant(context, config.tile.columns() * 4);
    return plan;
  }

  Operation *op;
  nn::ConvOp conv;
  unsigned filter;
  const Target &target;
  int64_t channels, depth, groups, outputs; // all; of a group: in and out
};
} // namespace

std::optional<KernelPlan> planDepthwise(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto planner = GroupedPlanner::of(op, isConstant, target);
  return planner ? std::optional(planner->chosen()) : std::nullopt;
}

PlanList depthwiseAlternatives(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  auto planner = GroupedPlanner::of(op, isConstant, target);
  return planner ? planner->alternatives() : PlanList();
}

LogicalResult emitDepthwise(EmitContext &context) {
  GroupedEmission(context, contractionRoot<nn::ConvOp>(regionOperations(context))).run();
  return success();
}

std::optional<KernelPlan> planPool(Operation *op, ArrayRef<bool>, const Target &target) {
  SmallVector<Operation *> operations = bodyOperations(op);
  auto root = contractionRoot<nn::PoolOp>(operations);
  if (!root || !root.getChannelsLast() || !isEpilogue(operations, root) || !inputIndex(op, root.getInput()) ||
      !windowOf(root) || target.vectorBits() < 256)
    return std::nullopt;
  bool isOfBytes = elementType(root.getInput()).isInteger(8) && operations.size() == 1;
  if (!isFloat32(root) && !isOfBytes)
    return std::nullopt;
  bool isAverage = root.getKind() == nn::PoolKind::pool_average;
  bool isDilated = llvm::any_of(root.getDilations(), [](int64_t dilation) { return dilation != 1; });
  if (root.getKind() == nn::PoolKind::pool_lp || (isAverage && isDilated))
    return std::nullopt;
  auto channels = constantDim(dimExprs(tensorType(root.getOutput())).back());
  int lanes = target.vectorBits() / (isOfBytes ? 8 : 32);
  while (isOfBytes && lanes > 8 && channels && *channels < lanes) // parts of a vector of bytes take long
    lanes /= 2;
  TileShape tile{1, int(std::clamp<int64_t>(channels.value_or(2 * lanes) / lanes, 1, 4)), lanes};

  KernelPlan plan = makePlan(op, "pool");
  plan.name = contractionName(nn::stringifyPoolKind(root.getKind()), operations, root, tile);
  plan.config = Builder(op->getContext()).getDictionaryAttr(tile.toAttribute(op->getContext()));
  cutRows(plan, root.getOutput());
  return plan;
}

LogicalResult emitPool(EmitContext &context) {
  PoolEmission(context, contractionRoot<nn::PoolOp>(regionOperations(context))).run();
  return success();
}

} // namespace lathe::x86
