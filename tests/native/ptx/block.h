// A block of threads as it runs: warps with their registers, shared memory, and the checks of every access to memory.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "kernel.h"
#include "memory.h"
#include "traffic.h"

namespace trainyard {
namespace ptx {

constexpr int kLanes = 32;
constexpr uint32_t kAllLanes = 0xffffffffu;

// A mistake of a kernel: it names the block, the thread, and the line of the PTX and of the source.
class Fault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline int lowestLane(uint32_t mask) { return __builtin_ctz(mask); }

// An asynchronous copy that has not arrived.
struct Copy {
  uint32_t to;
  uint64_t from;
  uint32_t bytes, room;  // of those it fills; zeros behind those it copies
  uint32_t at;
};
struct Copies {
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;  // committed, the oldest first
};

// Lanes that are at the same instruction.
struct Group {
  uint32_t pc, lanes;
};

class Block;

class Warp {
 public:
  // For registers, which have no type of their own.
  template <class T>
  struct Lane {
    typedef T type __attribute__((__may_alias__));
  };

  // The row of an operand.
  template <class T>
  typename Lane<T>::type* row(const Instruction& i, int operand) const {
    return reinterpret_cast<typename Lane<T>::type*>(word(i, operand));
  }
  uint32_t* word(const Instruction& i, int operand) const {
    return file + operands[i.operands + static_cast<uint32_t>(operand)];
  }
  uint64_t address(const Instruction& i, int operand, int lane) const {
    const uint64_t base = i.isAddressWide ? row<uint64_t>(i, operand)[lane] : row<uint32_t>(i, operand)[lane];
    return base + static_cast<uint64_t>(static_cast<int64_t>(i.offset));
  }

  // Calls `f` with each active lane; what it does in one must not matter to others.
  template <class F>
  void each(F f) const {
    if (active == kAllLanes) {
#pragma GCC ivdep
      for (int lane = 0; lane < kLanes; lane++) f(lane);
    } else {
      for (uint32_t left = active; left; left &= left - 1) f(lowestLane(left));
    }
  }
  // The same, one behind the other as the order of threads has it.
  template <class F>
  void inTurn(F f) const {
    if (isReversed) {
      for (int lane = kLanes - 1; lane >= 0; lane--)
        if (active >> lane & 1u) f(lane);
    } else {
      for (uint32_t left = active; left; left &= left - 1) f(lowestLane(left));
    }
  }

  Actor actor(int lane) const {
    Actor out;
    out.thread = static_cast<uint16_t>(index * kLanes + lane);
    out.warpBarrier = barrier;
    out.at = pc;
    return out;
  }

  Block* block = nullptr;
  uint32_t* file = nullptr;
  const uint32_t* operands = nullptr;
  uint32_t active = 0;  // lanes that do the instruction
  uint32_t pc = 0;      // where it is
  int index = 0;
  bool isReversed = false;
  uint32_t barrier = 0;  // the stamp of its own last barrier
  uint32_t ended = 0;    // lanes
  bool isAtBarrier = false;
  std::vector<Group> ready, waiting;
  std::array<Copies, kLanes> copies;
  std::vector<uint32_t> registers;
  std::vector<uint32_t> known;  // of each register, lanes that have written it
};

enum class Deed { read, write, add };  // add: an atomic operation

class Block {
 public:
  Block(Memory& memory, const Module& module) : memory_(memory), module_(module) {}

  // Where `bytes` of memory lie that a lane reaches. Throws Fault.
  template <Deed deed>
  unsigned char* global(const Warp& warp, int lane, uint64_t address, uint32_t bytes) {
    if (address % bytes != 0) misaligned(warp, lane, "global", address, bytes);
    const Range* found = last_;
    if (!found || address - found->begin >= found->bytes || found->bytes - (address - found->begin) < bytes)
      found = look(warp, lane, address, bytes);
    const size_t granule = kernel->globalGranule, offset = static_cast<size_t>(address - found->begin);
    Cell* cells = last_->shadow.cells(offset / granule);
    const Actor actor = warp.actor(lane);
    for (size_t i = 0, n = (bytes + granule - 1) / granule; i < n; i++) {
      if (const char* wrong = check<deed>(cells[i], now.launch, actor, actor.lane(), false))
        globalRace(warp, lane, address + i * granule, cells[i], wrong);
    }
    return reinterpret_cast<unsigned char*>(address);
  }

