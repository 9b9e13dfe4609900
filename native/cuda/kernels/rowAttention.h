// Attention of single rows to keys that are picked for each: to a cache, or to stretches of packed text. A block takes a
// row of a head; the scores of all its keys lie in shared memory.
#pragma once
#include "elementwise.h"
#include "faults.h"

namespace trainyard {
namespace gpu {

constexpr int kRowThreads = 128;
constexpr int64_t kMostRowKeys = 24'000;
inline size_t rowAttentionBytes(int64_t keys) {
  return (kRowThreads / 32 + static_cast<size_t>(keys)) * sizeof(float);
}

// y = softmax(q · keysᵀ · scale) · values. keyAt, valueAt: pointers to the i-th of `seen`.
template <class T, class KeyAt, class ValueAt>
TY_KERNEL void attendRow(Thread& t, const T* q, int64_t headDim, int64_t seen, const KeyAt& keyAt,
                         const ValueAt& valueAt, T* y) {
  const Shared<float> scratch = t.shared<float>(0), scores = scratch + kRowThreads / 32;
  const float scale = 1.0f / sqrtf(static_cast<float>(headDim));
  float top = -INFINITY;
  for (int64_t i = t.index(); i < seen; i += t.threads()) {
    const T* key = keyAt(i);
    float sum = 0;
    for (int64_t d = 0; d < headDim; d++) sum = fmaf(toFloat(q[d]), toFloat(key[d]), sum);
    scores[static_cast<int>(i)] = sum * scale;
    top = sum * scale > top ? sum * scale : top;
  }
  top = blockMax(t, top, scratch);
  float total = 0;
  for (int64_t i = t.index(); i < seen; i += t.threads()) {
    const float p = expf(scores[static_cast<int>(i)] - top);
    scores[static_cast<int>(i)] = p;
    total += p;
  }
  total = blockSum(t, total, scratch);
  for (int64_t d = t.index(); d < headDim; d += t.threads()) {
    float sum = 0;
    for (int64_t i = 0; i < seen; i++) sum = fmaf(scores[static_cast<int>(i)], toFloat(valueAt(i)[d]), sum);
    fromFloat(sum / total, y + d);
  }
}

template <class T>
struct CachedAttentionArgs {
  const T* qkv;
  const int32_t* position;
  T* kCache;  // batch × heads × context × headDim
  T* vCache;
  T* y;
  int64_t batch, time, heads, headDim, context;
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
    const int64_t c = a.heads * a.headDim, position = cachePosition(t, a);
    eachElement(t, a.batch * a.time * c, [&](int64_t i) {
      const int64_t token = i / c, h = i % c / a.headDim, d = i % a.headDim;
      const int64_t bh = token / a.time * a.heads + h;
      const int64_t at = (bh * a.context + position + token % a.time) * a.headDim + d;
      a.kCache[at] = a.qkv[token * 3 * c + c + i % c];
      a.vCache[at] = a.qkv[token * 3 * c + 2 * c + i % c];
    });
  }
};

// Blocks: tokens; blocksY: heads.
template <class T>
struct CachedAttention {
  static constexpr const char* name = "cachedAttention";
  using Args = CachedAttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t c = a.heads * a.headDim, token = t.block(), h = t.blockY();
    const int64_t bh = token / a.time * a.heads + h;
    const T* keys = a.kCache + bh * a.context * a.headDim;
    const T* values = a.vCache + bh * a.context * a.headDim;
    const int64_t seen = cachePosition(t, a) + token % a.time + 1;
    attendRow(
        t, a.qkv + token * 3 * c + h * a.headDim, a.headDim, seen, [&](int64_t i) { return keys + i * a.headDim; },
        [&](int64_t i) { return values + i * a.headDim; }, a.y + token * c + h * a.headDim);
  }
};

// A row sees spans[0] … spans[1] - 1 and spans[2] … itself. Blocks: rows; blocksY: heads.
template <class T>
struct PackedAttention {
  static constexpr const char* name = "packedAttention";
  struct Args {
    const T* qkv;
    const int32_t* spans;
    T* y;
    int64_t heads, headDim;
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t c = a.heads * a.headDim, row = t.block(), h = t.blockY();
    const int32_t* spans = a.spans + 3 * row;
    const bool good = 0 <= spans[0] && spans[0] <= spans[1] && spans[1] <= spans[2] && spans[2] <= row;
    if (!good && t.index() == 0) t.atomicMax(a.faults, kSpanFault);
    const int64_t begin = good ? spans[0] : 0, before = good ? spans[1] - begin : 0, own = good ? spans[2] : row;
    const T* keys = a.qkv + c + h * a.headDim;
    const auto at = [&](int64_t i) { return (i < before ? begin + i : own + i - before) * 3 * c; };
    attendRow(
        t, a.qkv + row * 3 * c + h * a.headDim, a.headDim, before + row + 1 - own,
        [&](int64_t i) { return keys + at(i); }, [&](int64_t i) { return keys + c + at(i); },
        a.y + row * c + h * a.headDim);
  }
};

}  // namespace gpu
}  // namespace trainyard
