#include "memory.h"

#include <atomic>
#include <cstdlib>
#if defined(_WIN32)
#include <malloc.h>
#elif defined(__linux__)
#include <sys/mman.h>
#endif

namespace trainyard {
namespace {

std::atomic<uint64_t> allocations{0};
std::atomic<uint64_t> liveBytes{0};

constexpr size_t kHugePageBytes = size_t{2} << 20;

// The size is kept one alignment unit before the memory handed out.
void* rawAlloc(size_t bytes) {
  const bool large = bytes >= kHugePageBytes;
#ifdef _WIN32
  return _aligned_malloc(bytes, large ? kHugePageBytes : kAlignment);
#else
  void* memory = nullptr;
  if (posix_memalign(&memory, large ? kHugePageBytes : kAlignment, bytes) != 0) return nullptr;
#if defined(__linux__)
  // A hint: matrices that span thousands of small pages miss the TLB in every packing loop.
  if (large) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
  return memory;
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
