// Depthwise convolutions of 8-bit integers, channels last: kind `integer_depthwise`.
//
// A dot product of two i16 takes two lines of the picture at once. Lines of a task are copied to scratch memory in pairs, as i16
// minus the zero point and interleaved: [pair of lines][x with pads][channel][2]. An output line whose window begins with the second
// line of a pair (odd parity) has other weights than one that begins with the first: of 3 taps (0 w0)(w1 w2) and (w0 w1)(w2 0).
//
//   task (image, block of output lines): copy the lines
//     for channel block:                taps[parity][pair][kx] = weights as pairs of i16
//       for line, for tile of positions:  for pair, kx: acc[x] += dot(lines[pair][x + kx], taps[parity][pair][kx])
#include "backends/x86/IntegerDepthwise.h"
#include "backends/x86/Elements.h"
#include "backends/x86/IntegerPlan.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
constexpr StringLiteral kKind = "integer_depthwise";

/// The filter [channels, 1, kh, kw] as bytes [channel block][kh][kw][nr].
struct DepthwisePacking {
  int64_t channels, kernel[2], nr, parities;

  int64_t pairs() const { return (kernel[0] + parities) / 2; }
  int64_t blocks() const { return llvm::divideCeil(channels, nr); }
  int64_t blockBytes() const { return kernel[0] * kernel[1] * nr; }
  int64_t sizeBytes() const { return blocks() * blockBytes(); }
  /// Pairs of taps of a block, for windows of one parity.
  int64_t pairsOfBlock() const { return pairs() * kernel[1] * nr; }
  /// The tap that is number `i` of a pair; outside of the kernel for padding.
  static int64_t tapOf(int64_t pair, int64_t i, int64_t parity) { return 2 * pair + i - parity; }
  bool hasTap(int64_t pair, int64_t i, int64_t parity) const {
    int64_t tap = tapOf(pair, i, parity);
    return tap >= 0 && tap < kernel[0];
  }

  void pack(const int8_t *source, char *out) const {
    for (int64_t channel = 0; channel < blocks() * nr; channel += nr)
      for (int64_t tap = 0; tap < kernel[0] * kernel[1]; ++tap)
        for (int64_t c = channel; c < channel + nr; ++c)
          *out++ = c < channels ? source[c * kernel[0] * kernel[1] + tap] : 0;
  }

  static DepthwisePacking of(const WindowShape &window, int64_t channels, int64_t nr) {
    // With an even stride all windows begin at lines of one parity.
    return {channels, {window.kernel[0], window.kernel[1]}, nr, window.stride[0] % 2 == 0 ? 1 : 2};
  }
  DictionaryAttr toAttribute(MLIRContext *context) const {
    Builder b(context);
    auto sizes = b.getDenseI64ArrayAttr({channels, kernel[0], kernel[1], nr, parities});
    return b.getDictionaryAttr({b.getNamedAttr("kind", b.getStringAttr(kKind)), b.getNamedAttr("sizes", sizes)});
  }
  static DepthwisePacking of(DictionaryAttr attrs) {
    auto v = attrs.getAs<DenseI64ArrayAttr>("sizes").asArrayRef();
    return {v[0], {v[1], v[2]}, v[3], v[4]};
  }
};

/// How a kernel is cut, and its scratch memory: pairs of a block's taps, pairs of lines, a line of zero points.
struct DepthwisePlan {
  TileShape tile;
  int64_t lines; // output lines per task
  bool hasWeightsZero;

  DictionaryAttr toAttribute(MLIRContext *context) const {
    Builder b(context);
    return b.getDictionaryAttr({tile.toAttribute(context), b.getNamedAttr("lines", b.getI64IntegerAttr(lines)),
                                b.getNamedAttr("weights_zero", b.getBoolAttr(hasWeightsZero))});
  }
  static DepthwisePlan of(DictionaryAttr attrs) {
    return {TileShape::of(attrs), attrs.getAs<IntegerAttr>("lines").getInt(),
            attrs.getAs<BoolAttr>("weights_zero").getValue()};
  }
  static int64_t tapBytes(const DepthwisePacking &packing) {
    constexpr int64_t align = 64;
    return llvm::alignTo(4 * packing.parities * packing.pairsOfBlock(), align);
  }
  /// Pairs of lines that `lines` output lines read.
  int64_t linePairs(const WindowShape &window, const DepthwisePacking &packing) const {
    return (lines - 1) * window.stride[0] / 2 + packing.pairs();
  }
};

