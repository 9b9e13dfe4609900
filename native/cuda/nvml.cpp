#include "nvml.h"

#include <vector>

#if !defined(_WIN32)
#include <unistd.h>
#endif

#include "library.h"

namespace trainyard {
namespace gpu {
namespace {

// As NVIDIA documents them (NVML API reference): the library comes with the driver.
using Nvml = void*;
struct Memory {
  unsigned long long total, free, used;
};
// nvmlProcessInfo_v2_t
struct Process {
  unsigned int id;
  unsigned long long usedBytes;
  unsigned int gpuInstance, computeInstance;
};
// nvmlUtilization_t, per cent
struct Utilization {
  unsigned int gpu, memory;
};
constexpr int kGpuSensor = 0;  // NVML_TEMPERATURE_GPU
constexpr int kSuccess = 0, kTooFew = 7;

const Library& library() {
#if defined(_WIN32)
  static const char* const names[] = {"nvml.dll"};
#else
  static const char* const names[] = {"libnvidia-ml.so.1"};
#endif
  static const Library nvml(names);
  return nvml;
}

// Null where there is no driver, or it knows no such GPU.
Nvml deviceAt(const char* bus) {
  const auto init = library().find<int (*)()>("nvmlInit_v2");
  const auto byBus = library().find<int (*)(const char*, Nvml*)>("nvmlDeviceGetHandleByPciBusId_v2");
  if (!init || !byBus) return nullptr;
  static const int started = init();
  Nvml device = nullptr;
  if (started != kSuccess || byBus(bus, &device) != kSuccess) return nullptr;
  return device;
}

int64_t thisProcess() {
#if defined(_WIN32)
  return static_cast<int64_t>(GetCurrentProcessId());
#else
  return static_cast<int64_t>(getpid());
#endif
}

}  // namespace

DriverMemory driverMemoryOf(const char* bus, int64_t memoryBytes) {
  const Nvml device = deviceAt(bus);
  const auto memoryOf = library().find<int (*)(Nvml, Memory*)>("nvmlDeviceGetMemoryInfo");
  Memory memory{};
  if (!device || !memoryOf || memoryOf(device, &memory) != kSuccess) return {};
  // Of a part of a GPU the whole is told, which says nothing.
  if (static_cast<double>(memory.total) > 1.2 * static_cast<double>(memoryBytes)) return {};
  return {static_cast<int64_t>(memory.used), static_cast<int64_t>(memory.free)};
}

int64_t processMemoryOf(const char* bus) {
  using List = int (*)(Nvml, unsigned int*, Process*);
  const Nvml device = deviceAt(bus);
  // Not the third version first: some drivers of series 535 had larger entries there.
  List list = library().find<List>("nvmlDeviceGetComputeRunningProcesses_v2");
  if (!list) list = library().find<List>("nvmlDeviceGetComputeRunningProcesses_v3");
  if (!device || !list) return -1;
  std::vector<Process> processes(64);
  for (;;) {
    auto count = static_cast<unsigned int>(processes.size());
    const int answer = list(device, &count, processes.data());
    if (answer == kTooFew && count > processes.size()) {
      processes.resize(count + 8);
      continue;
    }
    if (answer != kSuccess) return -1;
    for (unsigned int i = 0; i < count; i++) {
      // Where Windows manages memory the driver says so by all bits: -1.
      if (static_cast<int64_t>(processes[i].id) == thisProcess()) return static_cast<int64_t>(processes[i].usedBytes);
    }
    return -1;  // in a container it may have another number outside
  }
}

GpuFigures figuresOf(const char* bus, int64_t memoryBytes) {
  GpuFigures figures;
  const Nvml device = deviceAt(bus);
  if (!device) return figures;
  const auto utilizationOf = library().find<int (*)(Nvml, Utilization*)>("nvmlDeviceGetUtilizationRates");
  Utilization utilization{};
  if (utilizationOf && utilizationOf(device, &utilization) == kSuccess) figures.utilization = utilization.gpu / 100.0;
  const auto temperatureOf = library().find<int (*)(Nvml, int, unsigned int*)>("nvmlDeviceGetTemperature");
  unsigned int celsius = 0;
  if (temperatureOf && temperatureOf(device, kGpuSensor, &celsius) == kSuccess) figures.celsius = celsius;
  const auto powerOf = library().find<int (*)(Nvml, unsigned int*)>("nvmlDeviceGetPowerUsage");
  unsigned int milliwatts = 0;
  if (powerOf && powerOf(device, &milliwatts) == kSuccess) figures.watts = milliwatts / 1000.0;
  const int64_t used = driverMemoryOf(bus, memoryBytes).usedBytes;
  if (used >= 0) figures.memoryBytes = static_cast<double>(used);
  return figures;
}

}  // namespace gpu
}  // namespace trainyard
