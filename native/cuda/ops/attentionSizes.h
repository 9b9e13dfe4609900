// Which kernels take heads of a width.
#pragma once
#include <stdexcept>
#include <type_traits>

#include <platform/launch.h>

#include "attentionArgs.h"
#include "tensorAttention.h"
#include "tensorRowAttention.h"

namespace trainyard {
namespace gpu {

// Calls body(std::integral_constant) with the smallest vector length that holds a head.
template <class Body>
void withHeadDim(int64_t headDim, const Body& body) {
  if (headDim <= 32) return body(std::integral_constant<int, 32>());
  if (headDim <= 64) return body(std::integral_constant<int, 64>());
  if (headDim <= kMaxHeadDim) return body(std::integral_constant<int, kMaxHeadDim>());
  throw std::logic_error("heads are too wide");
}

// Whether heads of 16-bit numbers can be copied 16 bytes at a time, for tensor cores.
inline bool suitsTensorCores(int64_t headDim) { return headDim % 8 == 0; }

// Below so many rows tensor cores would mostly multiply nothing.
constexpr int64_t kFewRows = 16;

// Calls body(std::integral_constant) with the width of tiles that hold a head.
template <class Body>
void withTile(int64_t headDim, const Body& body) {
  if (headDim <= 64) return body(std::integral_constant<int, 64>());
  if (headDim <= kMaxHeadDim) return body(std::integral_constant<int, kMaxHeadDim>());
  throw std::logic_error("heads are too wide");
}

// The same, and whether it drops.
template <class Body>
void withTiles(int64_t headDim, bool drops, const Body& body) {
  withTile(headDim, [&](auto size) { drops ? body(size, std::true_type()) : body(size, std::false_type()); });
}

// Calls body(std::integral_constant) with how many lanes read a head's vector, 8 numbers each; 0 where they can't.
template <class Body>
void withLanes(int64_t headDim, const Body& body) {
  if (headDim % 8 != 0) return body(std::integral_constant<int, 0>());
  if (headDim <= 32) return body(std::integral_constant<int, 4>());
  if (headDim <= 64) return body(std::integral_constant<int, 8>());
  if (headDim <= kMaxHeadDim) return body(std::integral_constant<int, 16>());
  throw std::logic_error("heads are too wide");
}

template <class Kernel, class T, int D, class Args>
void launchTensorRows(Gpu& gpu, const Args& a, int64_t heads, int64_t rows) {
  const int64_t blocks = heads * ceilDiv(rows, kTensorAttentionRows);
  gpu.launch<Kernel>({blocks, 1, Kernel::kThreads, kTensorRowsBytes<T, D>}, a);
}

}  // namespace gpu
}  // namespace trainyard
