// Packed, cache-blocked matrix products in the manner of Goto & van de Geijn (2008). A micro-kernel holds a block of C
// of kRows × kColumns in registers and runs through kDepth steps of k over packed panels. A panel of A (kRows wide)
// stays in the first-level cache while the panels of a block of B (kBlockColumns wide) stream from the second level.
// Numbers of 16 bits are widened when they are packed, or packed in pairs where the processor multiplies those; what is
// stored in 16 bits is summed in a tile of floats before it is rounded once.
#pragma once
#include "../gelu.inl.h"
#include "../pool.h"
#include "../simd.h"
#include "gemm.h"
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
// Rows of a tile at most: its packed A lies in the scratch memory, and its sums too where C is of 16 bits.
constexpr int64_t kTileRows = kMaxPackedColumns / kRows * kRows, kHalfTileRows = 512 / kRows * kRows;
static_assert(kBlockColumns % kColumns == 0, "whole panels");
static_assert(kBlockColumns <= kMaxPackedColumns, "a block of B is packed at once");
static_assert((kTileRows + kBlockColumns + 16) * kDepth * sizeof(float) <= Pool::kScratchBytes, "scratch memory");
static_assert(((kHalfTileRows + kBlockColumns + 16) * kDepth + kHalfTileRows * kBlockColumns) * sizeof(float) <=
                  Pool::kScratchBytes,
              "scratch memory");

template <class T>
TY_INLINE Vf multiplyAdd(const FloatUnits<T>&, Vf a, Vf b, Vf sum) {
  return fma(a, b, sum);
}
template <class T>
struct ProductUnits {
  using Units = FloatUnits<T>;
};
#if defined(__AVX512BF16__)
// Two products at once. Numbers too small to be normal count as 0.
TY_INLINE Vf multiplyAdd(const PairUnits&, Vf a, Vf b, Vf sum) {
  __m512bh x, y;
  std::memcpy(&x, &a.v, sizeof x);
  std::memcpy(&y, &b.v, sizeof y);
  return {_mm512_dpbf16_ps(sum.v, x, y)};
}
template <>
struct ProductUnits<Bf16> {
  using Units = PairUnits;
};
#endif