AffineExpr paddedWidth(const WindowShape &window, AffineExpr outWidth) {
  return (outWidth - 1) * window.stride[1] + (window.kernel[1] - 1) * window.dilation[1] + 1;
}

class DepthwiseEmission {
public:
  DepthwiseEmission(EmitContext &context, const IntegerRoot &root)
      : s(context), root(root), plan(DepthwisePlan::of(context.kernel.getConfig())),
        window(*windowOf(cast<nn::ConvOp>(root.op))),
        packing(DepthwisePacking::of(window, tensorType(root.weights).getDimSize(0), plan.tile.columns())),
        epilogue(context, root.op, root.bias, plan.tile), in(PictureSize::of(context, root.source)),
        out(PictureSize::of(context, root.op->getResult(0))) {
    DimExprs dims = dimExprs(tensorType(root.op->getResult(0)));
    lineWidth = s.dim(simplifyDim(paddedWidth(window, dims[dims.size() - 2])));
    lineElements = s.mul(lineWidth, s.index(packing.channels));
    taps = s.scratch;
    pairs = s.address(s.scratch, s.i8(), s.index(DepthwisePlan::tapBytes(packing)));
    int64_t slack = 2 * plan.tile.columns();
    blank =
        s.address(pairs, s.i32(), s.add(s.mul(lineElements, s.index(plan.linePairs(window, packing))), s.index(slack)));
    if (root.sourceZero)
      zero = s.elementAt(root.sourceZero, Indices(tensorType(root.sourceZero).getRank(), s.index(0)));
    s.loop(s.index(0), s.mul(in.width, in.channels),
           [&](Value i) { s.storeRaw(zero ? zero : s.integer(0, s.i8()), blank, i); });
  }

  void run() {
    Value blocks = s.ceilDiv(out.height, s.index(plan.lines));
    s.loop(s.taskBegin, s.taskEnd, [&](Value task) {
      Indices position = s.delinearize(task, {out.images, blocks});
      Value first = s.mul(position[1], s.index(plan.lines));
      Value lines = s.minS(s.index(plan.lines), s.sub(out.height, first));
      copyPairs(position[0], first, lines);
      s.loop(s.index(0), s.index(packing.blocks()), [&](Value block) {
        Value channel = s.mul(block, s.index(packing.nr));
        pairTaps(s.address(input(root.weights), s.i8(), s.mul(block, s.index(packing.blockBytes()))),
                 weightsZeros(channel));
        s.loop(s.index(0), lines, [&](Value line) {
          outputLine(line, s.mul(s.add(s.mul(position[0], out.height), s.add(first, line)), out.width), channel);
        });
      });
    });
  }

private:
  Value input(Value operand) { return s.inputs[cast<BlockArgument>(operand).getArgNumber()]; }

  //===- copying -===//

  void copyPairs(Value image, Value firstLine, Value lines) {
    Value begin = s.sub(s.mul(firstLine, s.index(window.stride[0])), s.index(window.padBegin[0]));
    Value lineBytes = s.mul(in.width, in.channels);
    Value picture = s.address(input(root.source), s.i8(), s.mul(image, s.mul(in.height, lineBytes)));
    auto lineAt = [&](Value y) {
      Value isInside = s.cmp(arith::CmpIPredicate::ult, y, in.height);
      return s.select(isInside, s.address(picture, s.i8(), s.mul(y, lineBytes)), blank);
    };
    Value last = s.divU(s.mul(s.sub(lines, s.index(1)), s.index(window.stride[0])), s.index(2));
    s.loop(s.index(0), s.add(last, s.index(packing.pairs())), [&](Value pair) {
      Value y = s.add(begin, s.mul(pair, s.index(2)));
      copyPair(lineAt(y), lineAt(s.add(y, s.index(1))), s.address(pairs, s.i32(), s.mul(pair, lineElements)));
    });
  }

