// What all kernels of causal self-attention are given.
#pragma once
#include "philox.h"

namespace trainyard {
namespace gpu {

constexpr int kMaxHeadDim = 128;

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

// delta = Σ dy·y of each query: a warp takes one. Blocks: four queries each; blocksY: heads of all sequences.
template <class T>
struct AttentionDelta {
  static constexpr const char* name = "attentionDelta";
  static constexpr int kQueries = 4;
  struct Args {
    const T* dy;
    const T* y;
    float* delta;
    int64_t time, heads, headDim;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t bh = t.blockY(), query = t.block() * kQueries + t.warp();
    const HeadView<const T> dy = headOf(a.dy, bh, a.heads, a.time, a.headDim, 0, 1);
    const HeadView<const T> y = headOf(a.y, bh, a.heads, a.time, a.headDim, 0, 1);
    float sum = 0;
    for (int64_t d = t.lane(); query < a.time && d < a.headDim; d += kWarp)
      sum = fmaf(toFloat(dy.at[query * dy.stride + d]), toFloat(y.at[query * y.stride + d]), sum);
    sum = warpSum(t, sum);
    if (query < a.time && t.lane() == 0) a.delta[bh * a.time + query] = sum;
  }
};

}  // namespace gpu
}  // namespace trainyard
