#include "memory.h"

#include <atomic>
#include <cstdlib>
#ifdef _WIN32
#include <malloc.h>
#endif

namespace trainyard {
namespace {

std::atomic<uint64_t> allocations{0};
std::atomic<uint64_t> liveBytes{0};

// The size is kept one alignment unit before the memory handed out.
void* rawAlloc(size_t bytes) {
#ifdef _WIN32
  return _aligned_malloc(bytes, kAlignment);
#else
  void* memory = nullptr;
  return posix_memalign(&memory, kAlignment, bytes) == 0 ? memory : nullptr;
#endif
}

void rawFree(void* memory) {
#ifdef _WIN32
  _aligned_free(memory);
#else
  std::free(memory);
#endif
}

}  // namespace

void* alignedAlloc(size_t bytes) {
  if (bytes > SIZE_MAX - 2 * kAlignment) return nullptr;
  auto* raw = static_cast<uint8_t*>(rawAlloc(bytes + kAlignment));
  if (!raw) return nullptr;
  *reinterpret_cast<size_t*>(raw) = bytes;
  allocations++;
  liveBytes += bytes;
  return raw + kAlignment;
}

void alignedFree(void* memory) {
  if (!memory) return;
  uint8_t* raw = static_cast<uint8_t*>(memory) - kAlignment;
  liveBytes -= *reinterpret_cast<size_t*>(raw);
  rawFree(raw);
}

MemoryStats memoryStats() { return {allocations.load(), liveBytes.load()}; }

}  // namespace trainyard
