// Causal self-attention block by block, without the time × time matrix (Dao et al. 2022, FlashAttention): the softmax is
// taken online in the forward pass, and recomputed from the log of its sum (lse) in the backward pass.
#pragma once
#include "../kernels.h"
#include "../pool.h"
#include "../simd.h"
#include "philox.inl.h"
#include "smallProduct.inl.h"

namespace trainyard {
namespace TY_ISA {

constexpr int64_t kQueries = 96;  // rows of a block of scores: a multiple of kSmallRows on every instruction set
constexpr int64_t kKeys = 64;     // columns of a block of scores: a multiple of W
constexpr int64_t kMaxHeadDim = 256;

// p[rows × keys] of a block of scores: masked to the causal part. Row i is query q0 + i, column j is key k0 + j.
TY_INLINE int64_t visibleKeys(int64_t q, int64_t k0, int64_t keys) {
  const int64_t n = q - k0 + 1;
  return n < 0 ? 0 : n < keys ? n : keys;
}

static void attention(Pool& pool, const float* qkv, const int32_t* rng, float* y, float* lse, const AttentionShape& s,
                      double dropoutP, double stream) {
  const int64_t C = s.heads * s.headDim, D = s.headDim, T = s.time;
  const int64_t blocks = (T + kQueries - 1) / kQueries;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  const Dropout drop = makeDropout(rng, stream, dropoutP);
  pool.parallelFor(s.batch * s.heads * blocks, [&](int64_t task, int worker) {
    const int64_t bh = task / blocks;
    const int64_t q0 = (blocks - 1 - task % blocks) * kQueries;  // the longest rows first
    const int64_t rows = T - q0 < kQueries ? T - q0 : kQueries;
    const int64_t b = bh / s.heads, h = bh % s.heads;
    const float* q = qkv + (b * T + q0) * 3 * C + h * D;
    const float* kBase = qkv + b * T * 3 * C + C + h * D;
    float* out = y + (b * T + q0) * C + h * D;

    float* scores = pool.scratch(worker);
    float* keysT = scores + kQueries * kKeys;
    float* mask = keysT + kMaxHeadDim * kKeys;
    float* top = mask + kKeys;
    float* sum = top + kQueries;
    for (int64_t i = 0; i < rows; i++) {
      top[i] = -INFINITY;
      sum[i] = 0.0f;
    }
    for (int64_t k0 = 0; k0 < q0 + rows; k0 += kKeys) {
      const int64_t last = q0 + rows - k0;
      const int64_t keys = last < kKeys ? last : kKeys;
      transposeBlock(kBase + k0 * 3 * C, 3 * C, keys, D, keysT, kKeys);
      smallProduct(rows, keys, D, {q, 3 * C, 1}, keysT, kKeys, scores, kKeys, false);
      for (int64_t i = 0; i < rows; i++) {
        float* p = scores + i * kKeys;
        const int64_t seen = visibleKeys(q0 + i, k0, keys);
        if (seen == 0) {
          std::memset(p, 0, static_cast<size_t>(keys) * sizeof(float));
          continue;
        }
        Vf most = set1(-INFINITY);
        eachVector(seen, [&](int64_t j, int64_t n) { most = vmax(loadnOr(p + j, n, -INFINITY), most); });
        const float blockTop = hmax(most) * scale;
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
          const auto row = static_cast<uint64_t>((bh * T + q0 + i) * T + k0);
          dropoutMask(drop, row, seen, mask);
          eachVector(seen, [&](int64_t j, int64_t n) { storeUpTo(p + j, loadUpTo(p + j, n) * loadUpTo(mask + j, n), n); });
        }
        if (k0 > 0 && rescale != 1.0f) {
          float* o = out + i * C;
          eachVector(D, [&](int64_t j, int64_t n) { storeUpTo(o + j, loadUpTo(o + j, n) * set1(rescale), n); });
        }
      }
      smallProduct(rows, D, keys, {scores, kKeys, 1}, kBase + k0 * 3 * C + C, 3 * C, out, C, k0 > 0);
    }
    for (int64_t i = 0; i < rows; i++) {
      const Vf inverse = set1(1.0f / sum[i]);
      float* o = out + i * C;
      eachVector(D, [&](int64_t j, int64_t n) { storeUpTo(o + j, loadUpTo(o + j, n) * inverse, n); });
      lse[bh * T + q0 + i] = top[i] + logf(sum[i]);
    }
  });
}

// dqkv from dy. workspace: batch · heads · time floats. One task a head: its blocks add to dq in a fixed order.
static void attentionBackward(Pool& pool, const float* dy, const float* qkv, const float* y, const float* lse,
                              const int32_t* rng, float* dqkv, float* workspace, const AttentionShape& s,
                              double dropoutP, double stream) {
  const int64_t C = s.heads * s.headDim, D = s.headDim, T = s.time;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  const Dropout drop = makeDropout(rng, stream, dropoutP);
  pool.parallelFor(s.batch * s.heads, [&](int64_t bh, int worker) {
    const int64_t b = bh / s.heads, h = bh % s.heads;
    const float* qBase = qkv + b * T * 3 * C + h * D;
    const float* yBase = y + b * T * C + h * D;
    const float* dyBase = dy + b * T * C + h * D;
    float* dqBase = dqkv + b * T * 3 * C + h * D;
    const float* logSum = lse + bh * T;
    float* dots = workspace + bh * T;  // Σ dy · y of each query: what the softmax's own gradient takes off

    float* probabilities = pool.scratch(worker);
    float* gradients = probabilities + kQueries * kKeys;
    float* keysT = gradients + kQueries * kKeys;
    float* valuesT = keysT + kMaxHeadDim * kKeys;
    float* mask = valuesT + kMaxHeadDim * kKeys;

    for (int64_t t = 0; t < T; t++) {
      Vf dot = zero();
      eachVector(D, [&](int64_t j, int64_t n) {
        dot = fma(loadUpTo(yBase + t * C + j, n), loadUpTo(dyBase + t * C + j, n), dot);
      });
      dots[t] = hsum(dot);
    }
    for (int64_t k0 = 0; k0 < T; k0 += kKeys) {
      const int64_t keys = T - k0 < kKeys ? T - k0 : kKeys;
      const float* k = qBase + k0 * 3 * C + C;
      float* dk = dqBase + k0 * 3 * C + C;
      transposeBlock(k, 3 * C, keys, D, keysT, kKeys);
      transposeBlock(k + C, 3 * C, keys, D, valuesT, kKeys);
      const int64_t firstBlock = k0 / kQueries * kQueries;
      for (int64_t q0 = firstBlock; q0 < T; q0 += kQueries) {
        const int64_t rows = T - q0 < kQueries ? T - q0 : kQueries;
        const float* q = qBase + q0 * 3 * C;
        const float* d = dyBase + q0 * C;
        smallProduct(rows, keys, D, {q, 3 * C, 1}, keysT, kKeys, probabilities, kKeys, false);
        smallProduct(rows, keys, D, {d, C, 1}, valuesT, kKeys, gradients, kKeys, false);
        for (int64_t i = 0; i < rows; i++) {
          float* p = probabilities + i * kKeys;
          float* g = gradients + i * kKeys;
          const int64_t seen = visibleKeys(q0 + i, k0, keys);
          const Vf minusLog = set1(-logSum[q0 + i]), minusDot = set1(-dots[q0 + i]);
          if (dropoutP > 0 && seen > 0) dropoutMask(drop, static_cast<uint64_t>((bh * T + q0 + i) * T + k0), seen, mask);
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
        const bool addKeys = q0 > firstBlock;
        smallProduct(keys, D, rows, {probabilities, 1, kKeys}, d, C, dk + C, 3 * C, addKeys);
        smallProduct(keys, D, rows, {gradients, 1, kKeys}, q, 3 * C, dk, 3 * C, addKeys);
        smallProduct(rows, D, keys, {gradients, kKeys, 1}, k, 3 * C, dqBase + q0 * 3 * C, 3 * C, k0 > 0);
      }
    }
  });
}

// Puts the keys and values of new tokens into the cache, then lets each new query see all tokens up to its own.
// kCache, vCache: batch × heads × context × headDim. The scores of one query lie in the scratch memory.
static void cachedAttention(Pool& pool, const float* qkv, int64_t position, float* kCache, float* vCache, float* y,
                            const AttentionShape& s, int64_t context) {
  const int64_t C = s.heads * s.headDim, D = s.headDim, T = s.time;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  pool.parallelFor(s.batch * s.heads, [&](int64_t bh, int worker) {
    const int64_t b = bh / s.heads, h = bh % s.heads;
    float* keys = kCache + bh * context * D;
    float* values = vCache + bh * context * D;
    const size_t bytes = static_cast<size_t>(D) * sizeof(float);
    for (int64_t t = 0; t < T; t++) {
      const float* in = qkv + (b * T + t) * 3 * C + h * D;
      std::memcpy(keys + (position + t) * D, in + C, bytes);
      std::memcpy(values + (position + t) * D, in + 2 * C, bytes);
    }
    float* scores = pool.scratch(worker);
    for (int64_t t = 0; t < T; t++) {
      const float* q = qkv + (b * T + t) * 3 * C + h * D;
      float* out = y + (b * T + t) * C + h * D;
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

}  // namespace TY_ISA
}  // namespace trainyard
