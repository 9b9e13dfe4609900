// AdamW (Loshchilov & Hutter 2019) in one pass over parameter, gradient and moments.
#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

struct AdamWNumbers {
  float rate, correction1, correction2;  // learning rate, 1 / (1 - β1ᵗ), 1 / (1 - β2ᵗ)
  double beta1, beta2, eps, weightDecay;
};

// Of a call of any AdamW: what it has in its attributes, and what changes from step to step in `scalars`.
template <class AdamWCall>
static AdamWNumbers numbersOf(const AdamWCall& c) {
  const float* s = c.scalars;
  return {s[kLearningRate], s[kBiasCorrection1], s[kBiasCorrection2], c.beta1, c.beta2, c.eps, c.weightDecay};
}

// One step's numbers of AdamW, and its formulas.
struct AdamWFactors {
  Vf clip, beta1, rest1, beta2, rest2, keep, rate, correction2, eps;

  // clipFactor: unscales and clips the gradient
  AdamWFactors(const AdamWNumbers& a, float clipFactor)
      : clip(set1(clipFactor)),
        beta1(set1(static_cast<float>(a.beta1))),
        rest1(set1(static_cast<float>(1.0 - a.beta1))),
        beta2(set1(static_cast<float>(a.beta2))),
        rest2(set1(static_cast<float>(1.0 - a.beta2))),
        keep(set1(static_cast<float>(1.0 - static_cast<double>(a.rate) * a.weightDecay))),
        rate(set1(a.rate * a.correction1)),
        correction2(set1(a.correction2)),
        eps(set1(static_cast<float>(a.eps))) {}

  Vf moment2(Vf g, Vf old) const {
    const Vf grad = g * clip;
    return fma(beta2, old, rest2 * (grad * grad));
  }

  // The new parameter; m and v become the new moments.
  Vf update(Vf p, Vf g, Vf& m, Vf& v) const {
    m = fma(beta1, m, rest1 * (g * clip));
    v = moment2(g, v);
    return fma(keep, p, zero() - rate * m / (vsqrt(v * correction2) + eps));
  }
};

static void adamw(Pool& pool, float* p, const float* g, float* m, float* v, const float* stats, int64_t n,
                  const AdamWNumbers& a) {
  if (stats[kNonFinite] != 0.0f) return;
  constexpr int64_t kPerTask = 32768;
  const AdamWFactors factors(a, stats[kClipFactor]);
  pool.parallelFor((n + kPerTask - 1) / kPerTask, [&](int64_t task, int) {
    const int64_t first = task * kPerTask;
    eachVector(n - first < kPerTask ? n - first : kPerTask, [&](int64_t i, int64_t lanes) {
      const int64_t at = first + i;
      Vf moment1 = loadUpTo(m + at, lanes), moment2 = loadUpTo(v + at, lanes);
      const Vf value = factors.update(loadUpTo(p + at, lanes), loadUpTo(g + at, lanes), moment1, moment2);
      storeUpTo(p + at, value, lanes);
      storeUpTo(m + at, moment1, lanes);
      storeUpTo(v + at, moment2, lanes);
    });
  });
}

static void run(const AdamwCall& c, Pool& pool) {
  adamw(pool, c.p, c.g, c.m, c.v, c.stats, c.elements, numbersOf(c));
}

}  // namespace TY_ISA
}  // namespace trainyard