  void copyPair(Value first, Value second, Value to) {
    Value channels = s.index(packing.channels), left = s.minS(s.index(window.padBegin[1]), lineWidth);
    Value pixels = s.minS(in.width, s.sub(lineWidth, left)), begin = s.mul(left, channels);
    Value count = s.mul(pixels, channels), end = s.add(begin, count);
    auto clear = [&](Value from, Value past) {
      s.loop(from, past, [&](Value i) { s.storeRaw(s.integer(0, s.i32()), to, i); });
    };
    clear(s.index(0), begin);
    constexpr int64_t lanes = 16;
    auto bytes = VectorType::get({lanes}, s.i8());
    Value whole = s.sub(count, s.remU(count, s.index(lanes)));
    s.loop(s.index(0), whole, s.index(lanes), [&](Value i) {
      Value a = s.b.create<LLVM::LoadOp>(s.loc, bytes, s.address(first, s.i8(), i), 1);
      Value b = s.b.create<LLVM::LoadOp>(s.loc, bytes, s.address(second, s.i8(), i), 1);
      SmallVector<int32_t> order;
      for (int32_t lane = 0; lane < lanes; ++lane)
        order.append({lane, lane + int32_t(lanes)});
      Value mixed = s.b.create<LLVM::ShuffleVectorOp>(s.loc, centred(a), centred(b), order);
      s.b.create<LLVM::StoreOp>(s.loc, mixed, s.address(to, s.i32(), s.add(begin, i)), 4);
    });
    s.loop(whole, count, [&](Value i) {
      Value low = s.resizeU(centred(s.loadRaw(first, s.i8(), i)), s.i32());
      Value high = s.resizeU(centred(s.loadRaw(second, s.i8(), i)), s.i32());
      s.storeRaw(s.orI(low, s.shl(high, s.integer(16, s.i32()))), to, s.add(begin, i));
    });
    clear(end, lineElements);
  }

  /// i16 of bytes, one or a vector, minus the zero point.
  Value centred(Value bytes) {
    auto vector = dyn_cast<VectorType>(bytes.getType());
    Type word = s.integerType(16), type = vector ? Type(VectorType::get(vector.getShape(), word)) : word;
    auto wide = [&](Value x, Type to) { return root.hasUnsignedSource() ? s.resizeU(x, to) : s.resizeS(x, to); };
    if (!zero)
      return wide(bytes, type);
    return s.sub(wide(bytes, type), vector ? spread(s, wide(zero, word), type) : wide(zero, word));
  }

  //===- products -===//

  /// A block of channels, from `channel` on, of output line number `line` of the task, whose first position is row `outRow` of the
  /// result.
  void outputLine(Value line, Value outRow, Value channel) {
    Value begin = s.mul(line, s.index(window.stride[0])), two = s.index(2);
    Value parity = packing.parities == 1 ? s.index(0) : s.remU(begin, two);
    Value weights = s.address(taps, s.i32(), s.mul(parity, s.index(packing.pairsOfBlock())));
    Value source = s.address(pairs, s.i32(), s.mul(s.divU(begin, two), lineElements));
    forRowTiles(s, plan.tile, s.index(0), out.width, [&](TileShape tile, Value x) {
      Accumulators acc = tileAt(tile, s.address(source, s.i32(), channel), weights, x);
      epilogue.store(acc, s.add(outRow, x), channel, s.minS(s.index(tile.rows), s.sub(out.width, x)),
                     s.minS(s.index(packing.nr), s.sub(s.index(packing.channels), channel)));
    });
  }

