// Lion (Chen et al. 2023, algorithm 2). For places in stats and scalars see statIndex and scalarIndex.
#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

static void run(const LionCall& c, Pool& pool) {
  if (c.stats[2] != 0.0f) return;
  constexpr int64_t kPerTask = 32768;
  const double learningRate = static_cast<double>(c.scalars[0]);
  const Vf clip = set1(c.stats[1]), rate = set1(c.scalars[0]);
  const Vf keep = set1(static_cast<float>(1.0 - learningRate * c.weightDecay));
  const Vf beta1 = set1(static_cast<float>(c.beta1)), rest1 = set1(static_cast<float>(1.0 - c.beta1));
  const Vf beta2 = set1(static_cast<float>(c.beta2)), rest2 = set1(static_cast<float>(1.0 - c.beta2));
  pool.parallelFor((c.elements + kPerTask - 1) / kPerTask, [&](int64_t task, int) {
    const int64_t first = task * kPerTask;
    eachVector(c.elements - first < kPerTask ? c.elements - first : kPerTask, [&](int64_t i, int64_t lanes) {
      const int64_t at = first + i;
      const Vf g = loadUpTo(c.g + at, lanes) * clip, m = loadUpTo(c.m + at, lanes);
      const Vf mixed = beta1 * m + rest1 * g;
      const Vf negative = select(less(mixed, zero()), set1(-1.0f), zero());
      const Vf sign = select(less(zero(), mixed), set1(1.0f), negative);
      storeUpTo(c.p + at, keep * loadUpTo(c.p + at, lanes) - rate * sign, lanes);
      storeUpTo(c.m + at, beta2 * m + rest2 * g, lanes);
    });
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
