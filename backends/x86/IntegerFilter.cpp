#include "backends/x86/IntegerFilter.h"

using namespace mlir;

namespace lathe::x86 {

namespace {
Value times4(Scalar &s, Value x) { return s.shl(x, s.integer(2, x.getType())); }
Value twice(Scalar &s, Value x) { return s.add(x, x); }
} // namespace

Values transformPatch(Scalar &s, ArrayRef<Value> d) {
  Value p = s.sub(d[4], times4(s, d[2])), q = s.sub(d[3], times4(s, d[1]));
  Value r = s.sub(d[4], d[2]), t = twice(s, s.sub(d[3], d[1]));
  return {s.add(times4(s, s.sub(d[0], d[2])), r), s.add(p, q), s.sub(p, q), s.add(r, t), s.sub(r, t),
          s.sub(s.sub(d[5], d[3]), twice(s, t))};
}

Values transformFilter(Scalar &s, ArrayRef<Value> g) {
  Value a = s.add(g[0], g[2]), b = s.add(g[0], times4(s, g[2])), c = twice(s, g[1]);
  return {g[0], s.add(a, g[1]), s.sub(a, g[1]), s.add(b, c), s.sub(b, c), g[2]};
}

//   6 -4 -4  1  1  0
//   0 -4  4  2 -2  0
//   0 -4 -4  4  4  0
//   0 -4  4  8 -8 24
Values transformProducts(Scalar &s, ArrayRef<Value> m) {
  Value sum = s.add(m[1], m[2]), difference = s.sub(m[2], m[1]);
  Value outerSum = s.add(m[3], m[4]), outer = twice(s, s.sub(m[3], m[4]));
  Value six = twice(s, s.add(twice(s, m[5]), m[5]));
  return {s.add(s.add(times4(s, s.sub(m[0], sum)), twice(s, m[0])), outerSum), s.add(times4(s, difference), outer),
          times4(s, s.sub(outerSum, sum)), times4(s, s.add(s.add(difference, outer), six))};
}

Value divideExactly(Scalar &s, Value x) {
  constexpr int32_t inverseOf9 = 954437177; // 9 * inverseOf9 = 1 modulo 2^32
  return s.shrS(s.mul(x, s.integer(inverseOf9, x.getType())), s.integer(6, x.getType()));
}

} // namespace lathe::x86