  Accumulators tileAt(TileShape tile, Value source, Value weights, Value x) {
    Accumulators acc = zeroIntegerTile(s, tile);
    Values positions;
    for (int r = 0; r < tile.rows; ++r) {
      Value inside = s.minS(s.add(x, s.index(r)), s.sub(out.width, s.index(1)));
      positions.push_back(s.mul(s.mul(inside, s.index(window.stride[1])), s.index(packing.channels)));
    }
    Type sums = acc.front().getType();
    for (int64_t pair = 0; pair < packing.pairs(); ++pair)
      for (int64_t kx = 0; kx < packing.kernel[1]; ++kx) {
        Value at = s.add(s.mul(s.index(pair), lineElements), s.index(kx * window.dilation[1] * packing.channels));
        for (int v = 0; v < tile.vectors; ++v) {
          Value two = s.b.create<LLVM::LoadOp>(s.loc, sums, tapsAt(weights, pair, kx, v), 4);
          for (int r = 0; r < tile.rows; ++r) {
            Value element = s.add(s.add(positions[r], at), s.index(int64_t(v) * tile.lanes));
            Value pixels = s.b.create<LLVM::LoadOp>(s.loc, sums, s.address(source, s.i32(), element), 4);
            Value &sum = acc[r * tile.vectors + v];
            sum = addPairs(s, tile, sum, pixels, two);
          }
        }
      }
    return acc;
  }

  //===- weights -===//

  Value tapsAt(Value first, int64_t pair, int64_t kx, int v) {
    return s.address(first, s.i32(),
                     s.index((pair * packing.kernel[1] + kx) * packing.nr + int64_t(v) * plan.tile.lanes));
  }

  /// Brings a block's weights to the form that tiles read.
  void pairTaps(Value weights, ArrayRef<Value> zeros) {
    for (int64_t parity = 0; parity < packing.parities; ++parity) {
      Value first = s.address(taps, s.i32(), s.index(parity * packing.pairsOfBlock()));
      for (int64_t pair = 0; pair < packing.pairs(); ++pair)
        for (int64_t kx = 0; kx < packing.kernel[1]; ++kx)
          for (int v = 0; v < plan.tile.vectors; ++v)
            s.b.create<LLVM::StoreOp>(s.loc, pairOfTaps(weights, zeros, parity, pair, kx, v),
                                      tapsAt(first, pair, kx, v), 4);
    }
  }

  Value pairOfTaps(Value weights, ArrayRef<Value> zeros, int64_t parity, int64_t pair, int64_t kx, int v) {
    int lanes = plan.tile.lanes;
    auto words = VectorType::get({lanes}, s.integerType(16));
    auto tap = [&](int64_t i) -> Value {
      if (!packing.hasTap(pair, i, parity))
        return s.integer(0, words);
      int64_t ky = DepthwisePacking::tapOf(pair, i, parity);
      Value at = s.index((ky * packing.kernel[1] + kx) * packing.nr + int64_t(v) * lanes);
      Value bytes =
          s.b.create<LLVM::LoadOp>(s.loc, VectorType::get({lanes}, s.i8()), s.address(weights, s.i8(), at), 1);
      Value wide = widenBytes(s, bytes, root.hasUnsignedWeights());
      return zeros.empty() ? wide : s.sub(wide, zeros[v]);
    };
    SmallVector<int32_t> order;
    for (int32_t lane = 0; lane < lanes; ++lane)
      order.append({lane, lane + lanes});
    Value mixed = s.b.create<LLVM::ShuffleVectorOp>(s.loc, tap(0), tap(1), order);
    return castTo(s, mixed, VectorType::get({lanes}, s.i32()));
  }

  /// Zero points of a block's channels, vectors of i16; none if they are 0.
  Values weightsZeros(Value channel) {
    Values zeros;
    if (!plan.hasWeightsZero)
      return zeros;
    Type word = s.integerType(16);
    for (int v = 0; v < plan.tile.vectors; ++v) {
      Value vector = s.integer(0, VectorType::get({plan.tile.lanes}, word));
      for (int lane = 0; lane < plan.tile.lanes; ++lane) {
        Value number =
            s.minS(s.add(channel, s.index(int64_t(v) * plan.tile.lanes + lane)), s.index(packing.channels - 1));
        Value zero = broadcastElement(s, root.weightsZero, Indices(tensorType(root.weightsZero).getRank(), number));
        Value wide = root.hasUnsignedWeights() ? s.resizeU(zero, word) : s.resizeS(zero, word);
        vector = s.b.create<LLVM::InsertElementOp>(s.loc, vector, wide, s.index(lane));
      }
      zeros.push_back(vector);
    }
    return zeros;
  }

