// Kernels of hand-made artifacts. Kernel number i starts at byte 256 * i of the
// image, in the order of TestKernel in TestArtifact.h.
#include "lathe/artifact.h"

#define KERNEL __attribute__((aligned(256), used)) int32_t
#define SIGNATURE void *const *args, const int64_t *dims, int64_t begin, int64_t end, const lathe_kernel_context *ctx

// args: a, b, out (f32); a task is one element
KERNEL add(SIGNATURE) {
  const float *a = args[0], *b = args[1];
  float *out = args[2];
  for (int64_t i = begin; i < end; ++i)
    out[i] = a[i] + b[i];
  return LATHE_KERNEL_OK;
}

// args: x [n, d], row [d], out [n, d] (f32); dims: d; a task is one row
KERNEL addRow(SIGNATURE) {
  const float *x = args[0], *row = args[1];
  float *out = args[2];
  for (int64_t i = begin; i < end; ++i)
    for (int64_t j = 0; j < dims[0]; ++j)
      out[i * dims[0] + j] = x[i * dims[0] + j] + row[j];
  return LATHE_KERNEL_OK;
}

// args: indices (i64), out (i64); dims: limit; a task is one element
KERNEL checkIndices(SIGNATURE) {
  const int64_t *in = args[0];
  int64_t *out = args[1];
  for (int64_t i = begin; i < end; ++i) {
    if (in[i] < 0 || in[i] >= dims[0])
      return LATHE_KERNEL_INDEX_OUT_OF_RANGE;
    out[i] = in[i];
  }
  return LATHE_KERNEL_OK;
}

// args: x (i64), count (i64, one element); dims: n; one task
KERNEL countNonZero(SIGNATURE) {
  const int64_t *x = args[0];
  int64_t count = 0;
  for (int64_t i = 0; i < dims[0]; ++i)
    count += x[i] != 0;
  *(int64_t *)args[1] = count;
  return LATHE_KERNEL_OK;
}

// args: x (i64), positions (i64); dims: n; one task
KERNEL findNonZero(SIGNATURE) {
  const int64_t *x = args[0];
  int64_t *out = args[1];
  for (int64_t i = 0; i < dims[0]; ++i)
    if (x[i] != 0)
      *out++ = i;
  return LATHE_KERNEL_OK;
}

// args: x, out (f64); goes through scratch memory and the table of functions
KERNEL expDouble(SIGNATURE) {
  const double *x = args[0];
  double *out = args[1], *scratch = ctx->scratch;
  for (int64_t i = begin; i < end; ++i) {
    scratch[0] = ctx->api->unary[LATHE_UNARY_EXP](x[i]);
    out[i] = scratch[0];
  }
  return LATHE_KERNEL_OK;
}

// args: x [rounds, n], out [rounds, n] (i64); dims: n; a task is an element,
// and needs its neighbours of the round before. Negative elements of x fail.
KERNEL stepRounds(SIGNATURE) {
  const int64_t *x = args[0], n = dims[0];
  int64_t *out = args[1];
  for (int64_t i = begin; i < end; ++i) {
    if (x[i] < 0)
      return LATHE_KERNEL_INVALID_VALUE;
    out[i] = x[i];
    if (i >= n) {
      const int64_t *before = out + (i / n - 1) * n;
      out[i] += (before[(i + 1) % n] + 3 * before[(i + n - 1) % n]) % 1000;
    }
  }
  return LATHE_KERNEL_OK;
}
