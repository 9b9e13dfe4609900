#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

TY_INLINE Vf sigmoid(Vf x) { return set1(1.0f) / (set1(1.0f) + vexp(zero() - x)); }

template <class T>
static void run(const SwiGluCall<T>& c, Pool& pool) {
  pool.parallelFor(c.rows, [&](int64_t row, int) {
    const T* a = c.x + row * 2 * c.width;
    eachVector(c.width, [&](int64_t i, int64_t n) {
      const Vf x = loadUpTo(a + i, n);
      storeUpTo(c.y + row * c.width + i, x * sigmoid(x) * loadUpTo(a + c.width + i, n), n);
    });
  });
}

template <class T>
static void run(const SwiGluBackwardCall<T>& c, Pool& pool) {
  pool.parallelFor(c.rows, [&](int64_t row, int) {
    const T* a = c.x + row * 2 * c.width;
    T* da = c.dx + row * 2 * c.width;
    eachVector(c.width, [&](int64_t i, int64_t n) {
      const Vf x = loadUpTo(a + i, n), gate = sigmoid(x), dy = loadUpTo(c.dy + row * c.width + i, n);
      const Vf first = dy * loadUpTo(a + c.width + i, n) * gate * (set1(1.0f) + x * (set1(1.0f) - gate));
      const Vf second = dy * x * gate;
      T* const to[2] = {da + i, da + c.width + i};
      storeUpTo(to[0], c.dxAccumulate ? loadUpTo(to[0], n) + first : first, n);
      storeUpTo(to[1], c.dxAccumulate ? loadUpTo(to[1], n) + second : second, n);
    });
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
