// Packed, cache-blocked matrix products in the manner of Goto & van de Geijn (2008). A micro-kernel holds a block of C
// of kRows × kColumns in registers and runs through kDepth steps of k over packed panels. A panel of A (kRows wide)
// stays in the first-level cache while the panels of a block of B (kBlockColumns wide) stream from the second level.
#pragma once
#include "../gemm.h"
#include "../pool.h"
#include "../simd.h"
#include "gelu.inl.h"
#include "pack.inl.h"

namespace trainyard {
namespace TY_ISA {

// kRows × kVectors accumulators, kVectors of B and one of A must fit in the registers.
#if defined(__AVX512F__)
constexpr int kRows = 8, kVectors = 3;
constexpr int64_t kDepth = 384, kBlockColumns = 384;
#elif defined(__AVX2__)
constexpr int kRows = 6, kVectors = 2;
constexpr int64_t kDepth = 256, kBlockColumns = 256;
#elif defined(__aarch64__) || defined(_M_ARM64)
constexpr int kRows = 8, kVectors = 3;
constexpr int64_t kDepth = 256, kBlockColumns = 192;
#else
constexpr int kRows = 4, kVectors = 1;
constexpr int64_t kDepth = 256, kBlockColumns = 128;
#endif
constexpr int kColumns = kVectors * W;
constexpr int kWide = 4;  // panels of B at once where C has one row
constexpr int64_t kTileRows = 1024 / kRows * kRows;  // rows of a tile at most: its packed A lies in the scratch memory
static_assert(kBlockColumns % kColumns == 0, "whole panels");
static_assert((kTileRows + kBlockColumns + 16) * kDepth * sizeof(float) <= Pool::kScratchBytes, "scratch memory");

// C[rows × vectors] = or += A panel · B panel, whose rows lie `ldb` floats apart. The last vector has `lanes` columns.
template <int rows, int vectors>
static void multiplyPanels(int64_t k, const float* TY_RESTRICT a, const float* TY_RESTRICT b, int64_t ldb,
                           float* TY_RESTRICT c, int64_t ldc, bool add, int64_t lanes) {
  Vf sum[rows][vectors];
  TY_UNROLL
  for (int r = 0; r < rows; r++) {
    TY_UNROLL
    for (int v = 0; v < vectors; v++) sum[r][v] = zero();
    prefetch(c + r * ldc);
    prefetch(c + r * ldc + (vectors - 1) * W);
  }
  for (int64_t p = 0; p < k; p++) {
    Vf right[vectors];
    TY_UNROLL
    for (int v = 0; v < vectors; v++) right[v] = load(b + v * W);
    TY_UNROLL
    for (int r = 0; r < rows; r++) {
      const Vf left = set1(a[r]);
      TY_UNROLL
      for (int v = 0; v < vectors; v++) sum[r][v] = fma(left, right[v], sum[r][v]);
    }
    a += kRows;
    b += ldb;
  }
  TY_UNROLL
  for (int r = 0; r < rows; r++) {
    float* row = c + r * ldc;
    TY_UNROLL
    for (int v = 0; v < vectors; v++) {
      float* at = row + v * W;
      if (v < vectors - 1 || lanes == W) {
        store(at, add ? load(at) + sum[r][v] : sum[r][v]);
      } else {
        storen(at, add ? loadn(at, lanes) + sum[r][v] : sum[r][v], lanes);
      }
    }
  }
}

using Multiply = void (*)(int64_t, const float*, const float*, int64_t, float*, int64_t, bool, int64_t);

template <int rows>
static Multiply multiplyFor(int64_t vectors) {
  if (vectors == kVectors) return multiplyPanels<rows, kVectors>;
  if (kVectors > 2 && vectors == 2) return multiplyPanels<rows, kVectors < 2 ? 1 : 2>;
  return multiplyPanels<rows, 1>;
}

static Multiply multiplyFor(int64_t rows, int64_t vectors) {
  switch (rows) {
    case 1: return multiplyFor<1>(vectors);
    case 2: return multiplyFor<2>(vectors);
    case 3: return multiplyFor<3>(vectors);
    case 4: return multiplyFor<kRows < 4 ? kRows : 4>(vectors);
    case 5: return multiplyFor<kRows < 5 ? kRows : 5>(vectors);
    case 6: return multiplyFor<kRows < 6 ? kRows : 6>(vectors);
    case 7: return multiplyFor<kRows < 7 ? kRows : 7>(vectors);
    default: return multiplyFor<kRows>(vectors);
  }
}

static bool isEmpty(const GemmEpilogue& e) {
  return !e.bias && !e.residual && !e.pre && e.activation == GemmActivation::none && !e.geluGradPre;
}

// The epilogue for n columns (a vector's worth at most) of C's row at `at`, which holds the sums.
TY_INLINE void finishVector(const GemmArgs& g, int64_t at, int64_t column, int64_t n) {
  const GemmEpilogue& e = g.epilogue;
  Vf x = loadUpTo(g.c + at, n);
  if (e.bias) x = x + loadUpTo(e.bias + column, n);
  if (e.residual) x = x + loadUpTo(e.residual + at, n);
  if (e.pre) storeUpTo(e.pre + at, x, n);
  if (e.activation == GemmActivation::geluTanh) x = geluTanh(x);
  if (e.geluGradPre) x = x * geluTanhGrad(loadUpTo(e.geluGradPre + at, n));
  storeUpTo(g.c + at, x, n);
}

static void finishRow(const GemmArgs& g, int64_t row, int64_t column, int64_t columns) {
  eachVector(columns, [&](int64_t i, int64_t n) { finishVector(g, row * g.ldc + column + i, column + i, n); });
}

struct GemmTile {
  int64_t row, rows, column, columns;
};

static void multiplyTile(const GemmArgs& g, const GemmTile& tile, float* scratch) {
  // Blocks of k of almost equal depth, so that none is too short to be worth its stores.
  const int64_t blocks = g.k > kDepth ? (g.k + kDepth - 1) / kDepth : 1;
  float* const packedA = scratch;
  float* const packedB = scratch + (kTileRows + 8) * kDepth;
  const bool finish = !isEmpty(g.epilogue);
  // A few rows read each element of B once or twice: packing it would cost more than it saves.
  const bool inPlace = !g.transposeB && g.m <= kRows;
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t from = g.k * block / blocks;
    const int64_t depth = g.k * (block + 1) / blocks - from;
    const bool add = g.accumulate || block > 0;
    pack<kRows>(!g.transposeA, g.a + (g.transposeA ? from * g.lda + tile.row : tile.row * g.lda + from), g.lda,
                tile.rows, depth, packedA);
    for (int64_t j = 0; j < tile.columns; j += kBlockColumns) {
      const int64_t columns = tile.columns - j < kBlockColumns ? tile.columns - j : kBlockColumns;
      const int64_t column = tile.column + j;
      const float* const sourceB = g.b + (g.transposeB ? column * g.ldb + from : from * g.ldb + column);
      if (!inPlace) pack<kColumns>(g.transposeB, sourceB, g.ldb, columns, depth, packedB);
      for (int64_t i = 0; i < tile.rows; i += kRows) {
        const int64_t rows = tile.rows - i < kRows ? tile.rows - i : kRows;
        const Multiply full = multiplyFor(rows, kVectors);
        float* c = g.c + (tile.row + i) * g.ldc + column;
        int64_t q = 0;
        if (inPlace && rows == 1) {
          // One row leaves registers for more columns: B is then read in longer runs.
          for (; q + kWide * kColumns <= columns; q += kWide * kColumns) {
            multiplyPanels<1, kWide * kVectors>(depth, packedA + i * depth, sourceB + q, g.ldb, c + q, g.ldc, add, W);
          }
        }
        for (; q < columns; q += kColumns) {
          const int64_t left = columns - q;
          const float* a = packedA + i * depth;
          const float* b = inPlace ? sourceB + q : packedB + q * depth;
          const int64_t ldb = inPlace ? g.ldb : kColumns;
          if (left >= kColumns) {
            full(depth, a, b, ldb, c + q, g.ldc, add, W);
          } else {
            const int64_t vectors = (left + W - 1) / W;
            if (inPlace) pack<kColumns>(false, b, g.ldb, left, depth, packedB);
            multiplyFor(rows, vectors)(depth, a, inPlace ? packedB : b, kColumns, c + q, g.ldc, add,
                                       left - (vectors - 1) * W);
          }
        }
        if (finish && block == blocks - 1) {
          for (int64_t r = 0; r < rows; r++) finishRow(g, tile.row + i + r, column, columns);
        }
      }
    }
  }
}

struct GemmTiling {
  int64_t tileRows, tileColumns, across, down;
};

// How to cut C for this many threads: the tiling whose slowest thread ends first, by the cost of multiplying against
// that of packing, which is done anew for every tile. Only speed depends on it.
static GemmTiling chooseTiling(int64_t m, int64_t n, int threads) {
  static const int16_t counts[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256};
  const int64_t rowPanels = (m + kRows - 1) / kRows, columnPanels = (n + kColumns - 1) / kColumns;
  const int64_t leastDown = (m + kTileRows - 1) / kTileRows;
  GemmTiling best{};
  double bestCost = 1e300;
  for (int64_t down : counts) {
    down *= leastDown;
    if (down > rowPanels && down > leastDown) break;
    const int64_t rows = (rowPanels + down - 1) / down * kRows;
    for (int64_t across : counts) {
      if (across > columnPanels) break;
      const int64_t columns = (columnPanels + across - 1) / across * kColumns;
      const int64_t tiles = ((m + rows - 1) / rows) * ((n + columns - 1) / columns);
      // In units of one element's multiply-add in a vector; packing an element costs about 10 of them.
      const double height = static_cast<double>(rows), wide = static_cast<double>(columns);
      const double tile = height * wide + 10.0 * (height + wide) + 512.0;
      const double rounds = static_cast<double>((tiles + threads - 1) / threads);
      // Threads are not equally fast: with small tiles the last one to end is waited for less.
      const double cost = tile * (rounds + (threads > 1 ? 0.05 : 0.0));
      if (cost < bestCost) {
        bestCost = cost;
        best = {rows, columns, (n + columns - 1) / columns, (m + rows - 1) / rows};
      }
    }
  }
  return best;
}

static void gemm(Pool& pool, const GemmArgs& g) {
  if (g.m <= 0 || g.n <= 0) return;
  const GemmTiling t = chooseTiling(g.m, g.n, pool.threads());
  pool.parallelFor(t.across * t.down, [&](int64_t task, int worker) {
    GemmTile tile;
    tile.row = task / t.across * t.tileRows;
    tile.column = task % t.across * t.tileColumns;
    tile.rows = g.m - tile.row < t.tileRows ? g.m - tile.row : t.tileRows;
    tile.columns = g.n - tile.column < t.tileColumns ? g.n - tile.column : t.tileColumns;
    multiplyTile(g, tile, pool.scratch(worker));
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
