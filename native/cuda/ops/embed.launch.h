#pragma once
#include <platform/launch.h>

#include "embed.h"

namespace trainyard {
namespace gpu {

template <class T>
void run(const EmbedCall<T>& c, Gpu& gpu) {
  const int64_t rows = c.batch * c.time;
  gpu.launch<Embed<T>>(gridOver(rows * c.width), {c.tokens, c.position, nullptr, c.wte, c.wpe, c.x, rows, c.time, c.width,
                                                  c.paddedVocab, c.context, gpu.faults()});
}

template <class T>
void run(const EmbedTokensCall<T>& c, Gpu& gpu) {
  gpu.launch<EmbedTokens<T>>(gridOver(c.rows * c.width),
                             {c.tokens, c.wte, c.x, c.rows, c.width, c.paddedVocab, gpu.faults()});
}

template <class T>
void run(const EmbedTokensBackwardCall<T>& c, Gpu& gpu) {
  if (!c.dwteAccumulate) gpu.enqueueZero(c.dwte, static_cast<size_t>(c.paddedVocab * c.width) * sizeof(float));
  using Tokens = TokenGradient<T>;
  gpu.launch<Tokens>({c.rows, ceilDiv(c.width, kColumnThreads), 32 * Tokens::kWarps, Tokens::kSharedBytes},
                     {c.dx, c.tokens, c.dwte, c.rows, c.width, c.paddedVocab, gpu.faults()});
}

template <class T>
void run(const EmbedBackwardCall<T>& c, Gpu& gpu) {
  const auto zero = [&](float* at, int64_t rows) {
    gpu.enqueueZero(at, static_cast<size_t>(rows * c.width) * sizeof(float));
  };
  if (!c.dwteAccumulate) zero(c.dwte, c.paddedVocab);
  if (!c.dwpeAccumulate) zero(c.dwpe, c.context);
  const int64_t rows = c.batch * c.time, columns = ceilDiv(c.width, kColumnThreads);
  gpu.launch<PositionGradient<T>>({c.time, columns, kColumnThreads, 0}, {c.dx, c.dwpe, c.batch, c.time, c.width});
  using Tokens = TokenGradient<T>;
  gpu.launch<Tokens>({rows, columns, 32 * Tokens::kWarps, Tokens::kSharedBytes},
                            {c.dx, c.tokens, c.dwte, rows, c.width, c.paddedVocab, gpu.faults()});
}

}  // namespace gpu
}  // namespace trainyard
