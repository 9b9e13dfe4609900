#include "interpreter.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

namespace trainyard {
namespace ptx {
namespace {

// Of registers that nothing has been written to.
constexpr uint32_t kPoison = 0xcbcbcbcbu;
// Of stamps there are no more than a word has: before they run out, what is known of memory is forgotten.
constexpr uint32_t kOldestStamp = 1u << 31;

uint32_t valueOf(Special what, const Block& block, const Launch& launch, int thread) {
  switch (what) {
    case Special::tidX: return static_cast<uint32_t>(thread);
    case Special::laneId: return static_cast<uint32_t>(thread % kLanes);
    case Special::ntidX: return static_cast<uint32_t>(launch.threads);
    case Special::ctaidX: return static_cast<uint32_t>(block.x);
    case Special::ctaidY: return static_cast<uint32_t>(block.y);
    case Special::nctaidX: return static_cast<uint32_t>(launch.blocks);
    case Special::nctaidY: return static_cast<uint32_t>(launch.blocksY);
    case Special::zero: return 0;
    case Special::one: return 1;
  }
  return 0;
}

void fillConstants(const Kernel& kernel, uint32_t* file) {
  for (const Constant& c : kernel.constants) {
    for (int lane = 0; lane < kLanes; lane++) {
      if (c.isWide) std::memcpy(file + c.at + 2 * lane, &c.bits, sizeof c.bits);
      else file[c.at + static_cast<uint32_t>(lane)] = static_cast<uint32_t>(c.bits);
    }
  }
}

std::string lanesOf(uint32_t lanes) {
  std::string out;
  for (int first = 0; first < kLanes; first++) {
    if (!(lanes >> first & 1u)) continue;
    int last = first;
    while (last + 1 < kLanes && (lanes >> (last + 1) & 1u)) last++;
    out += (out.empty() ? "" : ", ") + std::to_string(first) + (last > first ? "-" + std::to_string(last) : "");
    first = last;
  }
  return (out.find_first_of(",-") == std::string::npos ? "lane " : "lanes ") + out;
}

}  // namespace

void addGroup(std::vector<Group>& groups, uint32_t pc, uint32_t lanes) {
  for (Group& g : groups) {
    if (g.pc != pc) continue;
    g.lanes |= lanes;
    return;
  }
  groups.push_back({pc, lanes});
}

uint64_t Interpreter::randomBits() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

void Interpreter::run(const Kernel& kernel, const Module& module, const Launch& launch) {
  Block block(memory_, module);
  block.kernel = &kernel;
  Traffic traffic;
  traffic.launches = 1;
  if (countsTraffic_) block.traffic = &traffic;
  if (launch.threads <= 0 || launch.threads % kLanes != 0 || launch.threads > kernel.maxThreads)
    throw Fault(kernel.name + ": " + std::to_string(launch.threads) + " threads make no block of it");
  if (launch.parameterBytes != kernel.parameterBytes)
    throw Fault(kernel.name + ": it is given " + std::to_string(launch.parameterBytes) + " bytes of " +
                std::to_string(kernel.parameterBytes));
  block.parameters = static_cast<const unsigned char*>(launch.parameters);
  block.sharedMemory.resize(kernel.sharedBytes + launch.sharedBytes);
  if (now_.stamp > kOldestStamp) {
    memory_.forget();
    sharedShadow_.forget();
    now_ = Now();
  }
  now_.launch = ++now_.stamp;

  const auto count = static_cast<size_t>(launch.threads / kLanes);
  while (warps_.size() < count) warps_.push_back(std::make_unique<Warp>());
  used_.clear();
  for (size_t w = 0; w < count; w++) {
    Warp& warp = *warps_[w];
    warp.index = static_cast<int>(w);
    warp.operands = kernel.operands.data();
    warp.registers.assign(kernel.fileWords, kPoison);
    warp.file = warp.registers.data();
    warp.isReversed = turns_ == Turns::reverse;
    fillConstants(kernel, warp.file);
    used_.push_back(&warp);
  }

  std::vector<int64_t> blocks(static_cast<size_t>(launch.blocks * launch.blocksY));
  std::iota(blocks.begin(), blocks.end(), int64_t{0});
  if (turns_ == Turns::reverse) std::reverse(blocks.begin(), blocks.end());
  if (turns_ == Turns::random || turns_ == Turns::warpAhead) {
    for (size_t i = blocks.size(); i > 1; i--) std::swap(blocks[i - 1], blocks[randomBits() % i]);
  }
  // Taken along and given back: what a block knows of shared memory is of use to the next, which is told by its stamps.
  block.sharedShadow = std::move(sharedShadow_);
  block.sharedShadow.resize(block.sharedMemory.size() + 16);
  try {
    for (const int64_t b : blocks) {
      block.x = b % launch.blocks;
      block.y = b / launch.blocks;
      runBlock(block, launch);
    }
  } catch (...) {
    now_ = block.now;
    sharedShadow_ = Shadow();
    throw;
  }
  sharedShadow_ = std::move(block.sharedShadow);
  if (countsTraffic_) traffic_[kernel.type] += traffic;
}

std::map<std::string, Traffic> Interpreter::traffic() {
  countsTraffic_ = true;
  return std::exchange(traffic_, {});
}

void Interpreter::begin(Block& block, const Launch& launch) {
  now_.block = now_.barrier = ++now_.stamp;
  block.now = now_;
  // What the block before has left is no value that a kernel may count on.
  std::fill(block.sharedMemory.begin(), block.sharedMemory.end(), static_cast<unsigned char>(kPoison));
  for (Warp* warp : used_) {
    warp->block = &block;
    warp->barrier = now_.block;
    warp->ended = 0;
    warp->known.assign(block.kernel->registers, 0);
    warp->known[0] = kAllLanes;
    warp->isAtBarrier = false;
    warp->ready.assign(1, {0, kAllLanes});
    warp->waiting.clear();
    for (Copies& copies : warp->copies) copies = Copies();
    for (const SpecialRow& s : block.kernel->specials) {
      for (int lane = 0; lane < kLanes; lane++)
        warp->file[s.at + static_cast<uint32_t>(lane)] = valueOf(s.what, block, launch, warp->index * kLanes + lane);
    }
  }
}

void Interpreter::runBlock(Block& block, const Launch& launch) {
  begin(block, launch);
  for (;;) {
    if (Warp* warp = nextWarp()) {
      runWarp(block, *warp);
      continue;
    }
    size_t waiting = 0;
    for (const Warp* warp : used_) waiting += warp->isAtBarrier ? 1 : 0;
    if (waiting == 0) break;
    if (waiting < used_.size())
      throw Fault(block.title() + ": " + std::to_string(waiting * kLanes) + " of " + std::to_string(launch.threads) +
                  " threads wait at a barrier that the others never reach");
    block.blockBarrier();
    for (Warp* warp : used_) warp->isAtBarrier = false;
  }
  for (const Warp* warp : used_)
    for (int lane = 0; lane < kLanes; lane++) expectNoCopies(block, *warp, lane);
  now_ = block.now;
}

void Interpreter::expectNoCopies(const Block& block, const Warp& warp, int lane) const {
  const Copies& copies = warp.copies[static_cast<size_t>(lane)];
  const int thread = warp.index * kLanes + lane;
  for (const auto& group : copies.groups)
    if (!group.empty()) block.failAt(thread, group[0].at, "it ends with copies that it has not waited for");
  if (!copies.open.empty()) block.failAt(thread, copies.open[0].at, "it ends with copies that it has not committed");
}

Warp* Interpreter::nextWarp() {
  std::vector<Warp*> ready;
  for (Warp* warp : used_)
    if (!warp->isAtBarrier && warp->ended != kAllLanes) ready.push_back(warp);
  if (ready.empty()) return nullptr;
  switch (turns_) {
    case Turns::forward: return ready.front();
    case Turns::reverse:
    case Turns::warpAhead: return ready.back();
    case Turns::random: return ready[randomBits() % ready.size()];
  }
  return ready.front();
}

Group Interpreter::choose(Warp& warp) {
  std::vector<Group>& ready = warp.ready;
  size_t chosen = 0;
  if (turns_ == Turns::random) {
    chosen = randomBits() % ready.size();
  } else {
    for (size_t g = 1; g < ready.size(); g++) {
      if (turns_ == Turns::reverse ? ready[g].pc > ready[chosen].pc : ready[g].pc < ready[chosen].pc) chosen = g;
    }
  }
  const Group group = ready[chosen];
  ready[chosen] = ready.back();
  ready.pop_back();
  return group;
}

void Interpreter::runWarp(Block& block, Warp& warp) {
  budget_ = turns_ == Turns::random ? static_cast<int64_t>(1 + randomBits() % 64) : std::numeric_limits<int64_t>::max();
  while (budget_ > 0 && !warp.ready.empty()) runGroup(block, warp, choose(warp));
  if (warp.ready.empty() && !warp.waiting.empty() && !warp.isAtBarrier) stuck(block, warp);
}

void Interpreter::runGroup(Block& block, Warp& warp, Group group) {
  const Instruction* const code = block.kernel->code.data();
  uint64_t done = 0;
  for (bool first = true;; first = false) {
    // Whoever else is there goes on together with these.
    if (!first && !warp.ready.empty()) {
      const auto isHere = [&](const Group& g) { return g.pc == group.pc; };
      const bool meets = std::any_of(warp.ready.begin(), warp.ready.end(), isHere);
      if (meets || budget_ <= 0) {
        addGroup(warp.ready, group.pc, group.lanes);
        break;
      }
    } else if (budget_ <= 0) {
      warp.ready.push_back(group);
      break;
    }
    budget_--;
    const Instruction& i = code[group.pc];
    uint32_t active = group.lanes;
    warp.pc = group.pc;
    if (const uint32_t missing = active & ~warp.known[i.guardNumber]) unknown(block, warp, missing);
    if (i.guard) active &= i.isGuardNegated ? ~warp.file[i.guard] : warp.file[i.guard];
    warp.active = active;
    note(block, warp, i, active);
    if (block.traffic) block.traffic->warpInstructions++;
    done += static_cast<uint64_t>(__builtin_popcount(group.lanes));
    if (i.flow == Flow::plain) {
      if (active) i.step(warp, i);
      group.pc++;
      continue;
    }
    if (i.flow == Flow::branch) {
      if (active == group.lanes) {
        group.pc = i.target;
        if (warp.ready.empty()) continue;
        // Others may have their turn.
        addGroup(warp.ready, group.pc, group.lanes);
        break;
      }
      group.lanes &= ~active;
      group.pc++;
      if (active == 0) continue;
      addGroup(warp.ready, i.target, active);
      addGroup(warp.ready, group.pc, group.lanes);
      break;
    }
    // Those that the guard leaves out go on.
    const uint32_t others = group.lanes & ~active;
    if (i.flow == Flow::end) {
      warp.ended |= active;
    } else if (active && !gather(block, warp, i, group.pc, active)) {
      // They wait.
    } else if (active && others == 0 && i.flow != Flow::barrier) {
      group.pc++;
      group.lanes = warp.active;
      continue;
    } else if (active && i.flow != Flow::barrier) {
      addGroup(warp.ready, group.pc + 1, warp.active);
    }
    if (others) addGroup(warp.ready, group.pc + 1, others);
    break;
  }
  laneInstructions_ += done;
}

// What is read has been written; what is written is known from now on.
void Interpreter::note(const Block& block, Warp& warp, const Instruction& i, uint32_t lanes) {
  const uint32_t* const numbers = block.kernel->numbers.data() + i.operands;
  for (size_t n = i.results; n < i.operandCount; n++)
    if (const uint32_t missing = lanes & ~warp.known[numbers[n]]) unknown(block, warp, missing);
  for (size_t n = 0; n < i.results; n++) warp.known[numbers[n]] |= lanes;
}

void Interpreter::unknown(const Block& block, const Warp& warp, uint32_t lanes) const {
  block.fail(warp, lowestLane(lanes), "it reads a register that it has never written");
}

// Lanes arrive where others must, too. Whether all have, and it is done.
bool Interpreter::gather(Block& block, Warp& warp, const Instruction& i, uint32_t pc, uint32_t lanes) {
  uint32_t members = kAllLanes;
  if (i.flow == Flow::collective) {
    const auto* masks = warp.row<uint32_t>(i, i.count);
    members = masks[lowestLane(lanes)];
    for (int lane = 0; lane < kLanes; lane++) {
      if (!(lanes >> lane & 1u)) continue;
      if (masks[lane] != members) block.fail(warp, lane, "lanes that come together name different ones");
      if (!(members >> lane & 1u)) block.fail(warp, lane, "it takes part in what it is no member of");
    }
  }
  if (lanes != members) {
    addGroup(warp.waiting, pc, lanes);
    const auto isHere = [&](const Group& g) { return g.pc == pc; };
    const auto here = std::find_if(warp.waiting.begin(), warp.waiting.end(), isHere);
    if (here->lanes != members) return false;
    warp.waiting.erase(here);
  }
  warp.active = members;
  if (i.flow == Flow::barrier) {
    warp.isAtBarrier = true;
    addGroup(warp.ready, pc + 1, members);
    budget_ = 0;
  } else {
    i.step(warp, i);
  }
  return true;
}

void Interpreter::stuck(const Block& block, const Warp& warp) const {
  std::string what;
  for (const Group& g : warp.waiting)
    what += (what.empty() ? "" : "; ") + lanesOf(g.lanes) + " wait at " + block.place(g.pc);
  if (warp.ended) what += "; " + lanesOf(warp.ended) + " have ended";
  const Group& first = warp.waiting.front();
  block.failAt(warp.index * kLanes + lowestLane(first.lanes), first.pc,
               "lanes of its warp never come together: " + what);
}

}  // namespace ptx
}  // namespace trainyard
