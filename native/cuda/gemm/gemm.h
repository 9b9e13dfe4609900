// Matrix products in float32, of any shape. Each thread takes 4 × 4 elements of a tile of 64 × 64; a sum's terms come in one order, whatever the grid.
#pragma once
#include "../layer/layer.h"
#include "../ops/pack.h"
#include "product.h"

namespace trainyard {
namespace gpu {

constexpr int kTile = 64, kTileK = 16, kTileThreads = 256, kTileStride = kTile + 4;
constexpr size_t kGemmSharedBytes = 2 * kTileK * kTileStride * sizeof(float);

template <class T, class Out, bool transposeA, bool transposeB>
struct Gemm {
  static constexpr const char* name = "gemm";
  using Args = ProductArgs<T, Out>;

  TY_KERNEL static void run(Thread& t, const Args& g) {
    const Shared<float> as = t.shared<float>(0), bs = as + kTileK * kTileStride;
    const int64_t m0 = t.block() * kTile, n0 = t.blockY() * kTile;
    const int row = t.index() / 16 * 4, column = t.index() % 16 * 4;
    float sums[4][4] = {};
    for (int64_t k0 = 0; k0 < g.k; k0 += kTileK) {
      load<transposeA>(t, as, g.a, g.lda, m0, g.m, k0, g.k);
      load<!transposeB>(t, bs, g.b, g.ldb, n0, g.n, k0, g.k);
      t.sync();
      TY_UNROLL
      for (int k = 0; k < kTileK; k++) {
        float x[4], y[4];
        TY_UNROLL
        for (int i = 0; i < 4; i++) x[i] = as[k * kTileStride + row + i];
        TY_UNROLL
        for (int i = 0; i < 4; i++) y[i] = bs[k * kTileStride + column + i];
        TY_UNROLL
        for (int i = 0; i < 4; i++) {
          TY_UNROLL
          for (int j = 0; j < 4; j++) sums[i][j] = fmaf(x[i], y[j], sums[i][j]);
        }
      }
      t.sync();
    }
    TY_UNROLL
    for (int i = 0; i < 4; i++) {
      TY_UNROLL
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
      // Neighbors in memory go to neighboring threads.
      const int s = kMajor ? i % kTile : i / kTileK, k = kMajor ? i / kTile : i % kTileK;
      const bool inside = side0 + s < side && k0 + k < ks;
      const int64_t at = kMajor ? (k0 + k) * ld + side0 + s : (side0 + s) * ld + k0 + k;
      tile[k * kTileStride + s] = inside ? toFloat(x[at]) : 0.0f;
    }
  }
};

// out = (or +=) the sum over the rows of x. A block takes 32 columns; its warps take every eighth stretch of 32 rows, and
// their sums are added in order.
template <class T>
struct ColumnSums {
  static constexpr const char* name = "columnSums";
  static constexpr int kColumns = 32, kWarps = 8;
  static constexpr size_t kSharedBytes = kColumns * kWarps * sizeof(float);
  struct Args {
    const T* x;
    int64_t rows, columns, stride;
    float* out;
    int64_t zeroFrom, zeroTo;  // columns that stay 0
    bool accumulate;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> sums = t.shared<float>(0);
    const int64_t column = t.block() * kColumns + t.lane();
    float sum = 0;
    if (column < a.columns) {
      for (int64_t first = 32 * t.warp(); first < a.rows; first += 32 * kWarps) {
        float partial = 0;
        for (int64_t row = first; row < first + 32 && row < a.rows; row++)
          partial += toFloat(a.x[row * a.stride + column]);
        sum += partial;
      }
    }
    sums[t.index()] = sum;
    t.sync();
    if (t.warp() != 0 || column >= a.columns) return;
    float total = 0;
    for (int w = 0; w < kWarps; w++) total += sums[w * kColumns + t.lane()];
    if (column >= a.zeroFrom && column < a.zeroTo) total = 0;
    a.out[column] = a.accumulate ? a.out[column] + total : total;
  }
};

// The same of rows that are aligned to 16 bytes: four lanes take 32 columns, a warp 8 rows at a time, and every sixteenth
// stretch of them.
template <class T>
struct WideColumnSums {
  static constexpr const char* name = "columnSums";
  static constexpr int kColumns = 32, kWarps = 16, kThreads = 32 * kWarps, kMinBlocks = 1;
  static constexpr size_t kSharedBytes = kColumns * kWarps * sizeof(float);
  using Args = typename ColumnSums<T>::Args;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> sums = t.shared<float>(0);
    const int64_t column = t.block() * kColumns + t.lane() % 4 * 8;
    float sum[8] = {};
    if (column < a.columns) {
      TY_UNROLL_BY(4)
      for (int64_t row = 8 * t.warp() + t.lane() / 4; row < a.rows; row += 8 * kWarps) {
        float x[8];
        load8(a.x + row * a.stride + column, x);
        TY_UNROLL
        for (int i = 0; i < 8; i++) sum[i] += x[i];
      }
    }
    TY_UNROLL
    for (int i = 0; i < 8; i++) {
      for (int mask = 4; mask < kWarp; mask *= 2) sum[i] += t.shuffleXor(sum[i], mask);
      if (t.lane() < 4) sums[t.warp() * kColumns + t.lane() * 8 + i] = sum[i];
    }
    t.sync();
    const int64_t own = t.block() * kColumns + t.lane();
    if (t.warp() != 0 || own >= a.columns) return;
    float total = 0;
    for (int w = 0; w < kWarps; w++) total += sums[w * kColumns + t.lane()];
    if (own >= a.zeroFrom && own < a.zeroTo) total = 0;
    a.out[own] = a.accumulate ? a.out[own] + total : total;
  }
};

}  // namespace gpu
}  // namespace trainyard
