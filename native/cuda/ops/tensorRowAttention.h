// Attention of many rows to keys that are picked for each, by tensor cores: to a cache, or to stretches of packed text. A
// block takes 64 rows of a head, and of the keys the stretch that any of its rows sees something of.
#pragma once
#include "rowAttention.h"
#include "tensorAttention.h"

namespace trainyard {
namespace gpu {

// What a block reads and writes of a head.
template <class T>
struct RowsOfHead {
  MatrixView<T> queries, keys, values;
  HeadView<T> y;
  int row0;        // its first one
  int begin, end;  // of the keys
};

template <int D>
struct TensorRows {
  static constexpr int kThreads = kTensorAttentionThreads, kMinBlocks = 2, kKeys = D > 64 ? 32 : 64;
};

template <class T, int D>
constexpr size_t kTensorRowsBytes = (kTensorAttentionRows + 2 * TensorRows<D>::kKeys) * D * sizeof(T);

// sees(half, key): whether the row lane / 4 of a warp's 16, or the one 8 further, sees a key.
template <int D, class T, class Sees>
TY_KERNEL void attendRows(Thread& t, const RowsOfHead<T>& b, int64_t headDim, const Sees& sees) {
  constexpr int kKeys = TensorRows<D>::kKeys;
  using Rows = Tile<T, kTensorAttentionRows, D>;
  using Keys = Tile<T, kKeys, D>;
  const Rows qs = {t.shared<T>(0)};
  const Keys ks = {qs.at + Rows::kElements}, vs = {ks.at + Keys::kElements};
  Filler<Keys, kTensorAttentionThreads> keys(t, b.keys, b.begin, 0), values(t, b.values, b.begin, 0);
  Filler<Rows, kTensorAttentionThreads>(t, b.queries, b.row0, 0).fill(t, qs);
  keys.fill(t, ks);
  t.commitCopies();
  t.template waitCopies<0>();
  t.sync();
  // A row may see no key of a tile: what is highest must be a number.
  constexpr float kLowest = -1e30f;
  const float scale = kLog2E / sqrtf(static_cast<float>(headDim));
  float sums[D / 8][4] = {}, top[2] = {kLowest, kLowest}, total[2] = {0, 0};
  for (int first = b.begin; first < b.end; first += kKeys) {
    values.fill(t, vs);
    values.nextRows(kKeys);
    t.commitCopies();
    float scores[kKeys / 8][4];
    scoresOf<D>(t, qs, 16 * t.warp(), ks, scores);
    // The values are there, and all have done with the keys.
    t.template waitCopies<0>();
    t.sync();
    keys.nextRows(kKeys);
    if (first + kKeys < b.end) keys.fill(t, ks);
    t.commitCopies();
    TY_UNROLL
    for (int j = 0; j < kKeys / 8; j++) {
      TY_UNROLL
      for (int i = 0; i < 4; i++) {
        if (!sees(i / 2, first + 8 * j + t.lane() % 4 * 2 + i % 2)) scores[j][i] = -INFINITY;
      }
    }
    TY_UNROLL
    for (int half = 0; half < 2; half++) softmaxStep<D>(t, scale, half, scores, sums, top[half], total[half]);
    addProducts<D>(t, scores, vs, sums);
    t.template waitCopies<0>();
    t.sync();
  }
  float inverse[2];
  totalsOf(t, total, inverse);
  storeRows<D>(t, sums, inverse, b.y, b.row0 + 16 * t.warp(), b.queries.rows, headDim);
}

// Blocks: 64 tokens of a head of a sequence each.
template <class T, int D>
struct TensorCachedAttention : TensorRows<D> {
  static constexpr const char* name = "tensorCachedAttention";
  using Args = CachedAttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const HeadBlock own = headBlockOf(t, a.time);
    const HeadShape& s = a.shape;
    const int64_t sequence = own.head / s.heads, h = own.head % s.heads, headDim = s.headDim;
    const int position = static_cast<int>(cachePosition(t, a)), time = static_cast<int>(a.time);
    const int row0 = own.segment * kTensorAttentionRows;
    const int end = position + (row0 + kTensorAttentionRows < time ? row0 + kTensorAttentionRows : time);
    const int64_t cache = (sequence * s.kvHeads + s.kvHead(h)) * a.context * headDim;
    RowsOfHead<T> b;
    b.queries = {a.qkv + sequence * a.time * s.stride() + h * headDim, s.stride(), a.time, headDim};
    b.keys = {a.kCache + cache, headDim, end, headDim};
    b.values = {a.vCache + cache, headDim, end, headDim};
    b.y = {a.y + sequence * a.time * s.width() + h * headDim, s.width()};
    b.row0 = row0;
    b.begin = 0;
    b.end = end;
    const int last = position + row0 + 16 * t.warp() + t.lane() / 4;
    attendRows<D>(t, b, headDim, [&](int half, int key) { return key <= last + 8 * half; });
  }
};

// Blocks: 64 rows of a head each.
template <class T, int D>
struct TensorPackedAttention : TensorRows<D> {
  static constexpr const char* name = "tensorPackedAttention";
  using Args = PackedAttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const HeadBlock own = headBlockOf(t, a.rows);
    const HeadShape& s = a.shape;
    const int rows = static_cast<int>(a.rows), row0 = own.segment * kTensorAttentionRows;
    const int64_t kvHead = s.kvHead(own.head);
    RowsOfHead<T> b;
    b.queries = {a.qkv + own.head * s.headDim, s.stride(), a.rows, s.headDim};
    b.keys = {a.qkv + s.keys(kvHead), s.stride(), a.rows, s.headDim};
    b.values = {a.qkv + s.values(kvHead), s.stride(), a.rows, s.headDim};
    b.y = {a.y + own.head * s.headDim, s.width()};
    b.row0 = row0;
    b.end = row0 + kTensorAttentionRows < rows ? row0 + kTensorAttentionRows : rows;
    // The first key of all: each warp looks at all rows, two a lane.
    int begin = row0;
    TY_UNROLL
    for (int i = 0; i < 2; i++) {
      const int row = row0 + 2 * t.lane() + i;
      if (row >= rows) continue;
      const Span span = spanOf(t, a.spans, row, a.faults);
      const int first = span.before > 0 ? span.begin : span.own;
      begin = first < begin ? first : begin;
    }
    TY_UNROLL
    for (int mask = kWarp / 2; mask > 0; mask /= 2) {
      const int other = t.shuffleXor(begin, mask);
      begin = other < begin ? other : begin;
    }
    b.begin = begin;
    const int row = row0 + 16 * t.warp() + t.lane() / 4;
    Span spans[2];
    TY_UNROLL
    for (int half = 0; half < 2; half++)
      spans[half] = row + 8 * half < rows ? spanOf(t, a.spans, row + 8 * half, a.faults) : Span{0, 0, rows};
    attendRows<D>(t, b, s.headDim, [&](int half, int key) {
      const Span& span = spans[half];
      return (span.begin <= key && key < span.begin + span.before) || (span.own <= key && key <= row + 8 * half);
    });
  }
};

}  // namespace gpu
}  // namespace trainyard
