// Causal self-attention by tensor cores, without the time × time matrix (Dao 2023), over numbers of 16 bits. A block takes
// 64 queries of a head, or 64 keys in the part of the backward pass that sums over queries; each of its four warps takes
// 16 of them. No sum is shared between blocks, so each comes out the same every time. Kernels with dropout are others:
// the numbers of its masks take registers.
#pragma once
#include "attentionArgs.h"
#include "pack.h"
#include "../gemm/tile.h"

namespace trainyard {
namespace gpu {

constexpr int kTensorAttentionThreads = 128, kTensorAttentionRows = 64;

// Which head a block takes, and which stretch of its rows.
struct HeadBlock {
  int64_t head;
  int segment;
};

// Blocks begin in the order of their numbers: eight heads at a time, whose keys and values stay in the cache, and of those
// the first stretches of all, then the second ones: what takes longest must not begin last.
TY_KERNEL HeadBlock headBlockOf(Thread& t, int64_t time) {
  constexpr int kHeadsAtOnce = 8;
  const int segments = static_cast<int>((time + kTensorAttentionRows - 1) / kTensorAttentionRows);
  const int block = static_cast<int>(t.block()), heads = static_cast<int>(t.blocks()) / segments;
  const int group = block / (kHeadsAtOnce * segments) * kHeadsAtOnce, within = block % (kHeadsAtOnce * segments);
  const int size = heads - group < kHeadsAtOnce ? heads - group : kHeadsAtOnce;
  return {group + within % size, within / size};
}

template <class T>
TY_KERNEL uint32_t packPair(float x, float y) {
  T a, b;
  fromFloat(x, &a);
  fromFloat(y, &b);
  return a.bits | static_cast<uint32_t>(b.bits) << 16;
}

// Two neighboring products of 16 × 8 as the 16 × 16 left side of another.
template <class T>
TY_KERNEL void asFragment(const float (&left)[4], const float (&right)[4], uint32_t (&out)[4]) {
  out[0] = packPair<T>(left[0], left[1]);
  out[1] = packPair<T>(left[2], left[3]);
  out[2] = packPair<T>(right[0], right[1]);
  out[3] = packPair<T>(right[2], right[3]);
}

template <class T>
TY_KERNEL MatrixView<T> matrixOf(const HeadView<const T>& head, int64_t time, int64_t headDim) {
  return {head.at, head.stride, time, headDim};
}

// products[j] += A · B, of 16 rows of `a` and count × 8 columns: rows of `b` where `sideIsRow`, else its columns.
template <bool sideIsRow, int count, class T, int rows, int columns>
TY_KERNEL void multiplyTile(Thread& t, const uint32_t (&fa)[4], const Tile<T, rows, columns>& b, int k0,
                            float (&products)[count][4]) {
  TY_UNROLL
  for (int j = 0; j < count; j += 2) {
    uint32_t fb[4];
    loadFragments<sideIsRow, true>(t, b, 8 * j, k0, fb);
    const uint32_t first[2] = {fb[0], fb[1]}, second[2] = {fb[2], fb[3]};
    t.template multiply<T>(products[j], fa, first);
    t.template multiply<T>(products[j + 1], fa, second);
  }
}

// products = X · Yᵀ of 16 rows of x from row0 on and all rows of y, both D wide. atOnce: steps along D.
template <int D, int atOnce = D / 16, int count, class T, int rowsX, int rowsY>
TY_KERNEL void scoresOf(Thread& t, const Tile<T, rowsX, D>& x, int row0, const Tile<T, rowsY, D>& y,
                        float (&products)[count][4]) {
  TY_UNROLL
  for (int j = 0; j < count; j++) {
    TY_UNROLL
    for (int i = 0; i < 4; i++) products[j][i] = 0;
  }
  TY_UNROLL_BY(atOnce)
  for (int k = 0; k < D; k += 16) {
    uint32_t fx[4];
    loadFragments<true, false>(t, x, row0, k, fx);
    multiplyTile<true>(t, fx, y, k, products);
  }
}

// sums += X · Y, X of 16 rows in registers, as many columns as y has rows.
template <int D, int count, class T, int rows>
TY_KERNEL void addProducts(Thread& t, const float (&x)[count][4], const Tile<T, rows, D>& y, float (&sums)[D / 8][4]) {
  TY_UNROLL
  for (int j = 0; j < count; j += 2) {
    uint32_t fx[4];
    asFragment<T>(x[j], x[j + 1], fx);
    multiplyTile<false>(t, fx, y, 8 * j, sums);
  }
}

// Turns scores of a row (lane / 4, or the one 8 further) into their powers relative to the highest so far, and makes what was
// summed up before so, too (Milakov & Gimelshein 2018). top: of scores as they are, not scaled; not minus infinity where
// a row may see no key of a tile. total: of this lane's columns.
template <int D, int count>
TY_KERNEL void softmaxStep(Thread& t, float scale, int half, float (&scores)[count][4], float (&sums)[D / 8][4],
                           float& top, float& total) {
  float largest[2] = {top, scores[0][2 * half]};
  TY_UNROLL
  for (int j = 0; j < count; j++) {
    TY_UNROLL
    for (int i = 0; i < 2; i++) largest[i] = fmaxf(largest[i], scores[j][2 * half + i]);
  }
  float highest = fmaxf(largest[0], largest[1]);
  TY_UNROLL
  for (int mask = 1; mask <= 2; mask *= 2) highest = fmaxf(highest, t.shuffleXor(highest, mask));
  // From the difference, which is 0 where nothing was higher: rounding must not shrink what stays.
  const float base = highest * scale, shrink = exp2Fast((top - highest) * scale);
  top = highest;
  total *= shrink;
  TY_UNROLL
  for (int j = 0; j < D / 8; j++) {
    sums[j][2 * half] *= shrink;
    sums[j][2 * half + 1] *= shrink;
  }
  TY_UNROLL
  for (int j = 0; j < count; j++) {
    TY_UNROLL
    for (int i = 0; i < 2; i++) {
      float& score = scores[j][2 * half + i];
      score = exp2Fast(fmaf(score, scale, -base));
      total += score;
    }
  }
}

// Of what each of a row's four lanes has summed up the total, in all of them, and its inverse.
TY_KERNEL void totalsOf(Thread& t, float (&total)[2], float (&inverse)[2]) {
  TY_UNROLL
  for (int half = 0; half < 2; half++) {
    total[half] += t.shuffleXor(total[half], 1);
    total[half] += t.shuffleXor(total[half], 2);
    inverse[half] = 1.0f / total[half];
  }
}

// Writes 16 rows, of which a lane has lane / 4 (times scale[0]) and the row 8 further (times scale[1]).
template <int D, class T>
TY_KERNEL void storeRows(Thread& t, const float (&sums)[D / 8][4], const float (&scale)[2], const HeadView<T>& to,
                         int64_t row0, int64_t rows, int64_t headDim) {
  TY_UNROLL
  for (int half = 0; half < 2; half++) {
    const int64_t row = row0 + 8 * half + t.lane() / 4;
    TY_UNROLL
    for (int j = 0; j < D / 8; j += 4) {
      float pairs[4][2], columns[8];
      TY_UNROLL
      for (int p = 0; p < 4; p++) {
        pairs[p][0] = sums[j + p][2 * half] * scale[half];
        pairs[p][1] = sums[j + p][2 * half + 1] * scale[half];
      }
      exchangePairs(t, pairs, columns);
      const int64_t column = 8 * (j + t.lane() % 4);
      if (row < rows && column < headDim) store8(columns, to.at + row * to.stride + column);
    }
  }
}

// Blocks: 64 queries of a head each, the last ones first, since they see the most keys.
template <class T, int D, bool drops>
struct TensorAttentionForward {
  static constexpr const char* name = "tensorAttention";
  static constexpr int kThreads = kTensorAttentionThreads, kMinBlocks = D > 64 || drops ? 2 : 3, kKeys = D > 64 ? 32 : 64;
  using Rows = Tile<T, kTensorAttentionRows, D>;
  using Keys = Tile<T, kKeys, D>;
  static constexpr size_t kSharedBytes = Rows::kBytes + 2 * Keys::kBytes;
  using Args = AttentionArgs<T>;

  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Rows qs = {t.shared<T>(0)};
    const Keys ks = {qs.at + Rows::kElements}, vs = {ks.at + Keys::kElements};
    const HeadBlock own = headBlockOf(t, a.time);
    const int64_t bh = own.head, q0 = (a.time - 1) / kTensorAttentionRows * kTensorAttentionRows -
                                      int64_t{own.segment} * kTensorAttentionRows;
    const HeadView<const T> q = queriesOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> k = keysOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> v = valuesOf(a.qkv, bh, a.shape, a.time);
    const int row0 = 16 * t.warp(), query = static_cast<int>(q0) + row0 + t.lane() / 4;  // and the one 8 further
    const int end = static_cast<int>(q0 + kTensorAttentionRows < a.time ? q0 + kTensorAttentionRows : a.time);
    Filler<Keys, kThreads> keys(t, matrixOf(k, a.time, a.shape.headDim), 0, 0), values(t, matrixOf(v, a.time, a.shape.headDim), 0, 0);
    Filler<Rows, kThreads>(t, matrixOf(q, a.time, a.shape.headDim), q0, 0).fill(t, qs);
    keys.fill(t, ks);
    t.commitCopies();
    t.template waitCopies<0>();
    t.sync();
    const float scale = a.scale * kLog2E;
    float sums[D / 8][4] = {}, top[2] = {-INFINITY, -INFINITY}, total[2] = {0, 0};
    for (int first = 0; first < end; first += kKeys) {
      values.fill(t, vs);
      values.nextRows(kKeys);
      t.commitCopies();
      float scores[kKeys / 8][4];
      scoresOf<D>(t, qs, row0, ks, scores);
      // The values are there, and all have done with the keys.
      t.template waitCopies<0>();
      t.sync();
      keys.nextRows(kKeys);
      if (first + kKeys < end) keys.fill(t, ks);
      t.commitCopies();
      // Only tiles at the diagonal have keys that some query must not see.
      if (first + kKeys - 1 > static_cast<int>(q0) + row0) mask(t, query, first, scores);
      TY_UNROLL
      for (int half = 0; half < 2; half++) softmaxStep<D>(t, scale, half, scores, sums, top[half], total[half]);
      if (drops) drop(t, a, bh, query, first, scores);
      addProducts<D>(t, scores, vs, sums);
      t.template waitCopies<0>();
      t.sync();
    }
    float inverse[2];
    totalsOf(t, total, inverse);
    TY_UNROLL
    for (int half = 0; half < 2; half++) {
      const int row = query + 8 * half;
      if (t.lane() % 4 == 0 && row < a.time) a.lse[bh * a.time + row] = (top[half] * scale + log2f(total[half])) * kLn2;
    }
    storeRows<D>(t, sums, inverse, resultsOf(a.y, bh, a.shape, a.time), q0 + row0, a.time, a.shape.headDim);
  }

