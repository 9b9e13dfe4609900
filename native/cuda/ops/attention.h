// Causal self-attention in float32, for heads of any width, without the time × time matrix (Dao et al. 2022). Four
// neighboring threads take a query, or a key in the part of the backward pass that sums over queries; each holds every
// fourth number of its vectors in registers; the others' vectors pass by in tiles of shared memory.
#pragma once
#include "attentionArgs.h"

namespace trainyard {
namespace gpu {

constexpr int kAttentionThreads = 128, kAttentionLanes = 4, kAttentionTile = 32;
constexpr int kAttentionRows = kAttentionThreads / kAttentionLanes;

// This thread's part of a vector; what is past its end is 0.
template <class T, int N>
TY_KERNEL void loadVector(Thread& t, const T* from, int64_t headDim, bool valid, float (&out)[N]) {
  TY_UNROLL
  for (int i = 0; i < N; i++) {
    const int64_t d = i * kAttentionLanes + t.index() % kAttentionLanes;
    out[i] = valid && d < headDim ? toFloat(from[d]) : 0.0f;
  }
}

template <class T, int N>
TY_KERNEL void storeVector(Thread& t, const float (&x)[N], float scale, int64_t headDim, T* to) {
  TY_UNROLL
  for (int i = 0; i < N; i++) {
    const int64_t d = i * kAttentionLanes + t.index() % kAttentionLanes;
    if (d < headDim) fromFloat(x[i] * scale, to + d);
  }
}

// A tile of vectors first … first + kAttentionTile - 1 into shared memory, zeros past the ends.
template <class T, int D>
TY_KERNEL void loadTile(Thread& t, const HeadView<const T>& view, int64_t first, int64_t count, int64_t headDim,
                        Shared<float> tile) {
  for (int i = t.index(); i < kAttentionTile * D; i += t.threads()) {
    const int64_t row = first + i / D, d = i % D;
    tile[i] = row < count && d < headDim ? toFloat(view.at[row * view.stride + d]) : 0.0f;
  }
}

// By all threads of a warp.
template <int N>
TY_KERNEL float dot(Thread& t, const float (&x)[N], Shared<float> y) {
  const int lane = t.index() % kAttentionLanes;
  float sum = 0;
  TY_UNROLL
  for (int i = 0; i < N; i++) sum = fmaf(x[i], y[i * kAttentionLanes + lane], sum);
  sum += t.shuffleXor(sum, 1);
  return sum + t.shuffleXor(sum, 2);
}

template <int N>
TY_KERNEL void addScaled(Thread& t, float (&sum)[N], float by, Shared<float> x) {
  const int lane = t.index() % kAttentionLanes;
  TY_UNROLL
  for (int i = 0; i < N; i++) sum[i] = fmaf(by, x[i * kAttentionLanes + lane], sum[i]);
}

// Blocks: queries; blocksY: heads of all sequences.
template <class T, int D>
struct AttentionForward {
  static constexpr const char* name = "attention";
  static constexpr size_t sharedBytes = 2 * kAttentionTile * D * sizeof(float);
  using Args = AttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> keys = t.shared<float>(0), values = keys + kAttentionTile * D;
    const int64_t bh = t.blockY(), q0 = t.block() * kAttentionRows, query = q0 + t.index() / kAttentionLanes;
    const HeadView<const T> q = queriesOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> k = keysOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> v = valuesOf(a.qkv, bh, a.shape, a.time);
    const bool valid = query < a.time;
    float own[D / kAttentionLanes], sum[D / kAttentionLanes] = {};
    loadVector(t, q.at + query * q.stride, a.shape.headDim, valid, own);
    float top = -INFINITY, total = 0;
    const int64_t last = q0 + kAttentionRows < a.time ? q0 + kAttentionRows : a.time;
    for (int64_t first = 0; first < last; first += kAttentionTile) {
      loadTile<T, D>(t, k, first, last, a.shape.headDim, keys);
      loadTile<T, D>(t, v, first, last, a.shape.headDim, values);
      t.sync();
      for (int j = 0; j < kAttentionTile && first + j < last; j++) {
        const float score = dot(t, own, keys + j * D) * a.scale;
        if (!valid || first + j > query) continue;
        if (score > top) {
          // What was summed up so far was relative to a lower top.
          const float shrink = expf(top - score);
          total *= shrink;
          TY_UNROLL
          for (float& s : sum) s *= shrink;
          top = score;
        }
        const float p = expf(score - top);
        total += p;
        addScaled(t, sum, p * maskOf(a, bh, query, first + j), values + j * D);
      }
      t.sync();
    }
    if (!valid) return;
    const HeadView<T> y = resultsOf(a.y, bh, a.shape, a.time);
    storeVector(t, sum, 1.0f / total, a.shape.headDim, y.at + query * y.stride);
    if (t.index() % kAttentionLanes == 0) a.lse[bh * a.time + query] = top + logf(total);
  }
};

// Blocks: queries; blocksY: heads of all sequences.
template <class T, int D>
struct AttentionBackwardQueries {
  static constexpr const char* name = "attentionBackwardQueries";
  static constexpr size_t sharedBytes = 2 * kAttentionTile * D * sizeof(float);
  using Args = AttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> keys = t.shared<float>(0), values = keys + kAttentionTile * D;
    const int64_t bh = t.blockY(), q0 = t.block() * kAttentionRows, query = q0 + t.index() / kAttentionLanes;
    const HeadView<const T> q = queriesOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> k = keysOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> v = valuesOf(a.qkv, bh, a.shape, a.time);
    const HeadView<const T> dy = resultsOf(a.dy, bh, a.shape, a.time);
    const bool valid = query < a.time;
    constexpr int kOwn = D / kAttentionLanes;
    float own[kOwn], gradient[kOwn], sum[kOwn] = {};
    loadVector(t, q.at + query * q.stride, a.shape.headDim, valid, own);
    loadVector(t, dy.at + query * dy.stride, a.shape.headDim, valid, gradient);
    const float lse = valid ? a.lse[bh * a.time + query] : 0.0f, delta = valid ? a.delta[bh * a.time + query] : 0.0f;
    const int64_t last = q0 + kAttentionRows < a.time ? q0 + kAttentionRows : a.time;
    for (int64_t first = 0; first < last; first += kAttentionTile) {
      loadTile<T, D>(t, k, first, last, a.shape.headDim, keys);
      loadTile<T, D>(t, v, first, last, a.shape.headDim, values);
      t.sync();
      for (int j = 0; j < kAttentionTile && first + j < last; j++) {
        const float score = dot(t, own, keys + j * D) * a.scale, product = dot(t, gradient, values + j * D);
        if (!valid || first + j > query) continue;
        const float dp = product * maskOf(a, bh, query, first + j);
        addScaled(t, sum, expf(score - lse) * (dp - delta), keys + j * D);
      }
      t.sync();
    }
    if (!valid) return;
    const HeadView<T> dq = queriesOf(a.dqkv, bh, a.shape, a.time);
    storeVector(t, sum, a.scale, a.shape.headDim, dq.at + query * dq.stride);
  }
};