// C[rows × vectors] = or += A panel · B panel, whose rows lie `ldb` elements apart: packed units, or B in its place. The
// last vector has `lanes` columns.
template <class Units, class B, int rows, int vectors>
static void multiplyPanels(int64_t units, const float* TY_RESTRICT a, const B* TY_RESTRICT b, int64_t ldb,
                           float* TY_RESTRICT c, int64_t ldc, bool add, int64_t lanes) {
  Vf sum[rows][vectors];
  TY_UNROLL
  for (int r = 0; r < rows; r++) {
    TY_UNROLL
    for (int v = 0; v < vectors; v++) sum[r][v] = zero();
    prefetch(c + r * ldc);
    prefetch(c + r * ldc + (vectors - 1) * W);
  }
  for (int64_t p = 0; p < units; p++) {
    Vf right[vectors];
    TY_UNROLL
    for (int v = 0; v < vectors; v++) right[v] = load(b + v * W);
    TY_UNROLL
    for (int r = 0; r < rows; r++) {
      const Vf left = set1(a[r]);
      TY_UNROLL
      for (int v = 0; v < vectors; v++) sum[r][v] = multiplyAdd(Units{}, left, right[v], sum[r][v]);
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

template <class B>
using Multiply = void (*)(int64_t, const float*, const B*, int64_t, float*, int64_t, bool, int64_t);

template <class Units, class B, int rows>
static Multiply<B> multiplyFor(int64_t vectors) {
  if (vectors == kVectors) return multiplyPanels<Units, B, rows, kVectors>;
  if (kVectors > 2 && vectors == 2) return multiplyPanels<Units, B, rows, kVectors < 2 ? 1 : 2>;
  return multiplyPanels<Units, B, rows, 1>;
}

template <class Units, class B>
static Multiply<B> multiplyFor(int64_t rows, int64_t vectors) {
  switch (rows) {
    case 1: return multiplyFor<Units, B, 1>(vectors);
    case 2: return multiplyFor<Units, B, 2>(vectors);
    case 3: return multiplyFor<Units, B, 3>(vectors);
    case 4: return multiplyFor<Units, B, kRows < 4 ? kRows : 4>(vectors);
    case 5: return multiplyFor<Units, B, kRows < 5 ? kRows : 5>(vectors);
    case 6: return multiplyFor<Units, B, kRows < 6 ? kRows : 6>(vectors);
    case 7: return multiplyFor<Units, B, kRows < 7 ? kRows : 7>(vectors);
    default: return multiplyFor<Units, B, kRows>(vectors);
  }
}

template <class C>
static bool isEmpty(const GemmEpilogue<C>& e) {
  return !e.bias && !e.residual && !e.pre && e.activation == GemmActivation::none && !e.geluGradPre;
}

// The epilogue of the sums x of n columns (a vector's worth at most) of C's row at `at`.
template <class T, class C>
TY_INLINE void finishVector(const GemmArgs<T, C>& g, Vf x, int64_t at, int64_t column, int64_t n) {
  const GemmEpilogue<C>& e = g.epilogue;
  if (e.bias) x = x + loadUpTo(e.bias + column, n);
  if (e.residual) x = x + loadUpTo(e.residual + at, n);
  if (e.pre) storeUpTo(e.pre + at, x, n);
  if (e.activation == GemmActivation::geluTanh) x = geluTanh(x);
  if (e.geluGradPre) x = x * geluTanhGrad(loadUpTo(e.geluGradPre + at, n));
  storeUpTo(g.c + at, x, n);
}

template <class T, class C>
static void finishRow(const GemmArgs<T, C>& g, const float* sums, int64_t row, int64_t column, int64_t columns) {
  eachVector(columns, [&](int64_t i, int64_t n) {
    const int64_t at = row * g.ldc + column + i;
    Vf x = loadUpTo(sums + i, n);
    // Floats were added to where they lie.
    if (sizeof(C) != sizeof(float) && g.accumulate) x = x + loadUpTo(g.c + at, n);
    finishVector(g, x, at, column + i, n);
  });
}

struct GemmTile {
  int64_t row, rows, column, columns;
};

// Where the sums of a tile lie: floats in C itself, others in a tile of their own.
TY_INLINE float* sumsOf(float* c, float*) { return c; }
template <class C>
TY_INLINE float* sumsOf(C*, float* tile) {
  return tile;
}

template <class Units, bool inPlace, class T, class C>
static void multiplyTile(const GemmArgs<T, C>& g, const GemmTile& tile, float* scratch) {
  constexpr bool isFloat = sizeof(C) == sizeof(float);
  constexpr int64_t kSteps = Units::kSteps;
  // Blocks of k of almost equal depth, so that none is too short to be worth its stores.
  const int64_t units = (g.k + kSteps - 1) / kSteps;
  const int64_t blocks = units > kDepth ? (units + kDepth - 1) / kDepth : 1;
  float* const packedA = scratch;
  float* const packedB = scratch + ((isFloat ? kTileRows : kHalfTileRows) + 8) * kDepth;
  float* const sums = sumsOf(g.c + tile.row * g.ldc + tile.column, packedB + (kBlockColumns + 8) * kDepth);
  const int64_t ldSums = isFloat ? g.ldc : kBlockColumns;
  const bool finish = !isFloat || !isEmpty(g.epilogue);
  for (int64_t block = 0; block < blocks; block++) {
    const int64_t depth = units * (block + 1) / blocks - units * block / blocks;
    const int64_t from = units * block / blocks * kSteps;
    const int64_t steps = g.k - from < depth * kSteps ? g.k - from : depth * kSteps;
    const bool add = (isFloat && g.accumulate) || block > 0;
    pack<kRows, Units>(!g.transposeA, g.a + (g.transposeA ? from * g.lda + tile.row : tile.row * g.lda + from), g.lda,
                       tile.rows, steps, packedA);
    for (int64_t j = 0; j < tile.columns; j += kBlockColumns) {
      const int64_t columns = tile.columns - j < kBlockColumns ? tile.columns - j : kBlockColumns;
      const int64_t column = tile.column + j;
      const T* const sourceB = g.b + (g.transposeB ? column * g.ldb + from : from * g.ldb + column);
      if (!inPlace) pack<kColumns, Units>(g.transposeB, sourceB, g.ldb, columns, steps, packedB);
      for (int64_t i = 0; i < tile.rows; i += kRows) {
        const int64_t rows = tile.rows - i < kRows ? tile.rows - i : kRows;
        const auto panel = multiplyFor<Units, float>(rows, kVectors);
        const float* const a = packedA + i * depth;
        float* const c = sums + i * ldSums + j;
        int64_t q = 0;
        if (inPlace) {
          if (rows == 1) {
            // One row leaves registers for more columns: B is then read in longer runs.
            for (; q + kWide * kColumns <= columns; q += kWide * kColumns) {
              multiplyPanels<Units, T, 1, kWide * kVectors>(depth, a, sourceB + q, g.ldb, c + q, ldSums, add, W);
            }
          }
          const auto direct = multiplyFor<Units, T>(rows, kVectors);
          for (; q + kColumns <= columns; q += kColumns) direct(depth, a, sourceB + q, g.ldb, c + q, ldSums, add, W);
          if (q < columns) pack<kColumns, Units>(false, sourceB + q, g.ldb, columns - q, steps, packedB);
        }
        for (; q < columns; q += kColumns) {
          const float* b = inPlace ? packedB : packedB + q * depth;
          const int64_t left = columns - q;
          if (left >= kColumns) {
            panel(depth, a, b, kColumns, c + q, ldSums, add, W);
          } else {
            const int64_t vectors = (left + W - 1) / W;
            multiplyFor<Units, float>(rows, vectors)(depth, a, b, kColumns, c + q, ldSums, add,
                                                     left - (vectors - 1) * W);
          }
        }
        if (finish && block == blocks - 1) {
          for (int64_t r = 0; r < rows; r++) finishRow(g, c + r * ldSums, tile.row + i + r, column, columns);
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
static GemmTiling chooseTiling(int64_t m, int64_t n, int threads, int64_t maxRows, int64_t maxColumns) {
  static const int16_t counts[] = {1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256};
  const int64_t rowPanels = (m + kRows - 1) / kRows, columnPanels = (n + kColumns - 1) / kColumns;
  const int64_t minDown = (m + maxRows - 1) / maxRows, minAcross = (n + maxColumns - 1) / maxColumns;
  GemmTiling best{};
  double bestCost = 1e300;
  for (int64_t down : counts) {
    down *= minDown;
    if (down > rowPanels && down > minDown) break;
    const int64_t rows = (rowPanels + down - 1) / down * kRows;
    for (int64_t across : counts) {
      across *= minAcross;
      if (across > columnPanels && across > minAcross) break;
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

template <class T, class C>
static void gemm(Pool& pool, const GemmArgs<T, C>& g) {
  if (g.m <= 0 || g.n <= 0) return;
  constexpr bool isFloat = sizeof(C) == sizeof(float);
  // A few rows read each element of B once or twice: packing it would cost more than it saves.
  const bool inPlace = !g.transposeB && g.m <= kRows;
  const GemmTiling t = isFloat ? chooseTiling(g.m, g.n, pool.threads(), kTileRows, g.n)
                               : chooseTiling(g.m, g.n, pool.threads(), kHalfTileRows, kBlockColumns);
  pool.parallelFor(t.across * t.down, [&](int64_t task, int worker) {
    GemmTile tile;
    tile.row = task / t.across * t.tileRows;
    tile.column = task % t.across * t.tileColumns;
    tile.rows = g.m - tile.row < t.tileRows ? g.m - tile.row : t.tileRows;
    tile.columns = g.n - tile.column < t.tileColumns ? g.n - tile.column : t.tileColumns;
    if (inPlace) {
      multiplyTile<FloatUnits<T>, true>(g, tile, pool.scratch(worker));
    } else {
      multiplyTile<typename ProductUnits<T>::Units, false>(g, tile, pool.scratch(worker));
    }
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
