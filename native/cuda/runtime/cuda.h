#pragma once
#include <cuda_runtime.h>

#include <stdexcept>

#include "../layer/layer.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  int ordinal = 0;
  cudaStream_t stream = nullptr;
};

inline void require(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string(what) + ": " + cudaGetErrorString(error));
}

template <class Kernel>
__global__ void __launch_bounds__(Bounds<Kernel>::kThreads, Bounds<Kernel>::kMinBlocks) entry(const typename Kernel::Args args) {
  Thread t;
  Kernel::run(t, args);
}

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  // More than 48 KiB must be asked for.
  if (grid.sharedBytes > 48 * 1024) {
    require(cudaFuncSetAttribute(entry<Kernel>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(grid.sharedBytes)),
            Kernel::name);
  }
  const dim3 blocks(static_cast<unsigned>(grid.blocks), static_cast<unsigned>(grid.blocksY));
  entry<Kernel><<<blocks, static_cast<unsigned>(grid.threads), grid.sharedBytes, implementation_->stream>>>(args);
  require(cudaGetLastError(), Kernel::name);
}

}  // namespace gpu
}  // namespace trainyard
