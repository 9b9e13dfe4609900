#pragma once
#include <cuda_runtime.h>

#include <stdexcept>
#include <vector>

#include "../layer/layer.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  int ordinal = 0;
  cudaStream_t lanes[2] = {};
  std::vector<cudaEvent_t> marks;
  // Small copies from the host go through pinned memory, slot by slot.
  static constexpr int kSlots = 16;
  static constexpr size_t kSlotBytes = 256 << 10;
  unsigned char* staging = nullptr;
  cudaEvent_t staged[kSlots] = {};
  int slot = 0;
  void* aside = nullptr;

  cudaStream_t stream(Lane lane) const { return lanes[lane == Lane::copies ? 1 : 0]; }
  // Of whichever thread asks.
  void use() const;
};

// Throws std::runtime_error that says what could not be done, and why.
inline void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  cudaGetLastError();  // else the next call would fail of it
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

inline void Gpu::Implementation::use() const { require(cudaSetDevice(ordinal), "The GPU can't be used"); }

template <class Kernel>
__global__ void __launch_bounds__(Bounds<Kernel>::kThreads, Bounds<Kernel>::kMinBlocks)
    entry(const __grid_constant__ typename Kernel::Args args) {
  Thread t;
  Kernel::run(t, args);
}

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  if (rehearses_) {
    // Kernels are loaded as they are first asked for; inside of a recording is too late.
    cudaFuncAttributes attributes{};
    require(cudaFuncGetAttributes(&attributes, entry<Kernel>), Kernel::name);
    // More than 48 KiB must be asked for.
    return require(cudaFuncSetAttribute(entry<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                        static_cast<int>(kMostSharedBytes)),
                   Kernel::name);
  }
  if (grid.blocksY > 65535) throw std::runtime_error(std::string(Kernel::name) + " is asked for too large a grid");
  const dim3 blocks(static_cast<unsigned>(grid.blocks), static_cast<unsigned>(grid.blocksY));
  entry<Kernel><<<blocks, static_cast<unsigned>(grid.threads), grid.sharedBytes, implementation_->stream(Lane::compute)>>>(
      args);
  require(cudaGetLastError(), Kernel::name);
}

}  // namespace gpu
}  // namespace trainyard
