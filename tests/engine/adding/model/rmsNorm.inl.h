#pragma once
#include <cmath>

#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

template <class T>
static void run(const RmsNormCall<T>& c, Pool& pool) {
  pool.parallelFor(c.rows, [&](int64_t row, int) {
    const T* x = c.x + row * c.width;
    Vf squares = zero();
    eachVector(c.width, [&](int64_t i, int64_t n) {
      const Vf v = loadUpTo(x + i, n);
      squares = fma(v, v, squares);
    });
    const float rrms = 1.0f / sqrtf(hsum(squares) / static_cast<float>(c.width) + static_cast<float>(c.eps));
    c.rrms[row] = rrms;
    eachVector(c.width, [&](int64_t i, int64_t n) {
      storeUpTo(c.y + row * c.width + i, loadUpTo(x + i, n) * set1(rrms) * loadUpTo(c.gamma + i, n), n);
    });
  });
}

template <class T>
static void run(const RmsNormBackwardCall<T>& c, Pool& pool) {
  pool.parallelFor(c.rows, [&](int64_t row, int) {
    const T* x = c.x + row * c.width;
    const T* dy = c.dy + row * c.width;
    T* dx = c.dx + row * c.width;
    Vf dots = zero();
    eachVector(c.width, [&](int64_t i, int64_t n) {
      dots = fma(loadUpTo(dy + i, n) * loadUpTo(c.gamma + i, n), loadUpTo(x + i, n), dots);
    });
    const float rrms = c.rrms[row];
    const float along = hsum(dots) * rrms * rrms * rrms / static_cast<float>(c.width);
    eachVector(c.width, [&](int64_t i, int64_t n) {
      const Vf own = loadUpTo(dy + i, n) * loadUpTo(c.gamma + i, n) * set1(rrms) - loadUpTo(x + i, n) * set1(along);
      storeUpTo(dx + i, c.dxAccumulate ? loadUpTo(dx + i, n) + own : own, n);
    });
  });
  constexpr int64_t kColumns = 64;
  pool.parallelFor((c.width + kColumns - 1) / kColumns, [&](int64_t task, int) {
    const int64_t from = task * kColumns, columns = c.width - from < kColumns ? c.width - from : kColumns;
    eachVector(columns, [&](int64_t i, int64_t n) {
      Vf sum = c.dgammaAccumulate ? loadUpTo(c.dgamma + from + i, n) : zero();
      for (int64_t row = 0; row < c.rows; row++) {
        const int64_t at = row * c.width + from + i;
        sum = fma(loadUpTo(c.dy + at, n) * loadUpTo(c.x + at, n), set1(c.rrms[row]), sum);
      }
      storeUpTo(c.dgamma + from + i, sum, n);
    });
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
