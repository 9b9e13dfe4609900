// Matrix products with float32 accumulation: C = op(A)·op(B), then what comes at the end of a linear layer. Each thread
// takes 4 × 4 elements of a tile of 64 × 64; a sum's terms come in one order, whatever the grid.
#pragma once
#include "../layer/layer.h"
#include "gelu.h"

namespace trainyard {
namespace gpu {

constexpr int kTile = 64, kTileK = 16, kTileThreads = 256, kTileStride = kTile + 4;
constexpr size_t kGemmSharedBytes = 2 * kTileK * kTileStride * sizeof(float);

// m × n = (m × k) · (k × n). A is stored k × m where it is transposed, B n × k.
template <class T, class Out>
struct GemmArgs {
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
};

template <class T, class Out, bool transposeA, bool transposeB>
struct Gemm {
  static constexpr const char* name = "gemm";
  using Args = GemmArgs<T, Out>;

  TY_KERNEL static void run(Thread& t, const Args& g) {
    const Shared<float> as = t.shared<float>(0), bs = as + kTileK * kTileStride;
    const int64_t m0 = t.block() * kTile, n0 = t.blockY() * kTile;
    const int row = t.index() / 16 * 4, column = t.index() % 16 * 4;
    float sums[4][4] = {};
    for (int64_t k0 = 0; k0 < g.k; k0 += kTileK) {
      load<transposeA>(t, as, g.a, g.lda, m0, g.m, k0, g.k);
      load<!transposeB>(t, bs, g.b, g.ldb, n0, g.n, k0, g.k);
      t.sync();
      for (int k = 0; k < kTileK; k++) {
        float x[4], y[4];
        for (int i = 0; i < 4; i++) x[i] = as[k * kTileStride + row + i];
        for (int i = 0; i < 4; i++) y[i] = bs[k * kTileStride + column + i];
        for (int i = 0; i < 4; i++) {
          for (int j = 0; j < 4; j++) sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
        }
      }
      t.sync();
    }
    for (int i = 0; i < 4; i++) {
      for (int j = 0; j < 4; j++) {
        if (m0 + row + i < g.m && n0 + column + j < g.n) finish(g, m0 + row + i, n0 + column + j, sums[i][j]);
      }
    }
  }

 private:
  // A tile of k × side into shared memory, zeros past the ends. `kMajor`: rows of the matrix run along k.
  template <bool kMajor>
  TY_KERNEL static void load(Thread& t, Shared<float> tile, const T* x, int64_t ld, int64_t side0, int64_t side,
                             int64_t k0, int64_t ks) {
    for (int i = t.index(); i < kTile * kTileK; i += kTileThreads) {
      // Neighbours in memory go to neighbouring threads.
      const int s = kMajor ? i % kTile : i / kTileK, k = kMajor ? i / kTile : i % kTileK;
      const bool inside = side0 + s < side && k0 + k < ks;
      const int64_t at = kMajor ? (k0 + k) * ld + side0 + s : (side0 + s) * ld + k0 + k;
      tile[k * kTileStride + s] = inside ? toFloat(x[at]) : 0.0f;
    }
  }

  TY_KERNEL static void finish(const Args& g, int64_t row, int64_t column, float value) {
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
};

// out = (or +=) the sum over the rows of x: a thread takes a column, in blocks of 32 rows, each summed on its own.
template <class T>
struct ColumnSums {
  static constexpr const char* name = "columnSums";
  struct Args {
    const T* x;
    int64_t rows, columns, stride;
    float* out;
    int64_t zeroFrom, zeroTo;  // columns that stay 0
    bool accumulate;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t column = t.block() * t.threads() + t.index();
    if (column >= a.columns) return;
    float total = a.accumulate ? a.out[column] : 0.0f;
    if (column < a.zeroFrom || column >= a.zeroTo) {
      for (int64_t first = 0; first < a.rows; first += 32) {
        float sum = 0;
        for (int64_t row = first; row < first + 32 && row < a.rows; row++) sum += toFloat(a.x[row * a.stride + column]);
        total += sum;
      }
    }
    a.out[column] = total;
  }
};

}  // namespace gpu
}  // namespace trainyard
