// AdamW (Loshchilov & Hutter 2019).
#pragma once
#include "calls.h"
#include "elementwise.h"

namespace trainyard {
namespace gpu {

// What AdamW is told once, and where it finds what changes from step to step.
struct AdamWNumbers {
  float beta1, rest1, beta2, rest2, eps;
  double weightDecay;
  const float* scalars;
  const float* stats;
};

// Of a call of any AdamW.
template <class AdamWCall>
AdamWNumbers numbersOf(const AdamWCall& c) {
  return {static_cast<float>(c.beta1), static_cast<float>(1.0 - c.beta1), static_cast<float>(c.beta2),
          static_cast<float>(1.0 - c.beta2), static_cast<float>(c.eps), c.weightDecay, c.scalars, c.stats};
}

struct AdamWFactors {
  float clip, beta1, rest1, beta2, rest2, keep, rate, correction2, eps;

  TY_KERNEL static AdamWFactors of(const AdamWNumbers& n) {
    const float learningRate = n.scalars[kLearningRate];
    return {n.stats[kClipFactor],
            n.beta1,
            n.rest1,
            n.beta2,
            n.rest2,
            static_cast<float>(1.0 - static_cast<double>(learningRate) * n.weightDecay),
            learningRate * n.scalars[kBiasCorrection1],
            n.scalars[kBiasCorrection2],
            n.eps};
  }
  TY_KERNEL float moment2(float g, float old) const {
    const float grad = g * clip;
    return fmaf(beta2, old, rest2 * (grad * grad));
  }
  // The new parameter; m and v become the new events.
  TY_KERNEL float update(float p, float g, float& m, float& v) const {
    m = fmaf(beta1, m, rest1 * (g * clip));
    v = moment2(g, v);
    return fmaf(keep, p, 0.0f - rate * m / (sqrtf(v * correction2) + eps));
  }
};

// A step whose gradient is not finite changes nothing.
TY_KERNEL bool skips(const AdamWNumbers& n) { return n.stats[kNonFinite] != 0.0f; }

struct AdamW {
  static constexpr const char* name = "adamw";
  struct Args {
    float* p;
    const float* g;
    float* m;
    float* v;
    int64_t elements;
    AdamWNumbers numbers;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) { part(t, a, t.block(), t.blocks()); }
  TY_KERNEL static void part(Thread& t, const Args& a, int64_t block, int64_t blocks) {
    if (skips(a.numbers)) return;
    const AdamWFactors factors = AdamWFactors::of(a.numbers);
    const auto one = [&](int64_t i) { a.p[i] = factors.update(a.p[i], a.g[i], a.m[i], a.v[i]); };
    const auto four = [&](int64_t i) {
      const Pack<float> g = *reinterpret_cast<const Pack<float>*>(a.g + i);
      Pack<float> p = *reinterpret_cast<Pack<float>*>(a.p + i), m = *reinterpret_cast<Pack<float>*>(a.m + i),
           v = *reinterpret_cast<Pack<float>*>(a.v + i);
      TY_UNROLL
      for (int j = 0; j < 4; j++) p.at[j] = factors.update(p.at[j], g.at[j], m.at[j], v.at[j]);
      *reinterpret_cast<Pack<float>*>(a.p + i) = p;
      *reinterpret_cast<Pack<float>*>(a.m + i) = m;
      *reinterpret_cast<Pack<float>*>(a.v + i) = v;
    };
    eachFour(t, block, blocks, a.elements, four, one);
  }
};

}  // namespace gpu
}  // namespace trainyard
