// Working weights from master weights.
#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

// y = x, rounded
template <class T>
static void cast(Pool& pool, const float* x, T* y, int64_t n) {
  constexpr int64_t kPerTask = 65536;
  pool.parallelFor((n + kPerTask - 1) / kPerTask, [&](int64_t task, int) {
    const int64_t first = task * kPerTask;
    convert(x + first, y + first, n - first < kPerTask ? n - first : kPerTask);
  });
}

template <class T>
static void run(const CastCall<T>& c, Pool& pool) {
  cast(pool, c.x, c.y, c.elements);
}

}  // namespace TY_ISA
}  // namespace trainyard
