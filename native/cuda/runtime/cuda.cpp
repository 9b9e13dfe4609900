#include "cuda.h"

#include <string>

namespace trainyard {
namespace gpu {

Gpu::Gpu(const GpuOptions& options) : implementation_(std::make_unique<Implementation>()), tf32_(options.tf32) {
  const int ordinal = options.ordinal;
  int count = 0;
  require(cudaGetDeviceCount(&count), "No GPU can be used");
  if (ordinal < 0 || ordinal >= count)
    throw std::runtime_error("There is no GPU " + std::to_string(ordinal) + ": there are " + std::to_string(count));
  require(cudaSetDevice(ordinal), "The GPU can't be used");
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, ordinal), "The GPU can't be asked");
  if (properties.major < 8)
    throw std::runtime_error(std::string(properties.name) + " is too old: it takes an RTX 30, an A100 or newer");
  name_ = properties.name;
  memoryBytes_ = static_cast<int64_t>(properties.totalGlobalMem);
  processors_ = properties.multiProcessorCount;
  implementation_->ordinal = ordinal;
  require(cudaStreamCreateWithFlags(&implementation_->stream, cudaStreamNonBlocking), "A stream can't be made");
  prepare();
}

Gpu::~Gpu() {
  release(mapMemory_, Place::device);
  release(faults_, Place::device);
  cudaStreamDestroy(implementation_->stream);
}

void* Gpu::allocate(size_t bytes, Place place) {
  if (bytes == 0) return nullptr;
  require(cudaSetDevice(implementation_->ordinal), "The GPU can't be used");
  void* memory = nullptr;
  const bool onHost = place == Place::host;
  const cudaError_t error = onHost ? cudaMallocHost(&memory, bytes) : cudaMalloc(&memory, bytes);
  if (error != cudaSuccess) {
    cudaGetLastError();  // else the next call would fail of it
    throw std::runtime_error("out of memory: " + std::to_string(bytes) + " bytes could not be allocated on " +
                             (onHost ? "the host" : name_));
  }
  require(cudaMemset(memory, 0, bytes), "memory");
  return memory;
}

void Gpu::release(void* memory, Place place) {
  if (place == Place::host) {
    cudaFreeHost(memory);
  } else {
    cudaFree(memory);
  }
}

void Gpu::copy(void* to, const void* from, size_t bytes) {
  copyInStream(to, from, bytes);
  synchronise();
}

void Gpu::copyInStream(void* to, const void* from, size_t bytes) {
  require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, implementation_->stream), "A copy failed");
}

void Gpu::zeroInStream(void* at, size_t bytes) {
  require(cudaMemsetAsync(at, 0, bytes, implementation_->stream), "memory");
}

std::string Gpu::selfTest(const std::string&) { throw std::logic_error("a real GPU has no emulator to test"); }

std::vector<std::string> Gpu::launched() { throw std::logic_error("a real GPU keeps no list of kernels"); }

void Gpu::synchronise() { require(cudaStreamSynchronize(implementation_->stream), "The GPU failed"); }

}  // namespace gpu
}  // namespace trainyard
