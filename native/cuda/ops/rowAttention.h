// Attention of single rows to keys that are picked for each: to a cache, or to stretches of packed text. A block takes a
// row of a head; the scores of all its keys lie in shared memory.
#pragma once
#include "attentionArgs.h"
#include "elementwise.h"
#include "faults.h"
#include "pack.h"

namespace trainyard {
namespace gpu {

constexpr int kRowThreads = 256, kRowWarps = kRowThreads / kWarp;
inline size_t rowAttentionBytes(int64_t keys) {
  return (kRowWarps + kRowWarps * kMaxHeadDim + static_cast<size_t>(keys)) * sizeof(float);
}

// Makes powers of scores, relative to the highest of all; top: of this thread's. Returns their sum. Behind it all are there.
TY_KERNEL float softmax(Thread& t, Shared<float> scores, int64_t seen, float top, Shared<float> scratch) {
  top = blockMax(t, top, scratch);
  float total = 0;
  for (int64_t i = t.index(); i < seen; i += t.threads()) {
    const float p = expf(scores[static_cast<int>(i)] - top);
    scores[static_cast<int>(i)] = p;
    total += p;
  }
  return blockSum(t, total, scratch);
}

// y = softmax(q · keysᵀ · scale) · values. keyAt, valueAt: pointers to the i-th of `seen`. Vectors are read 8 numbers at a
// time where that can be: `lanes` of a warp share one, a power of two.
template <class T, int lanes, class KeyAt, class ValueAt>
TY_KERNEL void attendRow(Thread& t, const T* q, int64_t headDim, int64_t seen, const KeyAt& keyAt,
                         const ValueAt& valueAt, T* y) {
  constexpr int kVectors = kWarp / lanes;  // that a warp reads at once
  const Shared<float> scratch = t.shared<float>(0), parts = scratch + kRowWarps, scores = parts + kRowWarps * kMaxHeadDim;
  const float scale = 1.0f / sqrtf(static_cast<float>(headDim));
  const int part = t.lane() % lanes * 8, own = t.warp() * kVectors + t.lane() / lanes;
  const bool has = part < headDim;
  float x[8] = {}, top = -INFINITY;
  if (has) load8(q + part, x);
  // All lanes take as many turns: they exchange what they have summed up.
  for (int64_t first = 0; first < seen; first += kRowWarps * kVectors) {
    const int64_t i = first + own;
    float sum = 0;
    if (has && i < seen) {
      float key[8];
      load8(keyAt(i) + part, key);
      TY_UNROLL
      for (int n = 0; n < 8; n++) sum = fmaf(x[n], key[n], sum);
    }
    TY_UNROLL
    for (int mask = lanes / 2; mask > 0; mask /= 2) sum += t.shuffleXor(sum, mask);
    sum *= scale;
    if (i < seen) {
      if (part == 0) scores[static_cast<int>(i)] = sum;
      top = fmaxf(top, sum);
    }
  }
  const float total = softmax(t, scores, seen, top, scratch);
  float sums[8] = {};
  for (int64_t i = own; i < seen; i += kRowWarps * kVectors) {
    if (!has) continue;
    const float p = scores[static_cast<int>(i)];
    float value[8];
    load8(valueAt(i) + part, value);
    TY_UNROLL
    for (int n = 0; n < 8; n++) sums[n] = fmaf(p, value[n], sums[n]);
  }
  TY_UNROLL
  for (int n = 0; n < 8; n++) {
    TY_UNROLL
    for (int mask = lanes; mask < kWarp; mask *= 2) sums[n] += t.shuffleXor(sums[n], mask);
    if (has && t.lane() < lanes) parts[t.warp() * kMaxHeadDim + part + n] = sums[n];
  }
  t.sync();
  for (int d = t.index(); d < headDim; d += t.threads()) {
    float sum = 0;
    for (int w = 0; w < kRowWarps; w++) sum += parts[w * kMaxHeadDim + d];
    fromFloat(sum / total, y + d);
  }
}

// The same where vectors are not aligned: each thread takes a key, then an element of all values.
template <class T, class KeyAt, class ValueAt>
TY_KERNEL void attendRowByElement(Thread& t, const T* q, int64_t headDim, int64_t seen, const KeyAt& keyAt,
                                  const ValueAt& valueAt, T* y) {
  const Shared<float> scratch = t.shared<float>(0), scores = scratch + kRowWarps;
  const float scale = 1.0f / sqrtf(static_cast<float>(headDim));
  float top = -INFINITY;
  for (int64_t i = t.index(); i < seen; i += t.threads()) {
    const T* key = keyAt(i);
    float sum = 0;
    for (int64_t d = 0; d < headDim; d++) sum = fmaf(toFloat(q[d]), toFloat(key[d]), sum);
    scores[static_cast<int>(i)] = sum * scale;
    top = fmaxf(top, sum * scale);
  }
  const float total = softmax(t, scores, seen, top, scratch);
  for (int64_t d = t.index(); d < headDim; d += t.threads()) {
    float sum = 0;
    for (int64_t i = 0; i < seen; i++) sum = fmaf(scores[static_cast<int>(i)], toFloat(valueAt(i)[d]), sum);
    fromFloat(sum / total, y + d);
  }
}

// lanes: 0 where vectors are not aligned to 16 bytes, else as many as read one.
template <class T, int lanes, class KeyAt, class ValueAt>
TY_KERNEL void attend(Thread& t, const T* q, int64_t headDim, int64_t seen, const KeyAt& keyAt, const ValueAt& valueAt,
                      T* y) {
  if constexpr (lanes == 0) {
    attendRowByElement(t, q, headDim, seen, keyAt, valueAt, y);
  } else {
    attendRow<T, lanes>(t, q, headDim, seen, keyAt, valueAt, y);
  }
}

template <class T>
struct CachedAttentionArgs {
  const T* qkv;
  const int32_t* position;
  T* kCache;  // batch × kvHeads × context × headDim
  T* vCache;
  T* y;
  int64_t batch, time;
  HeadShape shape;
  int64_t context;
  int32_t* faults;
};

template <class T>
TY_KERNEL int64_t cachePosition(Thread& t, const CachedAttentionArgs<T>& a) {
  return checkedIndex(t, a.position[0], 0, a.context - a.time + 1, kPositionFault, a.faults);
}

// Puts the keys and values of new tokens into the cache.
template <class T>
struct FillCache {
  static constexpr const char* name = "fillCache";
  using Args = CachedAttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const HeadShape& s = a.shape;
    const int64_t c = s.kvHeads * s.headDim, position = cachePosition(t, a);
    eachElement(t, a.batch * a.time * c, [&](int64_t i) {
      const int64_t token = i / c, h = i % c / s.headDim, d = i % s.headDim;
      const int64_t bh = token / a.time * s.kvHeads + h;
      const int64_t at = (bh * a.context + position + token % a.time) * s.headDim + d;
      a.kCache[at] = a.qkv[token * s.stride() + s.keys(h) + d];
      a.vCache[at] = a.qkv[token * s.stride() + s.values(h) + d];
    });
  }
};

// Blocks: tokens; blocksY: heads.
template <class T, int lanes>
struct CachedAttention {
  static constexpr const char* name = "cachedAttention";
  using Args = CachedAttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const HeadShape& s = a.shape;
    const int64_t headDim = s.headDim, token = t.block(), h = t.blockY();
    const int64_t cache = (token / a.time * s.kvHeads + s.kvHead(h)) * a.context * headDim;
    const T* keys = a.kCache + cache;
    const T* values = a.vCache + cache;
    const int64_t seen = cachePosition(t, a) + token % a.time + 1;
    attend<T, lanes>(
        t, a.qkv + token * s.stride() + h * headDim, headDim, seen, [&](int64_t i) { return keys + i * headDim; },
        [&](int64_t i) { return values + i * headDim; }, a.y + token * s.width() + h * headDim);
  }
};