 private:
  // Takes away the keys behind a query, and behind the one 8 further.
  TY_KERNEL static void mask(Thread& t, int query, int first, float (&scores)[kKeys / 8][4]) {
    TY_UNROLL
    for (int j = 0; j < kKeys / 8; j++) {
      TY_UNROLL
      for (int i = 0; i < 4; i++) {
        if (first + 8 * j + t.lane() % 4 * 2 + i % 2 > query + i / 2 * 8) scores[j][i] = -INFINITY;
      }
    }
  }

  TY_KERNEL static void drop(Thread& t, const Args& a, int64_t bh, int query, int first,
                             float (&scores)[kKeys / 8][4]) {
    TY_UNROLL
    for (int j = 0; j < kKeys / 8; j++) {
      TY_UNROLL
      for (int i = 0; i < 4; i++)
        scores[j][i] *= maskOf(a, bh, query + i / 2 * 8, first + 8 * j + t.lane() % 4 * 2 + i % 2);
    }
  }
};

// Rows of the other side that are worked on at once in the backward pass: as many as registers allow.
template <int D>
constexpr int kBackwardKeys = D > 64 ? 32 : 64;
template <int D>
constexpr int kBackwardQueries = D > 64 ? 16 : 64;

// dq = Σ over keys of ds · key, ds = p (dp - delta). Blocks as in the forward pass.
template <class T, int D, bool drops>
struct TensorAttentionBackwardQueries {
  static constexpr const char* name = "tensorAttentionBackwardQueries";
  static constexpr int kThreads = kTensorAttentionThreads, kMinBlocks = D > 64 ? 1 : 2, kKeys = kBackwardKeys<D>;
  using Rows = Tile<T, kTensorAttentionRows, D>;
  using Keys = Tile<T, kKeys, D>;
  static constexpr size_t kSharedBytes = 2 * Rows::kBytes + 4 * Keys::kBytes;
  using Args = AttentionArgs<T>;

  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Rows qs = {t.shared<T>(0)}, gs = {qs.at + Rows::kElements};
    const Shared<T> keys = gs.at + Rows::kElements, values = keys + 2 * Keys::kElements;
    const HeadBlock own = headBlockOf(t, a.time);
    const int64_t bh = own.head, q0 = (a.time - 1) / kTensorAttentionRows * kTensorAttentionRows -
                                      int64_t{own.segment} * kTensorAttentionRows;
    const MatrixView<T> k = matrixOf(keysOf(a.qkv, bh, a.shape, a.time), a.time, a.shape.headDim);
    const MatrixView<T> v = matrixOf(valuesOf(a.qkv, bh, a.shape, a.time), a.time, a.shape.headDim);
    const MatrixView<T> q = matrixOf(queriesOf(a.qkv, bh, a.shape, a.time), a.time, a.shape.headDim);
    const MatrixView<T> dy = matrixOf(resultsOf(a.dy, bh, a.shape, a.time), a.time, a.shape.headDim);
    const int row0 = 16 * t.warp(), query0 = static_cast<int>(q0) + row0 + t.lane() / 4;
    const int end = static_cast<int>(q0 + kTensorAttentionRows < a.time ? q0 + kTensorAttentionRows : a.time);
    Filler<Keys, kThreads> fillKeys(t, k, 0, 0), fillValues(t, v, 0, 0);
    const auto fill = [&](int first) {
      if (first < end) {
        const int stage = first / kKeys % 2 * Keys::kElements;
        fillKeys.fill(t, Keys{keys + stage});
        fillValues.fill(t, Keys{values + stage});
        fillKeys.nextRows(kKeys);
        fillValues.nextRows(kKeys);
      }
      t.commitCopies();
    };
    Filler<Rows, kThreads>(t, q, q0, 0).fill(t, qs);
    Filler<Rows, kThreads>(t, dy, q0, 0).fill(t, gs);
    fill(0);
    float lse[2], delta[2];
    TY_UNROLL
    for (int half = 0; half < 2; half++) {
      const int query = query0 + 8 * half;
      lse[half] = query < a.time ? a.lse[bh * a.time + query] * kLog2E : 0.0f;
      delta[half] = query < a.time ? a.delta[bh * a.time + query] : 0.0f;
    }
    const float scale = a.scale * kLog2E;
    float sums[D / 8][4] = {};
    for (int first = 0; first < end; first += kKeys) {
      t.template waitCopies<0>();
      t.sync();
      fill(first + kKeys);
      const int stage = first / kKeys % 2 * Keys::kElements;
      const Keys ks = {keys + stage}, vs = {values + stage};
      float ds[kKeys / 8][4], dp[kKeys / 8][4];
      scoresOf<D>(t, qs, row0, ks, ds);
      scoresOf<D>(t, gs, row0, vs, dp);
      TY_UNROLL
      for (int j = 0; j < kKeys / 8; j++) {
        TY_UNROLL
        for (int i = 0; i < 4; i++) ds[j][i] = exp2Fast(fmaf(ds[j][i], scale, -lse[i / 2]));
      }
      // Only tiles at the diagonal have keys that some query must not see.
      if (first + kKeys - 1 > static_cast<int>(q0) + row0) {
        TY_UNROLL
        for (int j = 0; j < kKeys / 8; j++) {
          TY_UNROLL
          for (int i = 0; i < 4; i++) {
            if (first + 8 * j + t.lane() % 4 * 2 + i % 2 > query0 + i / 2 * 8) ds[j][i] = 0;
          }
        }
      }
      TY_UNROLL
      for (int j = 0; j < kKeys / 8; j++) {
        TY_UNROLL
        for (int i = 0; i < 4; i++) {
          const int query = query0 + i / 2 * 8, key = first + 8 * j + t.lane() % 4 * 2 + i % 2;
          const float masked = drops ? dp[j][i] * maskOf(a, bh, query, key) : dp[j][i];
          ds[j][i] *= masked - delta[i / 2];
        }
      }
      addProducts<D>(t, ds, ks, sums);
    }
    t.template waitCopies<0>();
    const float scales[2] = {a.scale, a.scale};
    storeRows<D>(t, sums, scales, queriesOf(a.dqkv, bh, a.shape, a.time), q0 + row0, a.time, a.shape.headDim);
  }
};

