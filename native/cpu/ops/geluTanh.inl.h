// GELU by itself: where it stands behind or before a matrix product, the product does it.
#pragma once
#include "../gelu.inl.h"
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

// Calls body(first, count) with parts of n elements, on all threads.
template <class Body>
static void inParts(Pool& pool, int64_t n, const Body& body) {
  constexpr int64_t kPerTask = 16384;
  pool.parallelFor((n + kPerTask - 1) / kPerTask, [&](int64_t task, int) {
    const int64_t first = task * kPerTask;
    body(first, n - first < kPerTask ? n - first : kPerTask);
  });
}

template <class T>
static void run(const GeluTanhCall<T>& c, Pool& pool) {
  inParts(pool, c.rows * c.width, [&](int64_t first, int64_t count) {
    eachVector(count, [&](int64_t i, int64_t n) {
      storeUpTo(c.y + first + i, geluTanh(loadUpTo(c.x + first + i, n)), n);
    });
  });
}

template <class T>
static void run(const GeluTanhBackwardCall<T>& c, Pool& pool) {
  inParts(pool, c.rows * c.width, [&](int64_t first, int64_t count) {
    eachVector(count, [&](int64_t i, int64_t n) {
      const Vf own = loadUpTo(c.dy + first + i, n) * geluTanhGrad(loadUpTo(c.x + first + i, n));
      T* to = c.dx + first + i;
      storeUpTo(to, c.dxAccumulate ? loadUpTo(to, n) + own : own, n);
    });
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