// What a row sees: keys from begin on, `before` of them, then those from own on up to itself.
struct Span {
  int begin, before, own;
};

// Of three numbers of a row: it sees spans[0] … spans[1] - 1 and spans[2] … itself. What can't be is noted.
TY_KERNEL Span spanOf(Thread& t, const int32_t* spans, int row, int32_t* faults) {
  const int32_t* s = spans + 3 * int64_t{row};
  const bool good = 0 <= s[0] && s[0] <= s[1] && s[1] <= s[2] && s[2] <= row;
  if (good) return {s[0], s[1] - s[0], s[2]};
  t.atomicMax(faults, kSpanFault);
  return {0, 0, row};
}

template <class T>
struct PackedAttentionArgs {
  const T* qkv;
  const int32_t* spans;
  T* y;
  int64_t rows;
  HeadShape shape;
  int32_t* faults;
};

// Blocks: rows; blocksY: heads.
template <class T, int lanes>
struct PackedAttention {
  static constexpr const char* name = "packedAttention";
  using Args = PackedAttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const HeadShape& s = a.shape;
    const int64_t row = t.block(), h = t.blockY(), stride = s.stride();
    const Span span = spanOf(t, a.spans, static_cast<int>(row), a.faults);
    const T* keys = a.qkv + s.keys(s.kvHead(h));
    const T* values = a.qkv + s.values(s.kvHead(h));
    const auto at = [&](int64_t i) {
      return (i < span.before ? span.begin + i : span.own + i - span.before) * stride;
    };
    attend<T, lanes>(
        t, a.qkv + row * stride + h * s.headDim, s.headDim, span.before + row + 1 - span.own,
        [&](int64_t i) { return keys + at(i); }, [&](int64_t i) { return values + at(i); },
        a.y + row * s.width() + h * s.headDim);
  }
};

}  // namespace gpu
}  // namespace trainyard
