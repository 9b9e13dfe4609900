#pragma once
#include <cstdint>

namespace trainyard {
namespace gpu {

// Bytes of a GPU's memory that are in use, whoever uses them, by the driver's own count (NVML); -1 where it can't be asked.
// bus: where the GPU is, as CUDA writes it: 0000:01:00.0
int64_t usedMemoryOf(const char* bus, int64_t memoryBytes);

}  // namespace gpu
}  // namespace trainyard
