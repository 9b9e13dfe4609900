// Every allocation of the CPU device goes through here and is counted: a training step must make none.
#pragma once
#include <cstddef>
#include <cstdint>

namespace trainyard {

constexpr size_t kAlignment = 4096;

// Memory at a multiple of kAlignment, or null when there is none. Not zeroed.
void* alignedAlloc(size_t bytes);
void alignedFree(void* memory);

struct MemoryStats {
  uint64_t allocations;  // since the library was loaded
  uint64_t liveBytes;
};
MemoryStats memoryStats();

}  // namespace trainyard
