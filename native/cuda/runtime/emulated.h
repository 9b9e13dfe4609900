#pragma once
#include "../layer/layer.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  Block block;
  Implementation(Order order, uint64_t seed) : block(order, seed) {}
};

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  implementation_->block.run(Kernel::name, grid, [&args](Thread& t) { Kernel::run(t, args); });
}

}  // namespace gpu
}  // namespace trainyard
