#pragma once
#include "../pool.h"
#include "../simdHalf.h"
#include "../dropoutMask.inl.h"

namespace trainyard {
namespace TY_ISA {

// y = x · mask (+ residual) over n elements; applied to a gradient it is its own backward.
template <class T>
static void dropout(Pool& pool, const T* x, const int32_t* rng, const T* residual, T* y, int64_t n, double p,
                    double stream) {
  constexpr int64_t kPerTask = 4096;
  const Dropout d = makeDropout(rng, stream, p);
  pool.parallelFor((n + kPerTask - 1) / kPerTask, [&](int64_t task, int worker) {
    const int64_t first = task * kPerTask;
    const int64_t count = n - first < kPerTask ? n - first : kPerTask;
    float* mask = pool.scratch(worker);
    dropoutMask(d, static_cast<uint64_t>(first), count, mask);
    eachVector(count, [&](int64_t i, int64_t lanes) {
      Vf v = loadUpTo(x + first + i, lanes) * loadUpTo(mask + i, lanes);
      if (residual) v = v + loadUpTo(residual + first + i, lanes);
      storeUpTo(y + first + i, v, lanes);
    });
  });
}

template <class T>
static void run(const DropoutCall<T>& c, Pool& pool) {
  dropout(pool, c.x, c.rng, c.residual, c.y, c.rows * c.width, c.dropout, c.stream);
}

}  // namespace TY_ISA
}  // namespace trainyard
