// The quantization maps of low-bit optimizer states. A code is the index of the map value nearest to a normalized state.
#pragma once
#include <cstdint>

namespace trainyard {

struct QuantizationMap {
  // Sorted; those past the map's size repeat the last.
  float values[256];
  // Half-way between a value and the next: x has as code the number of middles below it. Infinite past the map's size.
  float middles[256];
  // By the upper 16 bits of a float, sign and all: how many middles lie below every float that begins with them.
  // No two middles begin alike, so that the code of x is base[bits] + (middles[base[bits]] < x).
  uint8_t base[65536];
};

// Dynamic tree quantization (Dettmers et al. 2022, section 2.1) in 8 bits. Signed: a negative value is never coded as 0,
// so that no first moment changes its sign.
const QuantizationMap& signedMap8();
const QuantizationMap& unsignedMap8();
// 4 bits (Li, Chen & Zhu 2023): the dynamic map with a sign; 1/16 … 16/16 without one, so that none is 0.
const QuantizationMap& signedMap4();
const QuantizationMap& unsignedMap4();

}  // namespace trainyard
