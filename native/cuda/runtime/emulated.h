#pragma once
#include <deque>

#include "../layer/layer.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  Block block;
  std::deque<const char*> launched;
  Implementation(Order order, uint64_t seed) : block(order, seed) {}
};

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  if (grid.threads > Bounds<Kernel>::kThreads) throw KernelError(std::string(Kernel::name) + ": more threads than it is made for");
  implementation_->launched.push_back(Kernel::name);
  if (implementation_->launched.size() > 1000) implementation_->launched.pop_front();
  implementation_->block.run(Kernel::name, grid, [&args](Thread& t) { Kernel::run(t, args); });
}

}  // namespace gpu
}  // namespace trainyard
