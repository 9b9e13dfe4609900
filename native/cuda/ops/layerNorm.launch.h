#pragma once
#include <type_traits>

#include <platform/launch.h>

#include "layerNorm.h"

namespace trainyard {
namespace gpu {

// Calls body(std::integral_constant, std::integral_constant) with how often a team of threads takes eight numbers of a row, 0
// where it can't, and how large the team is.
template <class Body>
void withTeams(int64_t width, const Body& body) {
  constexpr std::integral_constant<int, kWarp> warp{};
  constexpr std::integral_constant<int, kNormThreads> block{};
  constexpr std::integral_constant<int, 0> none{};
  constexpr std::integral_constant<int, 1> one{};
  constexpr std::integral_constant<int, 2> two{};
  constexpr std::integral_constant<int, 4> four{};
  if (width % 8 != 0 || width > 4 * 8 * kNormThreads) return body(none, block);
  if (width <= 8 * kWarp) return body(one, warp);
  if (width <= 2 * 8 * kWarp) return body(two, warp);
  if (width <= 4 * 8 * kWarp) return body(four, warp);
  width <= 2 * 8 * kNormThreads ? body(two, block) : body(four, block);
}

template <class T>
void run(const LayerNormBackwardCall<T>& c, Gpu& gpu) {
  const int64_t chunks = ceilDiv(c.rows, kLayerNormRowsPerChunk), columns = ceilDiv(c.width, kColumnThreads);
  // Before dx, which may lie where nothing else is read, but never dy or x.
  gpu.launch<LayerNormBackwardChunks<T>>({columns, chunks, kColumnThreads, 0},
                                         {c.dy, c.x, c.mean, c.rstd, c.workspace, c.rows, c.width});
  gpu.launch<LayerNormBackwardSum>({columns, 1, kColumnThreads, 0}, {c.workspace, c.dgamma, c.dbeta, chunks, c.width,
                                                                     c.dgammaAccumulate, c.dbetaAccumulate});
  withTeams(c.width, [&](auto packs, auto team) {
    using Kernel = LayerNormBackwardInput<T, decltype(packs)::value, decltype(team)::value>;
    const int64_t blocks = ceilDiv(c.rows, kNormThreads / decltype(team)::value);
    gpu.launch<Kernel>({blocks, 1, kNormThreads, kNormSharedBytes},
                       {c.dy, c.x, c.gamma, c.mean, c.rstd, c.dx, c.rows, c.width, c.dxAccumulate});
  });
}

template <class T>
void run(const LayerNormCall<T>& c, Gpu& gpu) {
  withTeams(c.width, [&](auto packs, auto team) {
    using Kernel = LayerNorm<T, decltype(packs)::value, decltype(team)::value>;
    const int64_t blocks = ceilDiv(c.rows, kNormThreads / decltype(team)::value);
    gpu.launch<Kernel>({blocks, 1, kNormThreads, kNormSharedBytes},
                       {c.x, c.gamma, c.beta, c.y, c.mean, c.rstd, c.rows, c.width, static_cast<float>(c.eps)});
  });
}

}  // namespace gpu
}  // namespace trainyard
