// Tiles of matrices in shared memory, filled by asynchronous copies and read as fragments for tensor cores.
#pragma once
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

// A matrix of which elements may be read: rows of `ld` elements; what is past its ends counts as 0.
template <class T>
struct MatrixView {
  const T* at;
  int64_t ld;
  int64_t rows, columns;
};

// Rows are cut into chunks of 16 bytes, which change places within their row so that the eight rows of a fragment lie in
// different banks, and so do the columns of a fragment of floats.
template <class T, int rows, int columns>
struct Tile {
  static constexpr int kChunk = static_cast<int>(16 / sizeof(T));
  static constexpr int kRowChunks = columns / kChunk;
  static constexpr int kElements = rows * columns;
  static constexpr size_t kBytes = kElements * sizeof(T);
  static_assert(kRowChunks == 4 || kRowChunks % 8 == 0, "rows have 64 bytes, or a multiple of 128");

  Shared<T> at;

  TY_KERNEL static int place(int row, int column) {
    const int chunk = column / kChunk;
    int turned;
    if constexpr (kRowChunks == 4) {
      turned = chunk ^ (row / 2 % 4);
    } else if constexpr (sizeof(T) == 4) {
      turned = chunk ^ (row % 4 * 2);
    } else {
      turned = chunk ^ (row % 8);
    }
    return (row * kRowChunks + turned) * kChunk + column % kChunk;
  }
};

// Fills tiles with what lies one behind the other in a matrix, whose rows are aligned to 16 bytes. Each thread of a block
// copies the same chunks of every tile, so that few numbers need be kept.
template <class TileType, int threads>
class Filler;
template <class T, int rows, int columns, int threads>
class Filler<Tile<T, rows, columns>, threads> {
 public:
  using TileType = Tile<T, rows, columns>;

  // The first tile begins at row0, column0.
  TY_KERNEL Filler(Thread& t, const MatrixView<T>& x, int64_t row0, int64_t column0)
      : place_(TileType::place(t.index() / kRowChunks, t.index() % kRowChunks * kChunk)),
        from_(x.at + (row0 + t.index() / kRowChunks) * x.ld + column0 + t.index() % kRowChunks * kChunk),
        ld_(x.ld),
        rowsLeft_(static_cast<int>(x.rows - row0) - t.index() / kRowChunks),
        columnsLeft_(static_cast<int>(x.columns - column0) - t.index() % kRowChunks * kChunk) {}

  // The same of a tile that has no end of the matrix in it.
  TY_KERNEL void fillWhole(Thread& t, const TileType& tile) const {
    TY_UNROLL
    for (int i = 0; i < rows / kStep; i++) t.copyAsync(tile.at + (place_ + i * kStep * columns), from_ + i * kStep * ld_);
  }
  // Begins to copy; what is past the ends of the matrix becomes 0.
  TY_KERNEL void fill(Thread& t, const TileType& tile) const {
    const int count = columnsLeft_ < 0 ? 0 : columnsLeft_ > kChunk ? kChunk : columnsLeft_;
    TY_UNROLL
    for (int i = 0; i < rows / kStep; i++) {
      const int bytes = i * kStep < rowsLeft_ ? count * static_cast<int>(sizeof(T)) : 0;
      t.copyAsync(tile.at + (place_ + i * kStep * columns), from_ + i * kStep * ld_, bytes);
    }
  }
  TY_KERNEL void nextRows(int n) {
    from_ += n * ld_;
    rowsLeft_ -= n;
  }
  TY_KERNEL void nextColumns(int n) {
    from_ += n;
    columnsLeft_ -= n;
  }

 private:
  static constexpr int kChunk = TileType::kChunk, kRowChunks = TileType::kRowChunks, kStep = threads / kRowChunks;
  static_assert(kStep % (sizeof(T) == 4 ? 4 : 8) == 0 && rows % kStep == 0, "chunks of a thread change places alike");

  int place_;
  const T* from_;
  int64_t ld_;
  int rowsLeft_, columnsLeft_;
};

// How deep a tensor core multiplies at once: 32 bytes of every row.
template <class T>
constexpr int kDepth = static_cast<int>(32 / sizeof(T));

// What a warp multiplies of 16 rows of A, or 16 columns of B, over kDepth<T> terms. `sideIsRow`: the tile has a row for
// each of the 16, else a column. Order of A: lower and upper half of the 16, then both in the upper half of the terms. Of
// B: both halves of the terms of its first 8 columns, then of the others, so that what is multiplied lies in registers
// side by side.
template <bool sideIsRow, bool isB, class T, int rows, int columns>
TY_KERNEL void loadFragments(Thread& t, const Tile<T, rows, columns>& tile, int side0, int k0, uint32_t (&out)[4]) {
  using TileType = Tile<T, rows, columns>;
  const int q = t.lane() / 8, r = t.lane() % 8, s = isB ? q / 2 : q % 2, h = isB ? q % 2 : q / 2;
  if constexpr (sideIsRow) {
    t.loadMatrices(tile.at + TileType::place(side0 + s * 8 + r, k0 + h * (kDepth<T> / 2)), out);
  } else if constexpr (sizeof(T) == 2) {
    t.loadMatricesTransposed(tile.at + TileType::place(k0 + h * 8 + r, side0 + s * 8), out);
  } else {
    TY_UNROLL
    for (int i = 0; i < 4; i++) {
      const int si = isB ? i / 2 : i % 2, hi = isB ? i % 2 : i / 2;
      out[i] = floatBits(tile.at[TileType::place(k0 + hi * 4 + t.lane() % 4, side0 + si * 8 + t.lane() / 4)]);
    }
  }
  if constexpr (sizeof(T) == 4) {
    TY_UNROLL
    for (int i = 0; i < 4; i++) out[i] = roundTf32(out[i]);
  }
}

// Of each of 4 neighboring lanes, pair j is for lane j: turns pairs of columns of 4 products side by side into 8 columns
// of one. in[j]: columns 2 (lane % 4) and the next of product j; out: all 8 of product lane % 4.
TY_KERNEL void exchangePairs(Thread& t, const float (&in)[4][2], float (&out)[8]) {
  const bool odd = t.lane() % 2 == 1, upper = t.lane() / 2 % 2 == 1;
  float v[4][2];
  TY_UNROLL
  for (int j = 0; j < 4; j += 2) {
    TY_UNROLL
    for (int i = 0; i < 2; i++) {
      const float other = t.shuffleXor(odd ? in[j][i] : in[j + 1][i], 1);
      v[j][i] = odd ? other : in[j][i];
      v[j + 1][i] = odd ? in[j + 1][i] : other;
    }
  }
  TY_UNROLL
  for (int j = 0; j < 2; j++) {
    TY_UNROLL
    for (int i = 0; i < 2; i++) {
      const float other = t.shuffleXor(upper ? v[j][i] : v[j + 2][i], 2);
      out[2 * j + i] = upper ? other : v[j][i];
      out[2 * (j + 2) + i] = upper ? v[j + 2][i] : other;
    }
  }
}

}  // namespace gpu
}  // namespace trainyard
