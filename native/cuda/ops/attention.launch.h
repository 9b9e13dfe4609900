#pragma once
#include <cmath>

#include "attention.h"
#include "attentionSizes.h"
#include "rowAttention.h"

namespace trainyard {
namespace gpu {

template <class T, class AttentionCall>
AttentionArgs<T> attentionArgs(const AttentionCall& c) {
  AttentionArgs<T> a{};
  a.qkv = c.qkv;
  a.time = c.time;
  a.shape = {c.heads, c.kvHeads, c.headDim};
  a.scale = 1.0f / std::sqrt(static_cast<float>(c.headDim));
  a.drops = c.dropout > 0;
  a.dropout = makeDropout(c.rng, c.stream, c.dropout);
  return a;
}

template <class T>
void run(const AttentionCall<T>& c, Gpu& gpu) {
  AttentionArgs<T> a = attentionArgs<T>(c);
  a.lse = c.lse;
  a.y = c.y;
  const int64_t heads = c.batch * c.heads;
  if constexpr (sizeof(T) == 2) {
    if (suitsTensorCores(c.headDim)) {
      return withTiles(c.headDim, a.drops, [&](auto size, auto drops) {
        using Kernel = TensorAttentionForward<T, decltype(size)::value, decltype(drops)::value>;
        const int64_t blocks = heads * ceilDiv(c.time, kTensorAttentionRows);
        gpu.launch<Kernel>({blocks, 1, Kernel::kThreads, Kernel::kSharedBytes}, a);
      });
    }
  }
  withHeadDim(c.headDim, [&](auto size) {
    using Kernel = AttentionForward<T, decltype(size)::value>;
    gpu.launch<Kernel>({ceilDiv(c.time, kAttentionRows), heads, kAttentionThreads, Kernel::sharedBytes}, a);
  });
}

template <class T>
void run(const AttentionBackwardCall<T>& c, Gpu& gpu) {
  const int64_t heads = c.batch * c.heads, kvHeads = c.batch * c.kvHeads;
  AttentionArgs<T> a = attentionArgs<T>(c);
  using Delta = AttentionDelta<T>;
  gpu.launch<Delta>({ceilDiv(c.time, Delta::kQueries), heads, 32 * Delta::kQueries, 0},
                    {c.dy, c.y, c.workspace, c.time, a.shape});
  a.dy = c.dy;
  a.delta = c.workspace;
  a.lse = const_cast<float*>(c.lse);
  a.dqkv = c.dqkv;
  if constexpr (sizeof(T) == 2) {
    if (suitsTensorCores(c.headDim)) {
      const int64_t segments = ceilDiv(c.time, kTensorAttentionRows);
      return withTiles(c.headDim, a.drops, [&](auto size, auto drops) {
        using Queries = TensorAttentionBackwardQueries<T, decltype(size)::value, decltype(drops)::value>;
        using Keys = TensorAttentionBackwardKeys<T, decltype(size)::value, decltype(drops)::value>;
        gpu.launch<Queries>({heads * segments, 1, Queries::kThreads, Queries::kSharedBytes}, a);
        gpu.launch<Keys>({kvHeads * segments, 1, Keys::kThreads, Keys::kSharedBytes}, a);
      });
    }
  }
  const int64_t blocks = ceilDiv(c.time, kAttentionRows);
  withHeadDim(c.headDim, [&](auto size) {
    using Queries = AttentionBackwardQueries<T, decltype(size)::value>;
    using Keys = AttentionBackwardKeys<T, decltype(size)::value>;
    gpu.launch<Queries>({blocks, heads, kAttentionThreads, Queries::sharedBytes}, a);
    gpu.launch<Keys>({blocks, kvHeads, kAttentionThreads, Keys::sharedBytes}, a);
  });
}

template <class T>
void run(const CachedAttentionCall<T>& c, Gpu& gpu) {
  const CachedAttentionArgs<T> a = {c.qkv, c.position, c.kCache, c.vCache, c.y, c.batch, c.time,
                                    {c.heads, c.kvHeads, c.headDim}, c.context, gpu.faults()};
  gpu.launch<FillCache<T>>(gridOver(c.batch * c.time * c.kvHeads * c.headDim), a);
  if constexpr (sizeof(T) == 2) {
    if (suitsTensorCores(c.headDim) && c.time >= kFewRows) {
      return withTile(c.headDim, [&](auto size) {
        launchTensorRows<TensorCachedAttention<T, decltype(size)::value>, T, decltype(size)::value>(
            gpu, a, c.batch * c.heads, c.time);
      });
    }
  }
  return withLanes(c.headDim, [&](auto lanes) {
    using Kernel = CachedAttention<T, decltype(lanes)::value>;
    gpu.launch<Kernel>({c.batch * c.time, c.heads, kRowThreads, rowAttentionBytes(c.context)}, a);
  });
}

}  // namespace gpu
}  // namespace trainyard
