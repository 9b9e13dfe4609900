// Dropout masks from Philox4x32-10 (Salmon et al. 2011), the same on every device: element i of stream s is kept when
// word i mod 4 of the block with counter (i / 4 low, s, micro low, micro high ^ i / 4 high) and the seed as its key is at
// least p·2³². `rng` is [seed low, seed high, micro-batch low, micro-batch high].
#pragma once
#include <cstdint>

#include "shared.h"

namespace trainyard {

struct Dropout {
  const int32_t* rng;
  uint32_t stream;
  uint32_t threshold;  // words below it drop their element
  float scale;         // 1 / (1 - p)
};

TY_SHARED Dropout makeDropout(const int32_t* rng, double stream, double p) {
  return {rng, static_cast<uint32_t>(stream), static_cast<uint32_t>(p * 4294967296.0),
          static_cast<float>(1.0 / (1.0 - p))};
}

TY_SHARED void philoxBlock(const Dropout& d, uint64_t block, uint32_t (&out)[4]) {
  uint32_t c0 = static_cast<uint32_t>(block), c1 = d.stream, c2 = static_cast<uint32_t>(d.rng[2]);
  uint32_t c3 = static_cast<uint32_t>(d.rng[3]) ^ static_cast<uint32_t>(block >> 32);
  uint32_t k0 = static_cast<uint32_t>(d.rng[0]), k1 = static_cast<uint32_t>(d.rng[1]);
  for (int round = 0; round < 10; round++) {
    const uint64_t a = uint64_t{0xD2511F53} * c0, b = uint64_t{0xCD9E8D57} * c2;
    c0 = static_cast<uint32_t>(b >> 32) ^ c1 ^ k0;
    c2 = static_cast<uint32_t>(a >> 32) ^ c3 ^ k1;
    c1 = static_cast<uint32_t>(b);
    c3 = static_cast<uint32_t>(a);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

}  // namespace trainyard
