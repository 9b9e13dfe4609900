// Causal self-attention without the time × time matrix (Dao et al. 2022). A thread takes a query, or a key in the
// backward pass, and holds its vectors in registers; the others pass by in tiles of shared memory.
#pragma once
#include "philox.h"

namespace trainyard {
namespace gpu {

constexpr int kMaxHeadDim = 128;
constexpr int kAttentionThreads = 64;
constexpr int kAttentionTile = 32;

// Vectors of one head in a matrix of tokens.
template <class T>
struct HeadView {
  T* at;
  int64_t stride;  // from token to token
};

// Of qkv (tokens × 3C) the vectors of head `bh`: part 0 queries, 1 keys, 2 values.
template <class T>
TY_KERNEL HeadView<T> headOf(T* matrix, int64_t bh, int64_t heads, int64_t time, int64_t headDim, int part, int parts) {
  const int64_t c = heads * headDim;
  return {matrix + (bh / heads * time * parts + part) * c + bh % heads * headDim, parts * c};
}

// A vector in registers; what is past its end is 0.
template <class T, int D>
TY_KERNEL void loadVector(const T* from, int64_t headDim, bool valid, float (&out)[D]) {
  for (int d = 0; d < D; d++) out[d] = valid && d < headDim ? toFloat(from[d]) : 0.0f;
}

template <class T, int D>
TY_KERNEL void storeVector(const float (&x)[D], float scale, int64_t headDim, T* to) {
  for (int d = 0; d < D; d++) {
    if (d < headDim) fromFloat(x[d] * scale, to + d);
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

template <int D>
TY_KERNEL float dot(const float (&x)[D], Shared<float> y) {
  float sum = 0;
  for (int d = 0; d < D; d++) sum = fmaf(x[d], y[d], sum);
  return sum;
}

template <int D>
TY_KERNEL void addScaled(float (&sum)[D], float by, Shared<float> x) {
  for (int d = 0; d < D; d++) sum[d] = fmaf(by, x[d], sum[d]);
}

template <class T>
struct AttentionArgs {
  const T* qkv;
  const T* dy;         // backward only
  const float* delta;  // Σ dy·y of each query; backward only
  float* lse;
  T* y;
  T* dqkv;
  int64_t time, heads, headDim;
  float scale;  // 1 / √headDim
  bool drops;
  DropoutNumbers dropout;
};

template <class T>
TY_KERNEL float maskOf(const AttentionArgs<T>& a, int64_t bh, int64_t query, int64_t key) {
  return a.drops ? dropoutMask(a.dropout, static_cast<uint64_t>((bh * a.time + query) * a.time + key)) : 1.0f;
}

// Blocks: queries; blocksY: heads of all sequences.
template <class T, int D>
struct AttentionForward {
  static constexpr const char* name = "attention";
  static constexpr size_t sharedBytes = 2 * kAttentionTile * D * sizeof(float);
  using Args = AttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> keys = t.shared<float>(0), values = keys + kAttentionTile * D;
    const int64_t bh = t.blockY(), query = t.block() * kAttentionThreads + t.index();
    const HeadView<const T> q = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 0, 3);
    const HeadView<const T> k = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 1, 3);
    const HeadView<const T> v = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 2, 3);
    const bool valid = query < a.time;
    float own[D], sum[D] = {};
    loadVector(q.at + query * q.stride, a.headDim, valid, own);
    float top = -INFINITY, total = 0;
    const int64_t last = (t.block() + 1) * kAttentionThreads < a.time ? (t.block() + 1) * kAttentionThreads : a.time;
    for (int64_t first = 0; first < last; first += kAttentionTile) {
      loadTile<T, D>(t, k, first, last, a.headDim, keys);
      loadTile<T, D>(t, v, first, last, a.headDim, values);
      t.sync();
      for (int j = 0; j < kAttentionTile && valid && first + j <= query; j++) {
        const float score = dot(own, keys + j * D) * a.scale;
        if (score > top) {
          // What was summed up so far was relative to a lower top.
          const float shrink = expf(top - score);
          total *= shrink;
          for (int d = 0; d < D; d++) sum[d] *= shrink;
          top = score;
        }
        const float p = expf(score - top);
        total += p;
        addScaled(sum, p * maskOf(a, bh, query, first + j), values + j * D);
      }
      t.sync();
    }
    if (!valid) return;
    const HeadView<T> y = headOf(a.y, bh, a.heads, a.time, a.headDim, 0, 1);
    storeVector(sum, 1.0f / total, a.headDim, y.at + query * y.stride);
    a.lse[bh * a.time + query] = top + logf(total);
  }
};

