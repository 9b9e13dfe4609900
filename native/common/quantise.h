// The quantisation maps of low-bit optimizer states. A code is the index of the map value nearest to a normalised state.
#pragma once
#include <cstdint>

namespace trainyard {

struct QuantisationMap {
  // Sorted; those past the map's size repeat the last.
  float values[256];
  // Half-way between a value and the next: x has as code the number of middles below it. Infinite past the map's size.
  float middles[256];
  // By the upper 16 bits of a float, sign and all: how many middles lie below every float that begins with them.
  // No two middles begin alike, so that the code of x is base[bits] + (middles[base[bits]] < x).
  uint8_t base[65536];
};

// Dynamic tree quantisation (Dettmers et al. 2022, section 2.1) in 8 bits. Signed: a negative value is never coded as 0,
// so that no first moment changes its sign.
const QuantisationMap& signedMap8();
const QuantisationMap& unsignedMap8();
// 4 bits (Li, Chen & Zhu 2023): the dynamic map with a sign; 1/16 … 16/16 without one, so that none is 0.
const QuantisationMap& signedMap4();
const QuantisationMap& unsignedMap4();

}  // namespace trainyard
