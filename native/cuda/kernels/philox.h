// Dropout masks from Philox4x32-10 (Salmon et al. 2011), the same on every device: see native/cpu/kernels/philox.inl.h.
#pragma once
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

struct DropoutNumbers {
  const int32_t* rng;
  uint32_t stream;
  uint32_t threshold;  // words below it drop their element
  float scale;         // 1 / (1 - p)
};

inline DropoutNumbers dropoutNumbers(const int32_t* rng, double stream, double p) {
  return {rng, static_cast<uint32_t>(stream), static_cast<uint32_t>(p * 4294967296.0),
          static_cast<float>(1.0 / (1.0 - p))};
}

// 0, or 1 / (1 - p) where the element is kept.
TY_KERNEL float dropoutMask(const DropoutNumbers& d, uint64_t element) {
  const uint64_t block = element / 4;
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
  const uint32_t even = element % 4 < 2 ? c0 : c2, odd = element % 4 < 2 ? c1 : c3;
  return (element % 2 == 0 ? even : odd) >= d.threshold ? d.scale : 0.0f;
}

}  // namespace gpu
}  // namespace trainyard