// Blocks: keys; blocksY: heads of keys and values of all sequences. The heads of queries that see one come one by one.
template <class T, int D>
struct AttentionBackwardKeys {
  static constexpr const char* name = "attentionBackwardKeys";
  static constexpr size_t sharedBytes = 2 * kAttentionTile * D * sizeof(float);
  using Args = AttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> queries = t.shared<float>(0), gradients = queries + kAttentionTile * D;
    const int64_t kvHead = t.blockY(), k0 = t.block() * kAttentionRows, key = k0 + t.index() / kAttentionLanes;
    const int64_t firstHead = firstHeadOf(kvHead, a.shape), endHead = firstHeadOf(kvHead + 1, a.shape);
    const HeadView<const T> k = keysOf(a.qkv, firstHead, a.shape, a.time);
    const HeadView<const T> v = valuesOf(a.qkv, firstHead, a.shape, a.time);
    const bool valid = key < a.time;
    constexpr int kOwn = D / kAttentionLanes;
    float own[kOwn], value[kOwn], keySum[kOwn] = {}, valueSum[kOwn] = {};
    loadVector(t, k.at + key * k.stride, a.shape.headDim, valid, own);
    loadVector(t, v.at + key * v.stride, a.shape.headDim, valid, value);
    for (int64_t bh = firstHead; bh < endHead; bh++) {
      const HeadView<const T> q = queriesOf(a.qkv, bh, a.shape, a.time);
      const HeadView<const T> dy = resultsOf(a.dy, bh, a.shape, a.time);
      // No query before the block's first key sees any of its keys.
      for (int64_t first = k0; first < a.time; first += kAttentionTile) {
        loadTile<T, D>(t, q, first, a.time, a.shape.headDim, queries);
        loadTile<T, D>(t, dy, first, a.time, a.shape.headDim, gradients);
        t.sync();
        for (int i = 0; i < kAttentionTile && first + i < a.time; i++) {
          const int64_t query = first + i;
          const float score = dot(t, own, queries + i * D) * a.scale, product = dot(t, value, gradients + i * D);
          if (!valid || query < key) continue;
          const float p = expf(score - a.lse[bh * a.time + query]), mask = maskOf(a, bh, query, key);
          addScaled(t, valueSum, p * mask, gradients + i * D);
          addScaled(t, keySum, p * (product * mask - a.delta[bh * a.time + query]), queries + i * D);
        }
        t.sync();
      }
    }
    if (!valid) return;
    const HeadView<T> dk = keysOf(a.dqkv, firstHead, a.shape, a.time);
    const HeadView<T> dv = valuesOf(a.dqkv, firstHead, a.shape, a.time);
    storeVector(t, keySum, a.scale, a.shape.headDim, dk.at + key * dk.stride);
    storeVector(t, valueSum, 1.0f, a.shape.headDim, dv.at + key * dv.stride);
  }
};

}  // namespace gpu
}  // namespace trainyard
