// What the driver says of a GPU's memory (NVML). Bytes are -1 where it can't be asked, or does not know.
#pragma once
#include <cstdint>

namespace trainyard {
namespace gpu {

struct DriverMemory {
  int64_t usedBytes = -1;  // by whomever; what the driver keeps for itself included
  int64_t freeBytes = -1;
};

// bus: where the GPU is, as CUDA writes it: 0000:01:00.0
DriverMemory driverMemoryOf(const char* bus, int64_t memoryBytes);
// What this process holds.
int64_t processMemoryOf(const char* bus);

}  // namespace gpu
}  // namespace trainyard
