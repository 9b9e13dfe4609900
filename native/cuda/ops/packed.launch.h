// Several pieces of text packed into one row of tokens: see electron/engine/ops/packed.ts.
#pragma once
#include "attentionSizes.h"
#include "embed.h"
#include "rowAttention.h"

namespace trainyard {
namespace gpu {

template <class T>
void run(const EmbedPackedCall<T>& c, Gpu& gpu) {
  gpu.launch<Embed<T>>(gridOver(c.rows * c.width), {c.tokens, nullptr, c.positions, c.wte, c.wpe, c.x, c.rows, 1, c.width,
                                                    c.paddedVocab, c.context, gpu.faults()});
}

template <class T>
void run(const PackedAttentionCall<T>& c, Gpu& gpu) {
  const auto heads = static_cast<int64_t>(c.heads);
  const int64_t headDim = c.width / heads;
  const PackedAttentionArgs<T> a = {c.qkv, c.spans, c.y, c.rows, {heads, c.kvWidth / headDim, headDim}, gpu.faults()};
  if constexpr (sizeof(T) == 2) {
    if (suitsTensorCores(headDim) && c.rows >= kFewRows) {
      return withTile(headDim, [&](auto size) {
        launchTensorRows<TensorPackedAttention<T, decltype(size)::value>, T, decltype(size)::value>(gpu, a, heads,
                                                                                                     c.rows);
      });
    }
  }
  return withLanes(headDim, [&](auto lanes) {
    using Kernel = PackedAttention<T, decltype(lanes)::value>;
    gpu.launch<Kernel>({c.rows, heads, kRowThreads, rowAttentionBytes(c.rows)}, a);
  });
}

template <class T>
void run(const SelectRowsCall<T>& c, Gpu& gpu) {
  gpu.launch<SelectRows<T>>(gridOver(c.rows * c.width),
                            {c.x, c.index, c.y, c.rows, c.width, c.sourceRows, gpu.faults()});
}

}  // namespace gpu
}  // namespace trainyard