// delta = Σ dy·y of each query. Blocks: queries; blocksY: heads of all sequences.
template <class T>
struct AttentionDelta {
  static constexpr const char* name = "attentionDelta";
  struct Args {
    const T* dy;
    const T* y;
    float* delta;
    int64_t time, heads, headDim;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t bh = t.blockY(), query = t.block() * kAttentionThreads + t.index();
    if (query >= a.time) return;
    const HeadView<const T> dy = headOf(a.dy, bh, a.heads, a.time, a.headDim, 0, 1);
    const HeadView<const T> y = headOf(a.y, bh, a.heads, a.time, a.headDim, 0, 1);
    float sum = 0;
    for (int64_t d = 0; d < a.headDim; d++)
      sum = fmaf(toFloat(dy.at[query * dy.stride + d]), toFloat(y.at[query * y.stride + d]), sum);
    a.delta[bh * a.time + query] = sum;
  }
};

template <class T, int D>
struct AttentionBackwardQueries {
  static constexpr const char* name = "attentionBackwardQueries";
  static constexpr size_t sharedBytes = 2 * kAttentionTile * D * sizeof(float);
  using Args = AttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> keys = t.shared<float>(0), values = keys + kAttentionTile * D;
    const int64_t bh = t.blockY(), query = t.block() * kAttentionThreads + t.index();
    const HeadView<const T> q = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 0, 3);
    const HeadView<const T> k = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 1, 3);
    const HeadView<const T> v = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 2, 3);
    const HeadView<const T> dy = headOf(a.dy, bh, a.heads, a.time, a.headDim, 0, 1);
    const bool valid = query < a.time;
    float own[D], gradient[D], sum[D] = {};
    loadVector(q.at + query * q.stride, a.headDim, valid, own);
    loadVector(dy.at + query * dy.stride, a.headDim, valid, gradient);
    const float lse = valid ? a.lse[bh * a.time + query] : 0.0f, delta = valid ? a.delta[bh * a.time + query] : 0.0f;
    const int64_t last = (t.block() + 1) * kAttentionThreads < a.time ? (t.block() + 1) * kAttentionThreads : a.time;
    for (int64_t first = 0; first < last; first += kAttentionTile) {
      loadTile<T, D>(t, k, first, last, a.headDim, keys);
      loadTile<T, D>(t, v, first, last, a.headDim, values);
      t.sync();
      for (int j = 0; j < kAttentionTile && valid && first + j <= query; j++) {
        const float p = expf(dot(own, keys + j * D) * a.scale - lse);
        const float dp = dot(gradient, values + j * D) * maskOf(a, bh, query, first + j);
        addScaled(sum, p * (dp - delta), keys + j * D);
      }
      t.sync();
    }
    if (!valid) return;
    const HeadView<T> dq = headOf(a.dqkv, bh, a.heads, a.time, a.headDim, 0, 3);
    storeVector(sum, a.scale, a.headDim, dq.at + query * dq.stride);
  }
};

// Blocks: keys; blocksY: heads of all sequences.
template <class T, int D>
struct AttentionBackwardKeys {
  static constexpr const char* name = "attentionBackwardKeys";
  static constexpr size_t sharedBytes = 2 * kAttentionTile * D * sizeof(float);
  using Args = AttentionArgs<T>;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> queries = t.shared<float>(0), gradients = queries + kAttentionTile * D;
    const int64_t bh = t.blockY(), key = t.block() * kAttentionThreads + t.index();
    const HeadView<const T> q = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 0, 3);
    const HeadView<const T> k = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 1, 3);
    const HeadView<const T> v = headOf(a.qkv, bh, a.heads, a.time, a.headDim, 2, 3);
    const HeadView<const T> dy = headOf(a.dy, bh, a.heads, a.time, a.headDim, 0, 1);
    const bool valid = key < a.time;
    float own[D], value[D], keySum[D] = {}, valueSum[D] = {};
    loadVector(k.at + key * k.stride, a.headDim, valid, own);
    loadVector(v.at + key * v.stride, a.headDim, valid, value);
    // No query before the block's first key sees any of its keys.
    for (int64_t first = t.block() * kAttentionThreads; first < a.time; first += kAttentionTile) {
      loadTile<T, D>(t, q, first, a.time, a.headDim, queries);
      loadTile<T, D>(t, dy, first, a.time, a.headDim, gradients);
      t.sync();
      for (int i = 0; i < kAttentionTile && valid && first + i < a.time; i++) {
        const int64_t query = first + i;
        if (query < key) continue;
        const float p = expf(dot(own, queries + i * D) * a.scale - a.lse[bh * a.time + query]);
        const float mask = maskOf(a, bh, query, key);
        const float dp = dot(value, gradients + i * D) * mask;
        addScaled(valueSum, p * mask, gradients + i * D);
        addScaled(keySum, p * (dp - a.delta[bh * a.time + query]), queries + i * D);
      }
      t.sync();
    }
    if (!valid) return;
    const HeadView<T> dk = headOf(a.dqkv, bh, a.heads, a.time, a.headDim, 1, 3);
    const HeadView<T> dv = headOf(a.dqkv, bh, a.heads, a.time, a.headDim, 2, 3);
    storeVector(keySum, a.scale, a.headDim, dk.at + key * dk.stride);
    storeVector(valueSum, 1.0f, a.headDim, dv.at + key * dv.stride);
  }
};

}  // namespace gpu
}  // namespace trainyard
