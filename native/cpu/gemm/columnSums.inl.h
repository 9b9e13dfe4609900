#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

// Threads share the columns, never the rows, so a column's additions come in one order: blocks of 32 rows, each summed
// on its own and then added, which keeps the rounding error small for many rows.
template <class T>
static void columnSums(Pool& pool, const T* x, int64_t rows, int64_t columns, int64_t stride, float* out,
                       bool accumulate) {
  constexpr int kVectors = 4;
  constexpr int64_t kColumns = kVectors * W;
  constexpr int64_t kRows = 32;
  pool.parallelFor((columns + kColumns - 1) / kColumns, [&](int64_t task, int) {
    const int64_t first = task * kColumns;
    const int64_t lanes = columns - first;
    const T* source = x + first;
    Vf total[kVectors];
    for (int v = 0; v < kVectors; v++) {
      total[v] = accumulate ? loadn(out + first + v * W, lanes - v * W) : zero();
    }
    for (int64_t block = 0; block < rows; block += kRows) {
      const int64_t end = block + kRows < rows ? block + kRows : rows;
      Vf sum[kVectors] = {zero(), zero(), zero(), zero()};
      if (lanes >= kColumns) {
        for (int64_t r = block; r < end; r++) {
          TY_UNROLL
          for (int v = 0; v < kVectors; v++) sum[v] = sum[v] + load(source + r * stride + v * W);
        }
      } else {
        for (int64_t r = block; r < end; r++) {
          TY_UNROLL
          for (int v = 0; v < kVectors; v++) sum[v] = sum[v] + (lanes > v * W ? loadUpTo(source + r * stride + v * W, lanes - v * W) : zero());
        }
      }
      for (int v = 0; v < kVectors; v++) total[v] = total[v] + sum[v];
    }
    for (int v = 0; v < kVectors; v++) storen(out + first + v * W, total[v], lanes - v * W);
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
