// Causal self-attention block by block, without the time × time matrix (Dao et al. 2022, FlashAttention): the softmax is
// taken online in the forward pass, and recomputed from the log of its sum (lse) in the backward pass.
#pragma once
#include "../checks.h"
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"
#include "../dropoutMask.inl.h"
#include "../gemm/smallProduct.inl.h"

namespace trainyard {
namespace TY_ISA {

// Rows of qkv hold the queries of all heads, then the keys of fewer or as many, then their values. Neighboring heads of
// queries share one of keys and values (Ainslie et al. 2023).
struct AttentionShape {
  int64_t batch, time, heads, headDim, kvHeads;
  int64_t width() const { return heads * headDim; }
  int64_t stride() const { return (heads + 2 * kvHeads) * headDim; }
  int64_t valuesBehindKeys() const { return kvHeads * headDim; }
  // Heads of queries that share one of keys and values.
  int64_t group() const { return heads / kvHeads; }
  // Where a head's keys begin in a row, of the head of keys and values.
  int64_t keys(int64_t kvHead) const { return width() + kvHead * headDim; }
};

constexpr int64_t kQueries = 96;  // rows of a block of scores: a multiple of kSmallRows on every instruction set
constexpr int64_t kKeys = 64;     // columns of a block of scores: a multiple of W
constexpr int64_t kMaxHeadDim = kProcessorMaxHeadDim;

// p[rows × keys] of a block of scores: masked to the causal part. Row i is query q0 + i, column j is key k0 + j.
TY_INLINE int64_t visibleKeys(int64_t q, int64_t k0, int64_t keys) {
  const int64_t n = q - k0 + 1;
  return n < 0 ? 0 : n < keys ? n : keys;
}

// A block of a matrix as floats, with the distance between its rows.
struct Block {
  const float* at;
  int64_t ld;
};

// Floats stay where they are; others are widened into `room` (rows × columns floats).
TY_INLINE Block asFloats(const float* p, int64_t ld, int64_t, int64_t, float*) { return {p, ld}; }
template <class T>
TY_INLINE Block asFloats(const T* p, int64_t ld, int64_t rows, int64_t columns, float* room) {
  for (int64_t r = 0; r < rows; r++) convert(p + r * ld, room + r * columns, columns);
  return {room, columns};
}

// Where sums of floats go that end in a matrix: floats into it, others into `room`, to be rounded into it when done.
struct Sums {
  float* at;
  int64_t ld;
};
TY_INLINE Sums sumsIn(float* p, int64_t ld, int64_t, float*) { return {p, ld}; }
template <class T>
TY_INLINE Sums sumsIn(T*, int64_t, int64_t columns, float* room) {
  return {room, columns};
}
TY_INLINE void roundInto(float*, int64_t, int64_t, int64_t, Sums) {}
template <class T>
TY_INLINE void roundInto(T* p, int64_t ld, int64_t rows, int64_t columns, Sums sums) {
  for (int64_t r = 0; r < rows; r++) convert(sums.at + r * sums.ld, p + r * ld, columns);
}

// Scratch memory of a task, taken piece by piece.
struct Scratch {
  float* next;
  float* take(int64_t floats) {
    float* const piece = next;
    next += floats;
    return piece;
  }
};
static_assert((2 * kQueries * kKeys + (2 * kQueries + 6 * kKeys) * kMaxHeadDim + kKeys) * sizeof(float) <=
                  Pool::kScratchBytes,
              "scratch memory");

template <class T>
static void attention(Pool& pool, const T* qkv, const int32_t* rng, T* y, float* lse, const AttentionShape& s,
                      double dropoutP, double stream) {
  const int64_t C = s.width(), R = s.stride(), D = s.headDim, time = s.time;
  const int64_t blocks = (time + kQueries - 1) / kQueries;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  const Dropout drop = makeDropout(rng, stream, dropoutP);
  pool.parallelFor(s.batch * s.heads * blocks, [&](int64_t task, int worker) {
    const int64_t bh = task / blocks;
    const int64_t q0 = (blocks - 1 - task % blocks) * kQueries;  // the longest rows first
    const int64_t rows = time - q0 < kQueries ? time - q0 : kQueries;
    const int64_t b = bh / s.heads, h = bh % s.heads;
    const T* kBase = qkv + b * time * R + s.keys(h / s.group());
    T* result = y + (b * time + q0) * C + h * D;

    Scratch scratch = {pool.scratch(worker)};
    float* scores = scratch.take(kQueries * kKeys);
    float* keysT = scratch.take(kMaxHeadDim * kKeys);
    float* mask = scratch.take(kKeys);
    float* top = scratch.take(kQueries);
    float* sum = scratch.take(kQueries);
    float* valuesRoom = scratch.take(kMaxHeadDim * kKeys);
    const Block q = asFloats(qkv + (b * time + q0) * R + h * D, R, rows, D, scratch.take(kQueries * D));
    const Sums out = sumsIn(result, C, D, scratch.take(kQueries * D));
    for (int64_t i = 0; i < rows; i++) {
      top[i] = -INFINITY;
      sum[i] = 0.0f;
    }
    for (int64_t k0 = 0; k0 < q0 + rows; k0 += kKeys) {
      const int64_t last = q0 + rows - k0;
      const int64_t keys = last < kKeys ? last : kKeys;
      transposeBlock(kBase + k0 * R, R, keys, D, keysT, kKeys);
      smallProduct(rows, keys, D, {q.at, q.ld, 1}, keysT, kKeys, scores, kKeys, false);
      for (int64_t i = 0; i < rows; i++) {
        float* p = scores + i * kKeys;
        const int64_t seen = visibleKeys(q0 + i, k0, keys);
        if (seen == 0) {
          std::memset(p, 0, static_cast<size_t>(keys) * sizeof(float));
          continue;
        }
        Vf largest = set1(-INFINITY);
        eachVector(seen, [&](int64_t j, int64_t n) { largest = vmax(loadnOr(p + j, n, -INFINITY), largest); });
        const float blockTop = hmax(largest) * scale;
        const float newTop = blockTop > top[i] ? blockTop : top[i];
        const float rescale = top[i] == -INFINITY ? 0.0f : hmax(vexp(set1(top[i] - newTop)));
        Vf total = zero();
        eachVector(seen, [&](int64_t j, int64_t n) {
          const Vf e = vexp(fma(loadnOr(p + j, n, -INFINITY), set1(scale), set1(-newTop)));
          total = total + e;
          storeUpTo(p + j, e, n);
        });
        if (seen < keys) std::memset(p + seen, 0, static_cast<size_t>(keys - seen) * sizeof(float));
        sum[i] = sum[i] * rescale + hsum(total);
        top[i] = newTop;
        if (dropoutP > 0) {
          const auto row = static_cast<uint64_t>((bh * time + q0 + i) * time + k0);
          dropoutMask(drop, row, seen, mask);
          eachVector(seen, [&](int64_t j, int64_t n) { storeUpTo(p + j, loadUpTo(p + j, n) * loadUpTo(mask + j, n), n); });
        }
        if (k0 > 0 && rescale != 1.0f) {
          float* o = out.at + i * out.ld;
          eachVector(D, [&](int64_t j, int64_t n) { storeUpTo(o + j, loadUpTo(o + j, n) * set1(rescale), n); });
        }
      }
      const Block values = asFloats(kBase + k0 * R + s.valuesBehindKeys(), R, keys, D, valuesRoom);
      smallProduct(rows, D, keys, {scores, kKeys, 1}, values.at, values.ld, out.at, out.ld, k0 > 0);
    }
    for (int64_t i = 0; i < rows; i++) {
      const Vf inverse = set1(1.0f / sum[i]);
      float* o = out.at + i * out.ld;
      eachVector(D, [&](int64_t j, int64_t n) { storeUpTo(o + j, loadUpTo(o + j, n) * inverse, n); });
      lse[bh * time + q0 + i] = top[i] + logf(sum[i]);
    }
    roundInto(result, C, rows, D, out);
  });
}

// dqkv from dy. workspace: batch · heads · time floats, and headDim times as many more where T is no float, for the sums
// of the queries' gradients. One task a head of keys and values: its blocks add to the gradients in a fixed order.
template <class T>
static void attentionBackward(Pool& pool, const T* dy, const T* qkv, const T* y, const float* lse,
                              const int32_t* rng, T* dqkv, float* workspace, const AttentionShape& s,
                              double dropoutP, double stream) {
  const int64_t C = s.width(), R = s.stride(), D = s.headDim, time = s.time;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  const Dropout drop = makeDropout(rng, stream, dropoutP);
  pool.parallelFor(s.batch * s.kvHeads, [&](int64_t task, int worker) {
    const int64_t b = task / s.kvHeads, kvHead = task % s.kvHeads;
    const int64_t firstHead = kvHead * s.group(), endHead = firstHead + s.group();

    Scratch scratch = {pool.scratch(worker)};
    float* probabilities = scratch.take(kQueries * kKeys);
    float* gradients = scratch.take(kQueries * kKeys);
    float* keysT = scratch.take(kMaxHeadDim * kKeys);
    float* valuesT = scratch.take(kMaxHeadDim * kKeys);
    float* mask = scratch.take(kKeys);
    float* queriesRoom = scratch.take(kQueries * kMaxHeadDim);
    float* dyRoom = scratch.take(kQueries * kMaxHeadDim);
    float* keysRoom = scratch.take(kKeys * kMaxHeadDim);
    float* dkRoom = scratch.take(kKeys * kMaxHeadDim);
    float* dvRoom = scratch.take(kKeys * kMaxHeadDim);

    // Σ dy · y of each query: what the softmax's own gradient takes off
    for (int64_t h = firstHead; h < endHead; h++) {
      const T* yBase = y + b * time * C + h * D;
      const T* dyBase = dy + b * time * C + h * D;
      float* dots = workspace + (b * s.heads + h) * time;
      for (int64_t t = 0; t < time; t++) {
        Vf dot = zero();
        eachVector(D, [&](int64_t j, int64_t n) {
          dot = fma(loadUpTo(yBase + t * C + j, n), loadUpTo(dyBase + t * C + j, n), dot);
        });
        dots[t] = hsum(dot);
      }
    }
    for (int64_t k0 = 0; k0 < time; k0 += kKeys) {
      const int64_t keys = time - k0 < kKeys ? time - k0 : kKeys;
      const T* kBase = qkv + (b * time + k0) * R + s.keys(kvHead);
      const T* vBase = kBase + s.valuesBehindKeys();
      T* dkBase = dqkv + (b * time + k0) * R + s.keys(kvHead);
      T* dvBase = dkBase + s.valuesBehindKeys();
      transposeBlock(kBase, R, keys, D, keysT, kKeys);
      transposeBlock(vBase, R, keys, D, valuesT, kKeys);
      const Block k = asFloats(kBase, R, keys, D, keysRoom);
      const Sums dk = sumsIn(dkBase, R, D, dkRoom), dv = sumsIn(dvBase, R, D, dvRoom);
      const int64_t firstBlock = k0 / kQueries * kQueries;
      for (int64_t h = firstHead; h < endHead; h++) {
        const int64_t bh = b * s.heads + h;
        const T* qBase = qkv + b * time * R + h * D;
        const T* dyBase = dy + b * time * C + h * D;
        const Sums dq = sumsIn(dqkv + b * time * R + h * D, R, D, workspace + s.batch * s.heads * time + bh * time * D);
        const float* logSum = lse + bh * time;
        const float* dots = workspace + bh * time;
        for (int64_t q0 = firstBlock; q0 < time; q0 += kQueries) {
          const int64_t rows = time - q0 < kQueries ? time - q0 : kQueries;
          const Block q = asFloats(qBase + q0 * R, R, rows, D, queriesRoom);
          const Block d = asFloats(dyBase + q0 * C, C, rows, D, dyRoom);
          smallProduct(rows, keys, D, {q.at, q.ld, 1}, keysT, kKeys, probabilities, kKeys, false);
          smallProduct(rows, keys, D, {d.at, d.ld, 1}, valuesT, kKeys, gradients, kKeys, false);
          for (int64_t i = 0; i < rows; i++) {
            float* p = probabilities + i * kKeys;
            float* g = gradients + i * kKeys;
            const int64_t seen = visibleKeys(q0 + i, k0, keys);
            const Vf minusLog = set1(-logSum[q0 + i]), minusDot = set1(-dots[q0 + i]);
            if (dropoutP > 0 && seen > 0)
              dropoutMask(drop, static_cast<uint64_t>((bh * time + q0 + i) * time + k0), seen, mask);
            eachVector(seen, [&](int64_t j, int64_t n) {
              const Vf e = vexp(fma(loadUpTo(p + j, n), set1(scale), minusLog));
              Vf dp = loadUpTo(g + j, n);
              Vf used = e;
              if (dropoutP > 0) {
                const Vf m = loadUpTo(mask + j, n);
                dp = dp * m;
                used = used * m;
              }
              storeUpTo(g + j, e * (dp + minusDot) * set1(scale), n);
              storeUpTo(p + j, used, n);
            });
            if (seen < keys) {
              const size_t rest = static_cast<size_t>(keys - seen) * sizeof(float);
              std::memset(p + seen, 0, rest);
              std::memset(g + seen, 0, rest);
            }
          }
          const bool addKeys = q0 > firstBlock || h > firstHead;
          smallProduct(keys, D, rows, {probabilities, 1, kKeys}, d.at, d.ld, dv.at, dv.ld, addKeys);
          smallProduct(keys, D, rows, {gradients, 1, kKeys}, q.at, q.ld, dk.at, dk.ld, addKeys);
          smallProduct(rows, D, keys, {gradients, kKeys, 1}, k.at, k.ld, dq.at + q0 * dq.ld, dq.ld, k0 > 0);
        }
      }
      roundInto(dkBase, R, keys, D, dk);
      roundInto(dvBase, R, keys, D, dv);
    }
    for (int64_t h = firstHead; h < endHead; h++) {
      T* dqBase = dqkv + b * time * R + h * D;
      roundInto(dqBase, R, time, D,
                sumsIn(dqBase, R, D, workspace + s.batch * s.heads * time + (b * s.heads + h) * time * D));
    }
  });
}

// Puts the keys and values of new tokens into the cache, then lets each new query see all tokens up to its own.
// kCache, vCache: batch × kvHeads × context × headDim. The scores of one query lie in the scratch memory.
template <class T>
static void cachedAttention(Pool& pool, const T* qkv, int64_t position, T* kCache, T* vCache, T* y,
                            const AttentionShape& s, int64_t context) {
  const int64_t C = s.width(), R = s.stride(), D = s.headDim, time = s.time;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  pool.parallelFor(s.batch * s.kvHeads, [&](int64_t task, int worker) {
    const int64_t b = task / s.kvHeads, kvHead = task % s.kvHeads;
    T* keys = kCache + task * context * D;
    T* values = vCache + task * context * D;
    const size_t bytes = static_cast<size_t>(D) * sizeof(T);
    for (int64_t t = 0; t < time; t++) {
      const T* in = qkv + (b * time + t) * R + s.keys(kvHead);
      std::memcpy(keys + (position + t) * D, in, bytes);
      std::memcpy(values + (position + t) * D, in + s.valuesBehindKeys(), bytes);
    }
    float* scores = pool.scratch(worker);
    for (int64_t query = 0; query < s.group() * time; query++) {
      const int64_t h = kvHead * s.group() + query / time, t = query % time;
      const T* q = qkv + (b * time + t) * R + h * D;
      T* out = y + (b * time + t) * C + h * D;
      const int64_t seen = position + t + 1;
      float top = -INFINITY;
      for (int64_t k = 0; k < seen; k++) {
        Vf dot = zero();
        eachVector(D, [&](int64_t j, int64_t n) { dot = fma(loadUpTo(q + j, n), loadUpTo(keys + k * D + j, n), dot); });
        scores[k] = hsum(dot) * scale;
        top = scores[k] > top ? scores[k] : top;
      }
      Vf total = zero();
      eachVector(seen, [&](int64_t k, int64_t n) {
        const Vf e = vexp(loadnOr(scores + k, n, -INFINITY) - set1(top));
        total = total + e;
        storeUpTo(scores + k, e, n);
      });
      const Vf inverse = set1(1.0f / hsum(total));
      eachVector(D, [&](int64_t j, int64_t n) {
        Vf sum = zero();
        for (int64_t k = 0; k < seen; k++) sum = fma(set1(scores[k]), loadUpTo(values + k * D + j, n), sum);
        storeUpTo(out + j, sum * inverse, n);
      });
    }
  });
}

template <class T>
static void run(const AttentionCall<T>& c, Pool& pool) {
  attention(pool, c.qkv, c.rng, c.y, c.lse, {c.batch, c.time, c.heads, c.headDim, c.kvHeads}, c.dropout, c.stream);
}

template <class T>
static void run(const AttentionBackwardCall<T>& c, Pool& pool) {
  attentionBackward(pool, c.dy, c.qkv, c.y, c.lse, c.rng, c.dqkv, c.workspace,
                    {c.batch, c.time, c.heads, c.headDim, c.kvHeads}, c.dropout, c.stream);
}

template <class T>
static void run(const CachedAttentionCall<T>& c, Pool& pool) {
  requirePositions(c.position[0], c.time, c.context);
  cachedAttention(pool, c.qkv, c.position[0], c.kCache, c.vCache, c.y,
                  {c.batch, c.time, c.heads, c.headDim, c.kvHeads}, c.context);
}

}  // namespace TY_ISA
}  // namespace trainyard
