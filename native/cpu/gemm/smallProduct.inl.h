// Products of small matrices that lie in the caches, on one thread: the blocks of attention.
#pragma once
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

#if defined(__AVX512F__)
constexpr int kSmallRows = 6, kSmallVectors = 4;
#elif defined(__AVX2__)
constexpr int kSmallRows = 3, kSmallVectors = 4;
#elif defined(__aarch64__) || defined(_M_ARM64)
constexpr int kSmallRows = 6, kSmallVectors = 4;
#else
constexpr int kSmallRows = 2, kSmallVectors = 2;
#endif

// Element (row, k) of the left matrix is at a[row · rowStride + k · depthStride].
struct Left {
  const float* a;
  int64_t rowStride, depthStride;
};

template <int rows, int vectors>
static void smallBlock(int64_t depth, Left left, const float* TY_RESTRICT b, int64_t ldb, float* TY_RESTRICT c,
                       int64_t ldc, bool add, int64_t lastLanes) {
  Vf sum[rows][vectors];
  TY_UNROLL
  for (int r = 0; r < rows; r++) {
    TY_UNROLL
    for (int v = 0; v < vectors; v++) {
      const float* at = c + r * ldc + v * W;
      sum[r][v] = !add ? zero() : v < vectors - 1 ? load(at) : loadUpTo(at, lastLanes);
    }
  }
  const float* a = left.a;
  for (int64_t k = 0; k < depth; k++) {
    Vf right[vectors];
    TY_UNROLL
    for (int v = 0; v < vectors; v++) right[v] = v < vectors - 1 ? load(b + v * W) : loadUpTo(b + v * W, lastLanes);
    TY_UNROLL
    for (int r = 0; r < rows; r++) {
      const Vf x = set1(a[r * left.rowStride]);
      TY_UNROLL
      for (int v = 0; v < vectors; v++) sum[r][v] = fma(x, right[v], sum[r][v]);
    }
    a += left.depthStride;
    b += ldb;
  }
  TY_UNROLL
  for (int r = 0; r < rows; r++) {
    TY_UNROLL
    for (int v = 0; v < vectors; v++) {
      float* at = c + r * ldc + v * W;
      if (v < vectors - 1) {
        store(at, sum[r][v]);
      } else {
        storeUpTo(at, sum[r][v], lastLanes);
      }
    }
  }
}

template <int vectors>
static void smallRows(int64_t rows, int64_t depth, Left left, const float* b, int64_t ldb, float* c, int64_t ldc,
                      bool add, int64_t lastLanes) {
  int64_t r = 0;
  for (; r + kSmallRows <= rows; r += kSmallRows) {
    smallBlock<kSmallRows, vectors>(depth, {left.a + r * left.rowStride, left.rowStride, left.depthStride}, b, ldb,
                                    c + r * ldc, ldc, add, lastLanes);
  }
  for (; r < rows; r++) {
    smallBlock<1, vectors>(depth, {left.a + r * left.rowStride, left.rowStride, left.depthStride}, b, ldb, c + r * ldc,
                           ldc, add, lastLanes);
  }
}

// C[rows × columns] = (or +=) left · B, with B depth × columns.
static void smallProduct(int64_t rows, int64_t columns, int64_t depth, Left left, const float* b, int64_t ldb, float* c,
                         int64_t ldc, bool add) {
  int64_t j = 0;
  while (j < columns) {
    const int64_t remaining = (columns - j + W - 1) / W;
    const int64_t vectors = remaining < kSmallVectors ? remaining : kSmallVectors;
    const int64_t left0 = columns - j - (vectors - 1) * W;
    const int64_t lanes = left0 < W ? left0 : W;
    switch (vectors) {
      case 1: smallRows<1>(rows, depth, left, b + j, ldb, c + j, ldc, add, lanes); break;
      case 2: smallRows<2>(rows, depth, left, b + j, ldb, c + j, ldc, add, lanes); break;
      case 3: smallRows<kSmallVectors < 3 ? 2 : 3>(rows, depth, left, b + j, ldb, c + j, ldc, add, lanes); break;
      default: smallRows<kSmallVectors>(rows, depth, left, b + j, ldb, c + j, ldc, add, lanes); break;
    }
    j += vectors * W;
  }
}

// out[columns × rows] (row length ldo) = inᵀ of in[rows × columns] (row length ldi)
template <class T>
static void transposeBlock(const T* in, int64_t ldi, int64_t rows, int64_t columns, float* out, int64_t ldo) {
  for (int64_t i0 = 0; i0 < rows; i0 += 8) {
    const int64_t i1 = i0 + 8 < rows ? i0 + 8 : rows;
    for (int64_t j = 0; j < columns; j++) {
      for (int64_t i = i0; i < i1; i++) out[j * ldo + i] = toFloat(in[i * ldi + j]);
    }
  }
}

}  // namespace TY_ISA
}  // namespace trainyard
