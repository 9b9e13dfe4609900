// What a matrix product is asked for, and what comes at the end of a linear layer.
#pragma once
#include "../ops/gelu.h"
#include "../ops/pack.h"

namespace trainyard {
namespace gpu {

// C = op(A)·op(B): m × n = (m × k) · (k × n). A is stored k × m where it is transposed, B n × k.
template <class T, class Out>
struct ProductArgs {
  int64_t m, n, k;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  Out* c;
  int64_t ldc;
  const float* bias = nullptr;
  const T* residual = nullptr;     // as C
  T* pre = nullptr;                // what goes into GELU, as C; with it C is GELU's result
  const T* geluGradPre = nullptr;  // the result is multiplied by GELU's derivative there
  bool accumulate = false;         // C += …
  bool vectors = false;            // the bias, rows of C, and of what is laid out as C, are aligned to 16 bytes
};

template <class T, class Out>
TY_KERNEL void finish(const ProductArgs<T, Out>& g, int64_t row, int64_t column, float value) {
  const int64_t at = row * g.ldc + column;
  if (g.bias) value += g.bias[column];
  if (g.pre) {
    fromFloat(value, g.pre + at);
    value = geluTanh(value);
  }
  if (g.geluGradPre) value *= geluTanhGrad(toFloat(g.geluGradPre[at]));
  if (g.residual) value += toFloat(g.residual[at]);
  if (g.accumulate) value += toFloat(g.c[at]);
  fromFloat(value, g.c + at);
}

// The same of 8 columns from `column` on, a multiple of 8. scratch: room for 8 numbers of this thread alone.
template <class T, class Out>
TY_KERNEL void finish8(const ProductArgs<T, Out>& g, int64_t row, int64_t column, float (&x)[8],
                       Shared<float> scratch) {
  if (!g.vectors || column + 8 > g.n) {
    // One by one, through memory: registers can't be counted, and eight copies of this would be half of the kernel.
    TY_UNROLL
    for (int i = 0; i < 8; i++) scratch[i] = x[i];
    TY_UNROLL_BY(1)
    for (int i = 0; i < 8; i++) {
      if (column + i < g.n) finish(g, row, column + i, scratch[i]);
    }
    return;
  }
  const int64_t at = row * g.ldc + column;
  float other[8];
  if (g.bias) {
    load8(g.bias + column, other);
    TY_UNROLL
    for (int i = 0; i < 8; i++) x[i] += other[i];
  }
  if (g.pre) {
    store8(x, g.pre + at);
    TY_UNROLL
    for (int i = 0; i < 8; i++) x[i] = geluTanh(x[i]);
  }
  if (g.geluGradPre) {
    load8(g.geluGradPre + at, other);
    TY_UNROLL
    for (int i = 0; i < 8; i++) x[i] *= geluTanhGrad(other[i]);
  }
  if (g.residual) {
    load8(g.residual + at, other);
    TY_UNROLL
    for (int i = 0; i < 8; i++) x[i] += other[i];
  }
  if (g.accumulate) {
    load8(g.c + at, other);
    TY_UNROLL
    for (int i = 0; i < 8; i++) x[i] += other[i];
  }
  store8(x, g.c + at);
}

// Whether finish8 may read and write 16 bytes at a time.
template <class T, class Out>
bool hasAlignedRows(const ProductArgs<T, Out>& g) {
  return g.ldc % 8 == 0 && isAligned16(g.c) && isAligned16(g.residual) && isAligned16(g.pre) &&
         isAligned16(g.geluGradPre) && isAligned16(g.bias);
}

}  // namespace gpu
}  // namespace trainyard
