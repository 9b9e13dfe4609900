// A kernel as it is executed: instructions whose operands are places in a warp's file of registers.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "text.h"

namespace trainyard {
namespace ptx {

class Warp;
struct Instruction;

// What an instruction does in the lanes of a warp that are active.
using Step = void (*)(Warp& warp, const Instruction& instruction);

enum class Flow : uint8_t {
  plain,       // each lane for itself
  branch,      // to `target`
  end,         // of the thread
  collective,  // of the lanes of a mask, which is the last operand; all of them arrive before it is done
  whole,       // of all lanes of a warp
  barrier,     // of all threads of the block
};

struct Instruction {
  Step step = nullptr;
  uint32_t operands = 0;  // the first, of the kernel's operands
  uint32_t guard = 0;     // the predicate's word; 0: none
  uint32_t guardNumber = 0;
  int32_t offset = 0;     // of an address in bytes, or a number that is part of the instruction
  uint32_t target = 0;    // of a branch; of the other address, its offset
  uint32_t line = 0;  // of the text
  Flow flow = Flow::plain;
  uint8_t operandCount = 0, results = 0;  // those that it has, and how many of the first it writes
  uint8_t count = 1;  // of numbers that are moved together; of a collective, which operand is the mask
  bool isGuardNegated = false, isAddressWide = false;
};

// Files are rows of 32 words for registers of 16 and 32 bits, one word a lane; of 64 words for those of 64 bits, two a
// lane; and single words for predicates, one bit a lane. Numbers that stand in the text lie in rows of their own.
struct Constant {
  uint32_t at = 0;
  bool isWide = false;
  uint64_t bits = 0;
};

enum class Special { tidX, laneId, ntidX, ctaidX, ctaidY, nctaidX, nctaidY, zero, one };
struct SpecialRow {
  uint32_t at = 0;
  Special what = Special::zero;
};

struct Kernel {
  std::string name;
  std::string type;  // in the sources: of a template, which of it
  std::vector<Instruction> code;
  std::vector<uint32_t> operands;
  std::vector<uint32_t> numbers;  // of each operand's register; 0 for what is no register, and always known
  std::vector<Place> places;  // of each instruction
  std::vector<Constant> constants;
  std::vector<SpecialRow> specials;
  size_t fileWords = 0, registers = 1;
  size_t parameterBytes = 0;
  size_t sharedBytes = 0;  // of variables whose size is fixed; what a launch asks for lies behind them
  int maxThreads = 1024;
  // The fewest bytes that an access to memory has: what races are looked for in.
  size_t sharedGranule = 16, globalGranule = 16;
};

// Where shared memory and parameters begin, each in its address space: not at 0, so that a null pointer is found.
constexpr uint32_t kSharedBase = 1024, kParameterBase = 4096;

}  // namespace ptx
}  // namespace trainyard
