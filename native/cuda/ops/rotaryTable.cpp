#include <platform/launch.h>

#include <cmath>

#include "plainCalls.h"
#include "rotary.h"

namespace trainyard {
namespace gpu {
namespace {

// How far a position turns, in parts of which 2⁶⁴ are a whole turn.
uint64_t turnsOf(double base, int64_t i, int64_t headDim) {
  constexpr double kTwoPi = 6.283185307179586;
  const double angle = std::pow(base, static_cast<double>(-2 * i) / static_cast<double>(headDim));
  return static_cast<uint64_t>(std::ldexp(angle / kTwoPi, 64));
}

}  // namespace

void run(const RotaryTableCall& c, Gpu& gpu) {
  RotaryTable::Args a{c.positions, c.table, c.count, c.time, c.headDim, {}};
  for (int64_t i = 0; i < c.headDim / 2; i++) a.turns[i] = turnsOf(c.base, i, c.headDim);
  gpu.launch<RotaryTable>(gridOver(c.time * (c.headDim / 2)), a);
}

}  // namespace gpu
}  // namespace trainyard
