// A GPU that is played on the host: what stands in for native/cuda/platform/launch.h.
#pragma once
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "calls.h"
#include "cuda/gpu.h"
#include "cuda/layer/layer.h"

// Who runs kernels: their sources as they are, or what nvcc made of them.
#if defined(TRAINYARD_PTX)
#include "../ptx/player.h"
#else
#include "player.h"
#endif

namespace trainyard {
namespace gpu {

// Where no GPU is: a driver that knows one there is a test's (tests/native/nvml).
constexpr const char* kEmulatedBus = "FFFF:FF:1F.7";

// What is chosen of a GPU that is played.
struct Emulation {
  Order order = Order::forward;
  int64_t memoryBytes = int64_t{1} << 33;

  // Of the devices that are created from now on.
  static Emulation& next();
};

// forward, reverse, random or warpAhead. Throws std::invalid_argument.
Order orderOf(const std::string& name);

struct Gpu::Implementation {
  Player player;
  // Whether the copies' stream is as late as it may be, else as early.
  bool copiesLate;
  std::vector<std::function<void()>> late;  // the copies' stream
  std::vector<size_t> marks;                // how much of it was there
  std::vector<std::function<void()>>* graph = nullptr;
  std::deque<const char*> launched;
  std::unordered_map<void*, int64_t> held;  // bytes of the device's memory

  Implementation(Order order, uint64_t seed) : player(order, seed), copiesLate(order != Order::forward) {}
  void put(Stream stream, std::function<void()> work);
  // Does the first `count` of what is left in the copies' stream.
  void catchUp(size_t count);
  // Names of the kernels since this was last asked, the latest thousand.
  std::vector<std::string> takeLaunched();
};

template <class Kernel>
void Gpu::launch(const Grid& grid, const typename Kernel::Args& args) {
  if (grid.blocks <= 0 || grid.blocksY <= 0) return;
  if (grid.threads > Bounds<Kernel>::kThreads || grid.blocksY > kGpuMaxGridRows)
    throw KernelError(std::string(Kernel::name) + " is asked for too large a grid");
  if (grid.sharedBytes > kMaxSharedBytes)
    throw KernelError(std::string(Kernel::name) + " is asked for too much shared memory");
  if (warmingUp_) return;
  implementation_->put(Stream::compute, [this, grid, args] {
    implementation_->launched.push_back(Kernel::name);
    if (implementation_->launched.size() > 1000) implementation_->launched.pop_front();
    implementation_->player.run<Kernel>(grid, args);
  });
}

}  // namespace gpu
}  // namespace trainyard
