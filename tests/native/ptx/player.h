// Plays a GPU by what nvcc made of the kernels: see emulator/gpu.h, which has another that runs the kernels' sources.
#pragma once
#include <string>

#include "cuda/layer/layer.h"
#include "interpreter.h"
#include "library.h"

namespace trainyard {
namespace gpu {

class Player {
 public:
  static constexpr const char* kName = "interpreted GPU";

  Player(Order order, uint64_t seed) : interpreter_(turnsOf(order), seed) {}

  template <class Kernel>
  void run(const Grid& grid, const typename Kernel::Args& args) {
    const ptx::Loaded& loaded = ptx::Library::beside().find(typeid(Kernel), Kernel::name);
    ptx::Launch launch;
    launch.blocks = grid.blocks;
    launch.blocksY = grid.blocksY;
    launch.threads = grid.threads;
    launch.sharedBytes = grid.sharedBytes;
    launch.parameters = &args;
    launch.parameterBytes = sizeof args;
    interpreter_.run(loaded.kernel, *loaded.module, launch);
  }

  // What kernels asked of memory since this was last called; before, it is not counted.
  std::map<std::string, ptx::Traffic> traffic() { return interpreter_.traffic(); }
  // Memory that kernels may reach from now on, and may not any more.
  void hold(const void* memory, size_t bytes) { interpreter_.memory().add(memory, bytes); }
  void letGo(const void* memory) { interpreter_.memory().remove(memory); }

 private:
  static ptx::Turns turnsOf(Order order) {
    switch (order) {
      case Order::forward: return ptx::Turns::forward;
      case Order::reverse: return ptx::Turns::reverse;
      case Order::random: return ptx::Turns::random;
      case Order::warpAhead: return ptx::Turns::warpAhead;
    }
    return ptx::Turns::forward;
  }

  ptx::Interpreter interpreter_;
};

}  // namespace gpu
}  // namespace trainyard
