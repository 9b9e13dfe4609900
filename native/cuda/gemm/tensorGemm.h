// Matrix products by tensor cores. A block takes a tile of side × side of C; each of its four warps a quarter of it. Tiles
// of A and B come in by asynchronous copies, two ahead of what is multiplied. A sum's terms come in one order, whatever
// the tiles.
#pragma once
#include "../ops/elementwise.h"
#include "product.h"
#include "tile.h"

namespace trainyard {
namespace gpu {

template <class T, class Out, bool transposeA, bool transposeB, int side>
struct TensorGemm {
  static constexpr const char* name = "tensorGemm";
  static constexpr int kThreads = 128;
  static constexpr int kMinBlocks = side == 64 ? 4 : sizeof(T) == 4 ? 1 : 2;
  static constexpr int kStages = 3;
  static constexpr int kK = static_cast<int>(64 / sizeof(T));
  static constexpr int kWarpColumns = side / 2, kWarpRows = side / 2;
  using TileA = Tile<T, transposeA ? kK : side, transposeA ? side : kK>;
  using TileB = Tile<T, transposeB ? side : kK, transposeB ? kK : side>;
  static constexpr size_t kSharedBytes = kStages * (TileA::kBytes + TileB::kBytes);
  using Args = ProductArgs<T, Out>;

  TY_KERNEL static void run(Thread& t, const Args& g) { multiplyTile(t, g, t.block() * side, t.blockY() * side); }

  // The tile of C that begins at m0, n0.
  TY_KERNEL static void multiplyTile(Thread& t, const Args& g, int64_t m0, int64_t n0) {
    constexpr int kMs = kWarpRows / 16;
    const int row0 = t.warp() / (side / kWarpColumns) * kWarpRows, column0 = t.warp() % (side / kWarpColumns) * kWarpColumns;
    Filler<TileA, kThreads> fillA(t, {g.a, g.lda, transposeA ? g.k : g.m, transposeA ? g.m : g.k}, transposeA ? 0 : m0,
                                  transposeA ? m0 : 0);
    Filler<TileB, kThreads> fillB(t, {g.b, g.ldb, transposeB ? g.n : g.k, transposeB ? g.k : g.n}, transposeB ? n0 : 0,
                                  transposeB ? 0 : n0);
    const int tiles = static_cast<int>((g.k + kK - 1) / kK);
    constexpr int kNs = kWarpColumns / 8;
    float sums[kMs][kNs][4] = {};
    if (m0 + side <= g.m && n0 + side <= g.n && g.k % kK == 0) {
      sumUp<true>(t, fillA, fillB, tiles, row0, column0, sums);
    } else {
      sumUp<false>(t, fillA, fillB, tiles, row0, column0, sums);
    }
    t.template waitCopies<0>();
    t.sync();
    const Shared<float> scratch = t.shared<float>(0) + 8 * t.index();
    TY_UNROLL
    for (int i = 0; i < kMs; i++) {
      TY_UNROLL
      for (int half = 0; half < 2; half++) {
        TY_UNROLL
        for (int first = 0; first < kNs; first += 4) {
          float pairs[4][2], columns[8];
          TY_UNROLL
          for (int j = 0; j < 4; j++) {
            pairs[j][0] = sums[i][first + j][2 * half];
            pairs[j][1] = sums[i][first + j][2 * half + 1];
          }
          exchangePairs(t, pairs, columns);
          const int64_t row = m0 + row0 + 16 * i + 8 * half + t.lane() / 4;
          const int64_t column = n0 + column0 + 8 * first + t.lane() % 4 * 8;
          if (row < g.m && column < g.n) finish8(g, row, column, columns, scratch);
        }
      }
    }
  }

