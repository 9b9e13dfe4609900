#pragma once
#include "peak.h"
#include "simd.h"

namespace trainyard {
namespace TY_ISA {

// Enough independent chains to hide the latency of two units of depth 4 or 5, few enough to stay in registers.
static float fmaBurst(int64_t iterations) {
  constexpr int kChains = 12;
  Vf chains[kChains];
  for (int i = 0; i < kChains; i++) chains[i] = set1(static_cast<float>(i));
  const Vf factor = set1(0.999f), addend = set1(0.001f);
  for (int64_t n = 0; n < iterations; n++) {
    TY_UNROLL
    for (int i = 0; i < kChains; i++) chains[i] = fma(chains[i], factor, addend);
  }
  Vf sum = chains[0];
  for (int i = 1; i < kChains; i++) sum = sum + chains[i];
  return hsum(sum);
}

static void fmaPeak(Pool& pool, double* oneCore, double* allThreads) {
  measurePeak(pool, fmaBurst, 12.0 * 2.0 * W, oneCore, allThreads);
}

}  // namespace TY_ISA
}  // namespace trainyard
