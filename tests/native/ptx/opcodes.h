// The opcodes that are known. Each file of them adds its own.
#pragma once
#include <string>
#include <unordered_map>

#include "kernel.h"

namespace trainyard {
namespace ptx {

enum class Space : uint8_t { none, parameter, global, shared };

struct Opcode {
  // Of each operand, a letter. h, i, l: a register, or a number, of 16, 32, 64 bits; r: of any of these, which decides
  // between the two steps; p: a predicate; q: the same, also as `register|predicate`, which may be left out; m: an address;
  // a: one in shared memory, besides; t: a label; n, c: a number that goes into `offset` or `count`. A digit in front: so
  // many, in braces.
  const char* operands;
  Step step = nullptr;
  Step wideStep = nullptr;  // where registers have 64 bits
  Flow flow = Flow::plain;
  // What it moves to or from.
  Space space = Space::none;
  int bytes = 0;           // of one number
  Space source = Space::none;  // of an asynchronous copy
};

using Opcodes = std::unordered_map<std::string, Opcode>;

void addIntegers(Opcodes& opcodes);
void addFloats(Opcodes& opcodes);
void addComparisons(Opcodes& opcodes);
void addConversions(Opcodes& opcodes);
void addTransfers(Opcodes& opcodes);
void addCollectives(Opcodes& opcodes);
void addFragments(Opcodes& opcodes);

}  // namespace ptx
}  // namespace trainyard
