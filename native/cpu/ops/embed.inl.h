// Token and position embeddings.
#pragma once
#include "../checks.h"
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

// dwte[token] += dx. As above, for tokens alone.
template <class T>
static void embedTokensBackward(Pool& pool, const T* dx, const int32_t* tokens, float* dwte, int64_t rows,
                                int64_t width, int64_t vocab, bool add) {
  constexpr int64_t kColumnsPerTask = 64;
  pool.parallelFor((width + kColumnsPerTask - 1) / kColumnsPerTask, [&](int64_t task, int) {
    const int64_t from = task * kColumnsPerTask;
    const int64_t columns = width - from < kColumnsPerTask ? width - from : kColumnsPerTask;
    for (int64_t v = 0; v < vocab && !add; v++)
      std::memset(dwte + v * width + from, 0, static_cast<size_t>(columns) * sizeof(float));
    for (int64_t row = 0; row < rows; row++) {
      const T* in = dx + row * width + from;
      float* token = dwte + tokens[row] * width + from;
      eachVector(columns, [&](int64_t i, int64_t n) {
        storeUpTo(token + i, loadUpTo(token + i, n) + loadUpTo(in + i, n), n);
      });
    }
  });
}

template <class T>
static void run(const EmbedTokensCall<T>& c, Pool& pool) {
  requireIndices("token", c.tokens, c.rows, 0, c.paddedVocab);
  pool.parallelFor(c.rows, [&](int64_t row, int) {
    std::memcpy(c.x + row * c.width, c.wte + c.tokens[row] * c.width, static_cast<size_t>(c.width) * sizeof(T));
  });
}

template <class T>
static void run(const EmbedTokensBackwardCall<T>& c, Pool& pool) {
  requireIndices("token", c.tokens, c.rows, 0, c.paddedVocab);
  embedTokensBackward(pool, c.dx, c.tokens, c.dwte, c.rows, c.width, c.paddedVocab, c.dwteAccumulate);
}

template <class T>
static void run(const EmbedCall<T>& c, Pool& pool) {
  requireIndices("token", c.tokens, c.batch * c.time, 0, c.paddedVocab);
  requirePositions(c.position[0], c.time, c.context);
  embed(pool, c.tokens, c.position[0], c.wte, c.wpe, c.x, c.batch, c.time, c.width);
}

template <class T>
static void run(const EmbedBackwardCall<T>& c, Pool& pool) {
  requireIndices("token", c.tokens, c.batch * c.time, 0, c.paddedVocab);
  embedBackward(pool, c.dx, c.tokens, c.dwte, c.dwpe, c.batch, c.time, c.width, c.paddedVocab, c.context,
                c.dwteAccumulate, c.dwpeAccumulate);
}

}  // namespace TY_ISA
}  // namespace trainyard