 private:
  // The sums of a warp's part. whole: no end of a matrix lies in a tile.
  template <bool whole, class FillA, class FillB, int kMs, int kNs>
  TY_KERNEL static void sumUp(Thread& t, FillA& fillA, FillB& fillB, int tiles, int row0, int column0,
                              float (&sums)[kMs][kNs][4]) {
    const auto fill = [&](int tile, int stage) {
      if (tile < tiles) {
        if (whole) {
          fillA.fillWhole(t, tileA(t, stage));
          fillB.fillWhole(t, tileB(t, stage));
        } else {
          fillA.fill(t, tileA(t, stage));
          fillB.fill(t, tileB(t, stage));
        }
        transposeA ? fillA.nextRows(kK) : fillA.nextColumns(kK);
        transposeB ? fillB.nextColumns(kK) : fillB.nextRows(kK);
      }
      t.commitCopies();
    };
    for (int tile = 0; tile < kStages - 1; tile++) fill(tile, tile);
    int stage = 0;
    for (int tile = 0; tile < tiles; tile++) {
      t.template waitCopies<kStages - 2>();
      // The tile is there for all, and all have done with the one that is filled next.
      t.sync();
      fill(tile + kStages - 1, stage == 0 ? kStages - 1 : stage - 1);
      const TileA as = tileA(t, stage);
      const TileB bs = tileB(t, stage);
      stage = stage == kStages - 1 ? 0 : stage + 1;
      TY_UNROLL
      for (int k = 0; k < kK; k += kDepth<T>) {
        uint32_t fb[kNs / 2][4];
        TY_UNROLL
        for (int j = 0; j < kNs / 2; j++) loadFragments<transposeB, true>(t, bs, column0 + 16 * j, k, fb[j]);
        TY_UNROLL
        for (int i = 0; i < kMs; i++) {
          uint32_t fa[4];
          loadFragments<!transposeA, false>(t, as, row0 + 16 * i, k, fa);
          TY_UNROLL
          for (int j = 0; j < kNs; j++) {
            const uint32_t two[2] = {fb[j / 2][j % 2 * 2], fb[j / 2][j % 2 * 2 + 1]};
            t.template multiply<T>(sums[i][j], fa, two);
          }
        }
      }
    }
  }
  TY_KERNEL static TileA tileA(Thread& t, int tile) {
    return {t.shared<T>(static_cast<int>(tile * TileA::kBytes))};
  }
  TY_KERNEL static TileB tileB(Thread& t, int tile) {
    return {t.shared<T>(static_cast<int>(kStages * TileA::kBytes + tile * TileB::kBytes))};
  }
};

// Parts of a product with many terms and few tiles: each block sums up a part of the terms of a tile, for SumParts to add.
// Blocks: tiles down; blocksY: tiles across, part after part.
template <class T, int side>
struct TensorGemmParts {
  static constexpr const char* name = "tensorGemmParts";
  using Tiles = TensorGemm<T, float, false, false, side>;
  static constexpr int kThreads = Tiles::kThreads, kMinBlocks = Tiles::kMinBlocks;
  static constexpr size_t kSharedBytes = Tiles::kSharedBytes;
  struct Args {
    ProductArgs<T, float> product;  // c: of the first part
    int64_t terms, stride;          // of a part; from a part to the next one
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    ProductArgs<T, float> g = a.product;
    const int64_t across = (g.n + side - 1) / side, part = t.blockY() / across, first = part * a.terms;
    g.a += first;
    g.b += first * g.ldb;
    g.c += part * a.stride;
    g.k = first + a.terms < g.k ? a.terms : g.k - first;
    Tiles::multiplyTile(t, g, t.block() * side, t.blockY() % across * side);
  }
};

// y = (or +=) the sum of parts that lie side by side in each row, in order.
template <class T>
struct SumParts {
  static constexpr const char* name = "sumParts";
  struct Args {
    const float* parts;
    int64_t ld, stride, count;  // from row to row; from part to part
    T* y;
    int64_t rows, columns;
    bool accumulate;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.rows * a.columns, [&](int64_t i) {
      const float* from = a.parts + i / a.columns * a.ld + i % a.columns;
      float sum = 0;
      for (int64_t p = 0; p < a.count; p++) sum += from[p * a.stride];
      fromFloat(a.accumulate ? sum + toFloat(a.y[i]) : sum, a.y + i);
    });
  }
};

// Whether its tiles can be copied: rows are aligned to 16 bytes.
template <class T>
bool hasAlignedOperands(const T* a, int64_t lda, const T* b, int64_t ldb) {
  constexpr int64_t kChunk = 16 / sizeof(T);
  return lda % kChunk == 0 && ldb % kChunk == 0 && reinterpret_cast<uintptr_t>(a) % 16 == 0 &&
         reinterpret_cast<uintptr_t>(b) % 16 == 0;
}

}  // namespace gpu
}  // namespace trainyard
