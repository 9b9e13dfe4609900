// Runs the blocks of a grid, one behind the other: threads of a block a warp at a time, lanes that are at the same
// instruction together. Each lane has its own place in the code, and waits where lanes of its warp must come together.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "block.h"

namespace trainyard {
namespace ptx {

// Who goes on, of those that can.
enum class Turns {
  forward,    // the first warp, of it those that are furthest behind
  reverse,    // the last, those furthest ahead; the last lane reaches memory first
  random,     // any, for so many instructions
  warpAhead,  // the last warp as far as it gets, blocks in any order
};

struct Launch {
  int64_t blocks = 1, blocksY = 1;
  int threads = kLanes;
  size_t sharedBytes = 0;
  const void* parameters = nullptr;
  size_t parameterBytes = 0;
};

class Interpreter {
 public:
  Interpreter(Turns turns, uint64_t seed) : turns_(turns), random_(seed * 0x9e3779b97f4a7c15u + 1) {}

  // What kernels may reach.
  Memory& memory() { return memory_; }
  // Throws Fault at a kernel's mistake.
  void run(const Kernel& kernel, const Module& module, const Launch& launch);
  // Counts what kernels ask of memory from now on, and gives what was counted of each since it was last asked.
  std::map<std::string, Traffic> traffic();
  // What lanes have done so far: an instruction counts once for each.
  uint64_t laneInstructions() const { return laneInstructions_; }

 private:
  void runBlock(Block& block, const Launch& launch);
  void begin(Block& block, const Launch& launch);
  void runWarp(Block& block, Warp& warp);
  // A group of lanes until it ends, waits, or may meet others.
  void runGroup(Block& block, Warp& warp, Group group);
  void branch(Warp& warp, const Instruction& i, Group& group, uint32_t taken);
  bool gather(Block& block, Warp& warp, const Instruction& i, uint32_t pc, uint32_t lanes);
  void expectNoCopies(const Block& block, const Warp& warp, int lane) const;
  void note(const Block& block, Warp& warp, const Instruction& i, uint32_t lanes);
  [[noreturn]] void unknown(const Block& block, const Warp& warp, uint32_t lanes) const;
  [[noreturn]] void stuck(const Block& block, const Warp& warp) const;
  Group choose(Warp& warp);
  Warp* nextWarp();
  uint64_t randomBits();

  Turns turns_;
  uint64_t random_;
  Memory memory_;
  Now now_;
  Shadow sharedShadow_;
  std::vector<std::unique_ptr<Warp>> warps_;
  std::vector<Warp*> used_;
  int64_t budget_ = 0;
  uint64_t laneInstructions_ = 0;
  bool countsTraffic_ = false;
  std::map<std::string, Traffic> traffic_;
};

// A group of lanes at `pc`, beside those that are there already.
void addGroup(std::vector<Group>& groups, uint32_t pc, uint32_t lanes);

}  // namespace ptx
}  // namespace trainyard
