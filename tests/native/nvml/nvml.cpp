// A library that stands in for NVIDIA's of the driver (NVML), by what its API reference says of these functions. It knows two
// GPUs: one at 0000:01:00.0, which is busy and hot, and the emulated one. What TRAINYARD_TEST_NVML names, by commas, it does
// not support: utilization, temperature, power, memory; or `init`: the driver does not answer.
#include <cstdlib>
#include <cstring>
#include <string>

#include "../exported.h"

namespace {

enum Status { kSuccess = 0, kUninitialized = 1, kNotSupported = 3, kNotFound = 6, kDriverNotLoaded = 9 };

struct Gpu {
  const char* bus;
  unsigned int utilization, celsius, milliwatts;
  unsigned long long totalBytes, usedBytes;
};
constexpr unsigned long long kGiB = 1ull << 30;
Gpu gpus[] = {{"0000:01:00.0", 99, 90, 350000, 80 * kGiB, 79 * kGiB},
              {"FFFF:FF:1F.7", 42, 65, 123456, 8 * kGiB, 3 * kGiB}};
bool isStarted = false;

bool lacks(const char* what) {
  const char* named = std::getenv("TRAINYARD_TEST_NVML");
  return named && ("," + std::string(named) + ",").find("," + std::string(what) + ",") != std::string::npos;
}

Status answer(const char* what) {
  if (!isStarted) return kUninitialized;
  return lacks(what) ? kNotSupported : kSuccess;
}

}  // namespace

struct Utilization {
  unsigned int gpu, memory;
};
struct Memory {
  unsigned long long total, free, used;
};

EXPORTED int nvmlInit_v2() {
  if (lacks("init")) return kDriverNotLoaded;
  isStarted = true;
  return kSuccess;
}

EXPORTED int nvmlDeviceGetHandleByPciBusId_v2(const char* bus, void** device) {
  if (!isStarted) return kUninitialized;
  for (Gpu& gpu : gpus) {
    if (std::strcmp(gpu.bus, bus) != 0) continue;
    *device = &gpu;
    return kSuccess;
  }
  return kNotFound;
}

EXPORTED int nvmlDeviceGetUtilizationRates(void* device, Utilization* utilization) {
  *utilization = {static_cast<Gpu*>(device)->utilization, 5};
  return answer("utilization");
}

EXPORTED int nvmlDeviceGetTemperature(void* device, int sensor, unsigned int* celsius) {
  if (sensor != 0) return kNotSupported;
  *celsius = static_cast<Gpu*>(device)->celsius;
  return answer("temperature");
}

EXPORTED int nvmlDeviceGetPowerUsage(void* device, unsigned int* milliwatts) {
  *milliwatts = static_cast<Gpu*>(device)->milliwatts;
  return answer("power");
}

EXPORTED int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  const Gpu& gpu = *static_cast<Gpu*>(device);
  *memory = {gpu.totalBytes, gpu.totalBytes - gpu.usedBytes, gpu.usedBytes};
  return answer("memory");
}
