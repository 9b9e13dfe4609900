// Rotary positions (Su et al. 2021): a table of cosines and sines, and the turning of heads by it.
#pragma once
#include <cmath>

#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

// Angles are taken in double: those of late positions have few digits left in float.
static void run(const RotaryTableCall& c, Pool& pool) {
  const int64_t half = c.headDim / 2;
  pool.parallelFor(c.time, [&](int64_t t, int) {
    const double position = c.count == c.time ? c.positions[t] : c.positions[0] + static_cast<double>(t);
    float* row = c.table + t * c.headDim;
    for (int64_t i = 0; i < half; i++) {
      const double angle = position * std::pow(c.base, static_cast<double>(-2 * i) / static_cast<double>(c.headDim));
      row[i] = static_cast<float>(std::cos(angle));
      row[half + i] = static_cast<float>(std::sin(angle));
    }
  });
}

template <class T>
static void run(const RotaryCall<T>& c, Pool& pool) {
  const int64_t half = c.headDim / 2;
  const auto heads = static_cast<int64_t>(c.heads);
  const Vf sign = set1(c.inverse != 0 ? -1.0f : 1.0f);
  pool.parallelFor(c.batch * c.time, [&](int64_t row, int) {
    const float* cosines = c.table + row % c.time * c.headDim;
    const float* sines = cosines + half;
    for (int64_t h = 0; h < heads; h++) {
      T* a = c.x + row * c.width + h * c.headDim;
      T* b = a + half;
      eachVector(half, [&](int64_t i, int64_t n) {
        const Vf x = loadUpTo(a + i, n), y = loadUpTo(b + i, n);
        const Vf cosine = loadUpTo(cosines + i, n), sine = loadUpTo(sines + i, n) * sign;
        storeUpTo(a + i, x * cosine - y * sine, n);
        storeUpTo(b + i, y * cosine + x * sine, n);
      });
    }
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
