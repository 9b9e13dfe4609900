// What a GPU's memories are asked for by a warp's accesses, as its profilers count it: shared memory has 32 banks of 4
// bytes, of which each gives one word at a time; global memory gives sectors of 32 bytes (CUDA's best practices guide,
// "Shared Memory and Memory Banks" and "Coalesced Access to Global Memory").
#pragma once
#include <cstddef>
#include <cstdint>

namespace trainyard {
namespace ptx {

constexpr int kWarpLanes = 32;

struct Traffic {
  struct Kind {
    uint64_t requests = 0;
    uint64_t parts = 0;  // that they are served in: turns of shared memory, sectors of global memory
    uint64_t min = 0;  // as many as the same bytes would take, had they been laid out for it
  };
  uint64_t launches = 0;
  uint64_t warpInstructions = 0;
  uint64_t products = 0;  // of matrices, by tensor cores
  Kind shared, global;

  // Of the lanes of a mask, `bytes` each, at most 16.
  void reachShared(const uint64_t (&addresses)[kWarpLanes], uint32_t lanes, uint32_t bytes);
  void reachGlobal(const uint64_t (&addresses)[kWarpLanes], uint32_t lanes, uint32_t bytes);
  Traffic& operator+=(const Traffic& other);
};

}  // namespace ptx
}  // namespace trainyard
