// How kernels are started by CUDA's runtime, and what a GPU is made of there.
#pragma once
#include <cuda_runtime.h>

#include <stdexcept>
#include <vector>

#include "../../common/failure.h"
#include "../gpu.h"
#include "../layer/layer.h"
#include "calls.h"

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  int ordinal = 0;
  cudaStream_t streams[2] = {};
  std::vector<cudaEvent_t> marks;
  // Small copies from the host go through pinned memory, slot by slot.
  static constexpr int kSlots = 16;
  static constexpr size_t kSlotBytes = 256 << 10;
  unsigned char* staging = nullptr;
  cudaEvent_t staged[kSlots] = {};
  int slot = 0;
  void* moduleReserve = nullptr;

  cudaStream_t stream(Stream stream) const { return streams[stream == Stream::copies ? 1 : 0]; }
  // Of whichever thread asks.
  void use() const;
};

// Throws Failure that says what could not be done, and why. kernel: of what is launched.
inline void require(cudaError_t error, GpuAction action, const char* kernel = nullptr) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // else the next call would fail of it
  Failure::Args args = {
      {"action", nameOf(action)}, {"error", cudaGetErrorName(error)}, {"problem", cudaGetErrorString(error)}};
  if (kernel) args.push_back({"kernel", kernel});
  throw Failure(Code::gpuFailed, std::move(args));
}

inline void Gpu::Implementation::use() const { require(cudaSetDevice(ordinal), GpuAction::use); }

template <class Kernel>
__global__ void __launch_bounds__(Bounds<Kernel>::kThreads, Bounds<Kernel>::kMinBlocks)
    entry(const __grid_constant__ typename Kernel::Args args) {
  Thread t;
  Kernel::run(t, args);
}

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  if (warmingUp_) {
    // Kernels are loaded as they are first asked for; inside of a graph is too late.
    cudaFuncAttributes attributes{};
    require(cudaFuncGetAttributes(&attributes, entry<Kernel>), GpuAction::launch, Kernel::name);
    // More than 48 KiB must be asked for.
    return require(cudaFuncSetAttribute(entry<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        static_cast<int>(kMaxSharedBytes)),
                   GpuAction::launch, Kernel::name);
  }
  if (grid.blocksY > kGpuMaxGridRows) throw std::runtime_error(std::string(Kernel::name) + " is asked for too large a grid");
  const dim3 blocks(static_cast<unsigned>(grid.blocks), static_cast<unsigned>(grid.blocksY));
  entry<Kernel><<<blocks, static_cast<unsigned>(grid.threads), grid.sharedBytes, implementation_->stream(Stream::compute)>>>(
      args);
  require(cudaGetLastError(), GpuAction::launch, Kernel::name);
}

}  // namespace gpu
}  // namespace trainyard
