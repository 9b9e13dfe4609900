#include "driverMemory.h"

#include "library.h"

namespace trainyard {
namespace gpu {
namespace {

// As NVIDIA documents them (NVML API reference): the library comes with the driver.
using Nvml = void*;
struct Memory {
  unsigned long long total, free, used;
};

}  // namespace

int64_t usedMemoryOf(const char* bus, int64_t memoryBytes) {
#if defined(_WIN32)
  static const char* const names[] = {"nvml.dll"};
#else
  static const char* const names[] = {"libnvidia-ml.so.1"};
#endif
  static const Library library(names);
  const auto init = library.find<int (*)()>("nvmlInit_v2");
  const auto byBus = library.find<int (*)(const char*, Nvml*)>("nvmlDeviceGetHandleByPciBusId_v2");
  const auto memoryOf = library.find<int (*)(Nvml, Memory*)>("nvmlDeviceGetMemoryInfo");
  if (!init || !byBus || !memoryOf) return -1;
  static const int started = init();
  Nvml device = nullptr;
  Memory memory{};
  if (started != 0 || byBus(bus, &device) != 0 || memoryOf(device, &memory) != 0) return -1;
  // Of a part of a GPU the whole is told, which says nothing.
  if (static_cast<double>(memory.total) > 1.2 * static_cast<double>(memoryBytes)) return -1;
  return static_cast<int64_t>(memory.used);
}

}  // namespace gpu
}  // namespace trainyard
