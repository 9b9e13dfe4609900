// Token and position embeddings.
#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

// x[batch·time × width] = wte[token] + wpe[position + column]
template <class T>
static void embed(Pool& pool, const int32_t* tokens, int32_t position, const T* wte, const T* wpe, T* x, int64_t batch,
                  int64_t time, int64_t width) {
  pool.parallelFor(batch * time, [&](int64_t row, int) {
    const T* token = wte + tokens[row] * width;
    const T* place = wpe + (position + row % time) * width;
    T* out = x + row * width;
    eachVector(width, [&](int64_t i, int64_t n) {
      storeUpTo(out + i, loadUpTo(token + i, n) + loadUpTo(place + i, n), n);
    });
  });
}

// dwte[token] += dx and dwpe[column] += dx. A task owns some columns of both tables and takes the rows in order.
template <class T>
static void embedBackward(Pool& pool, const T* dx, const int32_t* tokens, float* dwte, float* dwpe, int64_t batch,
                          int64_t time, int64_t width, int64_t vocab, int64_t context, bool addWte, bool addWpe) {
  constexpr int64_t kColumnsPerTask = 64;
  pool.parallelFor((width + kColumnsPerTask - 1) / kColumnsPerTask, [&](int64_t task, int) {
    const int64_t from = task * kColumnsPerTask;
    const int64_t columns = width - from < kColumnsPerTask ? width - from : kColumnsPerTask;
    const size_t bytes = static_cast<size_t>(columns) * sizeof(float);
    if (!addWte) {
      for (int64_t v = 0; v < vocab; v++) std::memset(dwte + v * width + from, 0, bytes);
    }
    if (!addWpe) {
      for (int64_t t = 0; t < context; t++) std::memset(dwpe + t * width + from, 0, bytes);
    }
    for (int64_t row = 0; row < batch * time; row++) {
      const T* in = dx + row * width + from;
      float* token = dwte + tokens[row] * width + from;
      float* place = dwpe + row % time * width + from;
      eachVector(columns, [&](int64_t i, int64_t n) {
        const Vf d = loadUpTo(in + i, n);
        storeUpTo(token + i, loadUpTo(token + i, n) + d, n);
        storeUpTo(place + i, loadUpTo(place + i, n) + d, n);
      });
    }
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
