#pragma once
#include <deque>
#include <unordered_map>
#include <vector>

#include "../layer/layer.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  Block block;
  // Whether the copies' lane is as late as it may be, else as early.
  bool copiesLate;
  std::vector<std::function<void()>> late;  // the copies' lane
  std::vector<size_t> marks;                // how much of it was there
  std::vector<std::function<void()>>* recording = nullptr;
  std::deque<const char*> launched;
  std::unordered_map<void*, int64_t> held;  // bytes of the device's memory

  Implementation(Order order, uint64_t seed) : block(order, seed), copiesLate(order != Order::forward) {}
  void put(Lane lane, std::function<void()> work);
  // Does the first `count` of what is left in the copies' lane.
  void catchUp(size_t count);
};

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  if (grid.threads > Bounds<Kernel>::kThreads || grid.blocksY > 65535)
    throw KernelError(std::string(Kernel::name) + " is asked for too large a grid");
  if (grid.sharedBytes > kMostSharedBytes)
    throw KernelError(std::string(Kernel::name) + " is asked for too much shared memory");
  if (rehearses_) return;
  implementation_->put(Lane::compute, [this, grid, args] {
    implementation_->launched.push_back(Kernel::name);
    if (implementation_->launched.size() > 1000) implementation_->launched.pop_front();
    implementation_->block.run(Kernel::name, grid, [&args](Thread& t) { Kernel::run(t, args); });
  });
}

}  // namespace gpu
}  // namespace trainyard
