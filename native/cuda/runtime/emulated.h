#pragma once
#include <deque>
#include <unordered_map>
#include <vector>

#include "gpu.h"

// Who runs kernels: their sources as they are, or what nvcc made of them.
#if defined(TRAINYARD_PTX)
#include "../ptx/player.h"
#else
#include "player.h"
#endif

namespace trainyard {
namespace gpu {

struct Gpu::Implementation {
  Player player;
  // Whether the copies' lane is as late as it may be, else as early.
  bool copiesLate;
  std::vector<std::function<void()>> late;  // the copies' lane
  std::vector<size_t> marks;                // how much of it was there
  std::vector<std::function<void()>>* recording = nullptr;
  std::deque<const char*> launched;
  std::unordered_map<void*, int64_t> held;  // bytes of the device's memory

  Implementation(Order order, uint64_t seed) : player(order, seed), copiesLate(order != Order::forward) {}
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
    implementation_->player.run<Kernel>(grid, args);
  });
}

}  // namespace gpu
}  // namespace trainyard
