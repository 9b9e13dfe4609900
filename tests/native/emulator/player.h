// Plays a GPU by the kernels' sources, compiled for the host: see emulated.h. ../ptx/player.h has the other.
#pragma once
#include <string>

#include "cuda/layer/layer.h"
#include "selfTest.h"

namespace trainyard {
namespace gpu {

class Player {
 public:
  static constexpr const char* kName = "emulated GPU";

  Player(Order order, uint64_t seed) : block_(order, seed) {}

  template <class Kernel>
  void run(const Grid& grid, const typename Kernel::Args& args) {
    block_.run(Kernel::name, grid, [&args](Thread& t) { Kernel::run(t, args); });
  }

  // Memory that kernels may reach: what they reach is not watched here.
  void hold(const void*, size_t) {}
  void letGo(const void*) {}
  std::string selfTest(const std::string& kernel) { return gpu::selfTest(kernel, block_); }

 private:
  Block block_;
};

}  // namespace gpu
}  // namespace trainyard
