#pragma once
#include <cstdint>

#include "../common/philox.h"
#include "simd.h"

namespace trainyard {
namespace TY_ISA {

// mask[0 … n-1]: 0, or 1 / (1 - p) where elements first … first+n-1 are kept.
static void dropoutMask(const Dropout& d, uint64_t first, int64_t n, float* mask) {
  uint32_t words[4];
  for (int64_t i = 0; i < n; i++) {
    const uint64_t element = first + static_cast<uint64_t>(i);
    if (i == 0 || element % 4 == 0) philoxBlock(d, element / 4, words);
    mask[i] = words[element % 4] >= d.threshold ? d.scale : 0.0f;
  }
}

}  // namespace TY_ISA
}  // namespace trainyard
