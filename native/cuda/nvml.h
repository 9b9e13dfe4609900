// What the driver says of a GPU (NVML): of its memory, and how busy, hot and hungry it is. Bytes are -1 where it can't be
// asked, or does not know.
#pragma once
#include <cstdint>
#include <optional>

namespace trainyard {
namespace gpu {

struct DriverMemory {
  int64_t usedBytes = -1;  // by whomever; what the driver keeps for itself included
  int64_t freeBytes = -1;
};

// Of the whole GPU, now, by whomever it is used. What the driver does not tell is absent.
struct GpuFigures {
  std::optional<double> utilization;  // 0 to 1: the share of the driver's latest interval, up to a second, in which a kernel ran
  std::optional<double> celsius, watts, memoryBytes;
};

// bus: where the GPU is, as CUDA writes it: 0000:01:00.0
DriverMemory driverMemoryOf(const char* bus, int64_t memoryBytes);
// What this process holds.
int64_t processMemoryOf(const char* bus);
// May take milliseconds.
GpuFigures figuresOf(const char* bus, int64_t memoryBytes);

}  // namespace gpu
}  // namespace trainyard