  template <Deed deed>
  unsigned char* shared(const Warp& warp, int lane, uint64_t address, uint32_t bytes) {
    return sharedOf<deed>(warp, lane, address, bytes, false);
  }
  const unsigned char* parameter(const Warp& warp, int lane, uint64_t address, uint32_t bytes) const {
    const uint64_t offset = address - kParameterBase;
    if (offset >= kernel->parameterBytes || kernel->parameterBytes - offset < bytes)
      fail(warp, lane, "it reaches beyond the parameters");
    if (offset % bytes != 0) misaligned(warp, lane, "parameter", offset, bytes);
    return parameters + offset;
  }
  // What is read for all lanes of a warp together, at an address that one of them gives.
  unsigned char* sharedByWarp(const Warp& warp, int lane, uint64_t address, uint32_t bytes) {
    return sharedOf<Deed::read>(warp, lane, address, bytes, true);
  }

  void copy(Warp& warp, int lane, const Copy& copy);
  void deliver(Warp& warp, int lane, size_t newest);
  // Only between lanes of a warp.
  void warpBarrier(Warp& warp) { warp.barrier = ++now.stamp; }
  void blockBarrier() { now.barrier = ++now.stamp; }

  [[noreturn]] void fail(const Warp& warp, int lane, const std::string& what) const {
    failAt(warp.index * kLanes + lane, warp.pc, what);
  }
  // Of an instruction: its line in the PTX, and in the source.
  std::string place(uint32_t pc) const;
  std::string title() const;
  [[noreturn]] void failAt(int thread, uint32_t pc, const std::string& what) const;

  // What is reached of an operand's address by the active lanes, `bytes` each, where that is counted.
  void countGlobal(const Warp& w, const Instruction& i, int operand, uint32_t bytes);
  void countShared(const Warp& w, const Instruction& i, int operand, uint32_t bytes);

  Traffic* traffic = nullptr;  // null: nobody asks for it
  const Kernel* kernel = nullptr;
  const unsigned char* parameters = nullptr;
  int64_t x = 0, y = 0;
  Now now;
  std::vector<unsigned char> sharedMemory;
  Shadow sharedShadow;

 private:
  // Null, or what is wrong, to be followed by who did the other access.
  template <Deed deed>
  const char* check(Cell& cell, uint32_t since, const Actor& actor, uint32_t lanes, bool isByWarp) {
    if (deed == Deed::read) {
      if (!cell.isWrittenBefore(now, since, actor, isByWarp)) return " is read without a barrier behind the write of ";
      cell.read(now, since, actor, lanes);
      return nullptr;
    }
    const bool areAtomic = deed == Deed::add && (cell.writer & Cell::kAtomic) != 0;
    if (!areAtomic && !cell.isWrittenBefore(now, since, actor, isByWarp))
      return " is written without a barrier behind the write of ";
    if (!cell.isReadBefore(now, since, actor)) return " is written without a barrier behind reads of ";
    if (deed == Deed::add) cell.writeAtomically(now, since, actor);
    else cell.write(now, actor);
    return nullptr;
  }

  template <Deed deed>
  unsigned char* sharedOf(const Warp& warp, int lane, uint64_t address, uint32_t bytes, bool isByWarp) {
    const uint64_t offset = address - kSharedBase;
    if (offset >= sharedMemory.size() || sharedMemory.size() - offset < bytes) outside(warp, lane, offset, bytes);
    if (offset % bytes != 0) misaligned(warp, lane, "shared", offset, bytes);
    const size_t granule = kernel->sharedGranule;
    Cell* cells = sharedShadow.cells(static_cast<size_t>(offset) / granule);
    const Actor actor = warp.actor(lane);
    for (size_t i = 0, n = (bytes + granule - 1) / granule; i < n; i++) {
      Cell& cell = cells[i];
      if (cell.pending) awaits(warp, lane, offset + i * granule, cell);
      if (deed == Deed::read && cell.writeStamp < now.block) neverWritten(warp, lane, offset + i * granule);
      if (const char* wrong = check<deed>(cell, now.block, actor, isByWarp ? kAllLanes : actor.lane(), isByWarp))
        sharedRace(warp, lane, offset + i * granule, cell, wrong);
    }
    return sharedMemory.data() + offset;
  }

  const Range* look(const Warp& warp, int lane, uint64_t address, uint32_t bytes);
  [[noreturn]] void misaligned(const Warp& warp, int lane, const char* space, uint64_t at, uint32_t bytes) const;
  [[noreturn]] void outside(const Warp& warp, int lane, uint64_t offset, uint32_t bytes) const;
  [[noreturn]] void awaits(const Warp& warp, int lane, uint64_t offset, const Cell& cell) const;
  [[noreturn]] void neverWritten(const Warp& warp, int lane, uint64_t offset) const;
  [[noreturn]] void sharedRace(const Warp& warp, int lane, uint64_t offset, const Cell& cell, const char* wrong) const;
  [[noreturn]] void globalRace(const Warp& warp, int lane, uint64_t address, const Cell& cell, const char* wrong) const;
  std::string other(const Cell& cell, bool isWrite) const;

  Memory& memory_;
  const Module& module_;
  Range* last_ = nullptr;
};

}  // namespace ptx
}  // namespace trainyard