  EmitContext &s;
  IntegerRoot root;
  DepthwisePlan plan;
  WindowShape window;
  DepthwisePacking packing;
  TileEpilogue epilogue;
  PictureSize in, out;
  Value lineWidth, lineElements, pairs, blank, zero, taps;
};

/// Output lines per task: enough tasks, lines in a quarter of L2, few lines copied twice.
int64_t chooseLines(const WindowShape &window, DimExprs out, int64_t channels, const Target &target) {
  constexpr int64_t unknown = 56, enoughTasks = 16, fewest = 4;
  int64_t height = out.size() == 4 ? constantDim(out[1]).value_or(unknown) : 1;
  int64_t width = constantDim(out[out.size() - 2]).value_or(unknown);
  int64_t lineBytes = std::max<int64_t>(2 * width * channels * window.stride[0] * window.stride[1], 1);
  int64_t most = std::max<int64_t>(target.l2Bytes / 4 / lineBytes, 1);
  int64_t wanted = std::max<int64_t>(llvm::divideCeil(height, enoughTasks), fewest);
  return std::clamp<int64_t>(std::min(most, wanted), 1, std::max<int64_t>(height, 1));
}
} // namespace

std::optional<KernelPlan> planIntegerDepthwise(Operation *op, ArrayRef<bool> isConstant, const Target &target) {
  IntegerRoot root = integerRootOf(op, isConstant, target);
  auto conv = dyn_cast_or_null<nn::ConvOp>(root.op);
  if (!conv || !isDepthwise(conv) || !IntegerShape::of(root))
    return std::nullopt;
  WindowShape window = *windowOf(conv);
  int64_t channels = tensorType(root.weights).getDimSize(0);
  if (window.dilation[0] != 1 || channels == 1)
    return std::nullopt;
  MLIRContext *context = op->getContext();
  DimExprs out = dimExprs(tensorType(conv.getOutput()));
  int lanes = target.vectorBits() / 32, vectors = channels > lanes ? 2 : 1;
  DepthwisePlan config{{6, vectors, lanes}, chooseLines(window, out, channels, target), hasNonZero(root.weightsZero)};
  DepthwisePacking packing = DepthwisePacking::of(window, channels, config.tile.columns());

  KernelPlan plan = makePlan(op, kKind);
  plan.name = contractionName("depthwise", bodyOperations(op), conv, config.tile);
  plan.config = config.toAttribute(context);
  plan.packing[*inputIndex(op, root.weights)] = packing.toAttribute(context);
  AffineExpr height = out.size() == 4 ? out[1] : dimConstant(context, 1);
  plan.tasks = simplifyDim(out[0] * height.ceilDiv(config.lines));
  AffineExpr elements = paddedWidth(window, out[out.size() - 2]) * (channels * config.linePairs(window, packing));
  DimExprs in = dimExprs(tensorType(conv.getInput()));
  int64_t fixed = DepthwisePlan::tapBytes(packing) + config.tile.columns() * 8;
  plan.scratchBytes = simplifyDim(elements * 4 + fixed + in[in.size() - 2] * channels);
  return plan;
}

LogicalResult emitIntegerDepthwise(EmitContext &context) {
  DepthwiseEmission(context, IntegerRoot::of(regionOperations(context))).run();
  return success();
}

int64_t packedDepthwiseBytes(RankedTensorType, DictionaryAttr packing) {
  return DepthwisePacking::of(packing).sizeBytes();
}

void packDepthwise(const reference::Tensor &value, DictionaryAttr packing, char *out) {
  DepthwisePacking::of(packing).pack(value.data<int8_t>(), out);
}

} // namespace lathe::x86
