#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace trainyard {
namespace gpu {

// How many threads run a kernel.
struct Grid {
  int64_t blocks;
  int64_t blocksY;
  int threads;  // of a block; a multiple of 32
  size_t sharedBytes;
};

// The most that a block of an RTX 30 or 40 may have (CUDA's programming guide, compute capabilities 8.6 and 8.9).
constexpr size_t kMaxSharedBytes = 99 << 10;

// Of a block of kernels of which a thread takes a column.
constexpr int kColumnThreads = 128;

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The most threads of a block, and how many blocks a processor should hold at once, for which registers are shared out:
// kThreads and kMinBlocks of a kernel, where it has them.
template <class Kernel, class = void>
struct Bounds {
  static constexpr int kThreads = 256, kMinBlocks = 1;
};
template <class Kernel>
struct Bounds<Kernel, std::void_t<decltype(Kernel::kMinBlocks)>> {
  static constexpr int kThreads = Kernel::kThreads, kMinBlocks = Kernel::kMinBlocks;
};

// For kernels in which a thread takes elements one by one, `threads` apart.
inline Grid gridOver(int64_t elements) {
  constexpr int kThreads = 256;
  constexpr int64_t kMaxBlocks = 8192;
  const int64_t blocks = ceilDiv(elements, kThreads);
  return {blocks < kMaxBlocks ? (blocks > 0 ? blocks : 1) : kMaxBlocks, 1, kThreads, 0};
}

// For those in which it takes four at a time, twice or more: what a thread does once is worth while then.
inline Grid gridOverFours(int64_t elements) { return gridOver(ceilDiv(elements, 8)); }

}  // namespace gpu
}  // namespace trainyard
