// What all kernels of causal self-attention are given.
#pragma once
#include "calls.h"
#include "dropoutMask.h"

namespace trainyard {
namespace gpu {

constexpr int kMaxHeadDim = static_cast<int>(kGpuMaxHeadDim);

// Vectors of one head in a matrix of tokens.
template <class T>
struct HeadView {
  T* at;
  int64_t stride;  // from token to token
};

// How a row of qkv is cut: queries of all heads, keys of fewer or as many, their values. Neighboring heads of queries share
// one of keys and values (Ainslie et al. 2023).
struct HeadShape {
  int64_t heads, kvHeads, headDim;
  TY_KERNEL int64_t width() const { return heads * headDim; }
  TY_KERNEL int64_t stride() const { return (heads + 2 * kvHeads) * headDim; }
  // Of which head of keys and values a head of queries is.
  TY_KERNEL int64_t kvHead(int64_t head) const { return head / (heads / kvHeads); }
  // Where a head's vector begins in a row.
  TY_KERNEL int64_t keys(int64_t kvHead) const { return (heads + kvHead) * headDim; }
  TY_KERNEL int64_t values(int64_t kvHead) const { return (heads + kvHeads + kvHead) * headDim; }
};

// The vectors of head `bh` of all sequences: of queries, or of what a matrix has for each of them.
template <class T>
TY_KERNEL HeadView<T> headOf(T* matrix, int64_t bh, const HeadShape& s, int64_t time, int64_t stride) {
  return {matrix + bh / s.heads * time * stride + bh % s.heads * s.headDim, stride};
}
template <class T>
TY_KERNEL HeadView<T> queriesOf(T* qkv, int64_t bh, const HeadShape& s, int64_t time) {
  return headOf(qkv, bh, s, time, s.stride());
}
template <class T>
TY_KERNEL HeadView<T> resultsOf(T* y, int64_t bh, const HeadShape& s, int64_t time) {
  return headOf(y, bh, s, time, s.width());
}
// The keys and the values that head `bh` of queries sees.
template <class T>
TY_KERNEL HeadView<T> keysOf(T* qkv, int64_t bh, const HeadShape& s, int64_t time) {
  return {qkv + bh / s.heads * time * s.stride() + s.keys(s.kvHead(bh % s.heads)), s.stride()};
}
template <class T>
TY_KERNEL HeadView<T> valuesOf(T* qkv, int64_t bh, const HeadShape& s, int64_t time) {
  return {qkv + bh / s.heads * time * s.stride() + s.values(s.kvHead(bh % s.heads)), s.stride()};
}

// Of the heads of queries of all sequences the first that sees a head of keys and values of all sequences; those behind
// it see it too, heads / kvHeads of them.
TY_KERNEL int64_t firstHeadOf(int64_t kvHead, const HeadShape& s) { return kvHead * (s.heads / s.kvHeads); }

template <class T>
struct AttentionArgs {
  const T* qkv;
  const T* dy;         // backward only
  const float* delta;  // Σ dy·y of each query; backward only
  float* lse;
  T* y;
  T* dqkv;
  int64_t time;
  HeadShape shape;
  float scale;  // 1 / √headDim
  bool drops;
  Dropout dropout;
};

template <class T>
TY_KERNEL float maskOf(const AttentionArgs<T>& a, int64_t bh, int64_t query, int64_t key) {
  return a.drops ? dropoutMask(a.dropout, static_cast<uint64_t>((bh * a.time + query) * a.time + key)) : 1.0f;
}

// delta = Σ dy·y of each query: a warp takes one. Blocks: four queries each; blocksY: heads of all sequences.
template <class T>
struct AttentionDelta {
  static constexpr const char* name = "attentionDelta";
  static constexpr int kQueries = 4;
  struct Args {
    const T* dy;
    const T* y;
    float* delta;
    int64_t time;
    HeadShape shape;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t bh = t.blockY(), query = t.block() * kQueries + t.warp();
    const HeadView<const T> dy = resultsOf(a.dy, bh, a.shape, a.time);
    const HeadView<const T> y = resultsOf(a.y, bh, a.shape, a.time);
    float sum = 0;
    for (int64_t d = t.lane(); query < a.time && d < a.shape.headDim; d += kWarp)
      sum = fmaf(toFloat(dy.at[query * dy.stride + d]), toFloat(y.at[query * y.stride + d]), sum);
    sum = warpSum(t, sum);
    if (query < a.time && t.lane() == 0) a.delta[bh * a.time + query] = sum;
  }
};

}  // namespace gpu
}  // namespace trainyard