// dk = Σ over queries of ds · query, dv = Σ p · dy. Blocks: 64 keys of a head each, the first ones first, since the most
// queries see them. Scores are taken with keys as rows. The heads of queries that see one of keys come one by one.
template <class T, int D, bool drops>
struct TensorAttentionBackwardKeys {
  static constexpr const char* name = "tensorAttentionBackwardKeys";
  static constexpr int kThreads = kTensorAttentionThreads, kMinBlocks = D > 64 ? 1 : 2, kQueries = kBackwardQueries<D>;
  using Rows = Tile<T, kTensorAttentionRows, D>;
  using Queries = Tile<T, kQueries, D>;
  static constexpr size_t kTileBytes = 2 * Rows::kBytes + 4 * Queries::kBytes;
  static constexpr size_t kSharedBytes = kTileBytes + 4 * kQueries * sizeof(float);
  using Args = AttentionArgs<T>;

  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Rows ks = {t.shared<T>(0)}, vs = {ks.at + Rows::kElements};
    const Shared<T> queries = vs.at + Rows::kElements, gradients = queries + 2 * Queries::kElements;
    const Shared<float> numbers = t.shared<float>(static_cast<int>(kTileBytes));
    const HeadBlock block = headBlockOf(t, a.time);
    const int64_t firstHead = firstHeadOf(block.head, a.shape), endHead = firstHeadOf(block.head + 1, a.shape);
    const int64_t k0 = int64_t{block.segment} * kTensorAttentionRows;
    const MatrixView<T> k = matrixOf(keysOf(a.qkv, firstHead, a.shape, a.time), a.time, a.shape.headDim);
    const MatrixView<T> v = matrixOf(valuesOf(a.qkv, firstHead, a.shape, a.time), a.time, a.shape.headDim);
    const int row0 = 16 * t.warp(), time = static_cast<int>(a.time), key0 = static_cast<int>(k0) + row0 + t.lane() / 4;
    Filler<Rows, kThreads>(t, k, k0, 0).fill(t, ks);
    Filler<Rows, kThreads>(t, v, k0, 0).fill(t, vs);
    const float scale = a.scale * kLog2E;
    float keySums[D / 8][4] = {}, valueSums[D / 8][4] = {};
    for (int64_t bh = firstHead; bh < endHead; bh++) {
      const MatrixView<T> q = matrixOf(queriesOf(a.qkv, bh, a.shape, a.time), a.time, a.shape.headDim);
      const MatrixView<T> dy = matrixOf(resultsOf(a.dy, bh, a.shape, a.time), a.time, a.shape.headDim);
      Filler<Queries, kThreads> fillQueries(t, q, k0, 0), fillGradients(t, dy, k0, 0);
      const auto fill = [&](int first) {
        if (first < time) {
          const int stage = first / kQueries % 2;
          fillQueries.fill(t, Queries{queries + stage * Queries::kElements});
          fillGradients.fill(t, Queries{gradients + stage * Queries::kElements});
          fillQueries.nextRows(kQueries);
          fillGradients.nextRows(kQueries);
          // Of each query lse and delta.
          if (t.index() < 2 * kQueries) {
            const int query = first + t.index() % kQueries;
            const float* from = t.index() < kQueries ? a.lse : a.delta;
            const float unit = t.index() < kQueries ? kLog2E : 1.0f;
            numbers[2 * kQueries * stage + t.index()] = query < time ? from[bh * a.time + query] * unit : 0.0f;
          }
        }
        t.commitCopies();
      };
      // All have done with the queries of the head before.
      if (bh > firstHead) t.sync();
      fill(static_cast<int>(k0));
      for (int first = static_cast<int>(k0); first < time; first += kQueries) {
        t.template waitCopies<0>();
        t.sync();
        fill(first + kQueries);
        const int stage = first / kQueries % 2;
        const Queries qs = {queries + stage * Queries::kElements}, gs = {gradients + stage * Queries::kElements};
        const Shared<float> own = numbers + 2 * kQueries * stage;
        float p[kQueries / 8][4], ds[kQueries / 8][4];
        // Two steps at once where registers are short.
        constexpr int kAtOnce = D > 64 || drops ? 2 : 4;
        scoresOf<D, kAtOnce>(t, ks, row0, qs, p);
        scoresOf<D, kAtOnce>(t, vs, row0, gs, ds);
        // Queries before this one, counted from the first column of a lane, don't see its first key; in tiles off the
        // diagonal there are none. Queries past the end need no care: their vectors, lse and delta are 0.
        const int from = first < static_cast<int>(k0) + row0 + 15 ? key0 - first - t.lane() % 4 * 2 : -kQueries;
        TY_UNROLL
        for (int j = 0; j < kQueries / 8; j++) {
          TY_UNROLL
          for (int i = 0; i < 4; i++) {
            const int column = 8 * j + t.lane() % 4 * 2 + i % 2;
            const float seen = exp2Fast(fmaf(p[j][i], scale, -own[column]));
            const float power = 8 * j + i % 2 - i / 2 * 8 < from ? 0.0f : seen;
            const float mask = drops ? maskOf(a, bh, first + column, key0 + i / 2 * 8) : 1.0f;
            ds[j][i] = power * fmaf(ds[j][i], mask, -own[kQueries + column]);
            p[j][i] = power * mask;
          }
        }
        addProducts<D>(t, p, gs, valueSums);
        addProducts<D>(t, ds, qs, keySums);
      }
    }
    t.template waitCopies<0>();
    const float scales[2] = {a.scale, a.scale}, ones[2] = {1, 1};
    storeRows<D>(t, keySums, scales, keysOf(a.dqkv, firstHead, a.shape, a.time), k0 + row0, a.time, a.shape.headDim);
    storeRows<D>(t, valueSums, ones, valuesOf(a.dqkv, firstHead, a.shape, a.time), k0 + row0, a.time, a.shape.headDim);
  }
};

}  // namespace gpu
}  // namespace trainyard
