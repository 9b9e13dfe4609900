// Floating-point numbers of 16 bits, as they lie in memory. Kernels compute in float: they widen what they read (exact)
// and round what they write to the nearest, ties to even.
#pragma once
#include <cstdint>

namespace trainyard {

// bfloat16: the upper half of a float.
struct Bf16 {
  uint16_t bits;
};

// IEEE 754 binary16.
struct F16 {
  uint16_t bits;
};

}  // namespace trainyard
