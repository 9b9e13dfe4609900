// Several pieces of text packed into one row of tokens: see electron/engine/ops/packed.ts.
#pragma once
#include "../checks.h"
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"
#include "attention.inl.h"

namespace trainyard {
namespace TY_ISA {

template <class T>
static void embedPacked(Pool& pool, const int32_t* tokens, const int32_t* positions, const T* wte, const T* wpe, T* x,
                        int64_t rows, int64_t width) {
  pool.parallelFor(rows, [&](int64_t row, int) {
    const T* token = wte + tokens[row] * width;
    const T* place = wpe + positions[row] * width;
    T* out = x + row * width;
    eachVector(width, [&](int64_t i, int64_t n) {
      storeUpTo(out + i, loadUpTo(token + i, n) + loadUpTo(place + i, n), n);
    });
  });
}

// spans: three indices a row, ascending and none behind the row: see requireSpans.
template <class T>
static void packedAttention(Pool& pool, const T* qkv, const int32_t* spans, T* y, int64_t rows, int64_t heads,
                            int64_t headDim, int64_t kvHeads) {
  const AttentionShape s = {1, rows, heads, headDim, kvHeads};
  const int64_t C = s.width(), R = s.stride(), D = headDim;
  const float scale = 1.0f / sqrtf(static_cast<float>(D));
  pool.parallelFor(rows * heads, [&](int64_t task, int worker) {
    const int64_t row = task / heads, h = task % heads;
    const int64_t begin = spans[3 * row], before = spans[3 * row + 1] - begin, own = spans[3 * row + 2];
    const int64_t seen = before + row + 1 - own;
    const auto key = [&](int64_t i) { return i < before ? begin + i : own + i - before; };
    const T* q = qkv + row * R + h * D;
    const T* keys = qkv + s.keys(h / s.group());
    const T* values = keys + s.valuesBehindKeys();
    T* out = y + row * C + h * D;
    float* scores = pool.scratch(worker);
    float top = -INFINITY;
    for (int64_t i = 0; i < seen; i++) {
      const T* k = keys + key(i) * R;
      Vf dot = zero();
      eachVector(D, [&](int64_t j, int64_t n) { dot = fma(loadUpTo(q + j, n), loadUpTo(k + j, n), dot); });
      scores[i] = hsum(dot) * scale;
      top = scores[i] > top ? scores[i] : top;
    }
    Vf total = zero();
    eachVector(seen, [&](int64_t i, int64_t n) {
      const Vf e = vexp(loadnOr(scores + i, n, -INFINITY) - set1(top));
      total = total + e;
      storeUpTo(scores + i, e, n);
    });
    const Vf inverse = set1(1.0f / hsum(total));
    eachVector(D, [&](int64_t j, int64_t n) {
      Vf sum = zero();
      for (int64_t i = 0; i < seen; i++) sum = fma(set1(scores[i]), loadUpTo(values + key(i) * R + j, n), sum);
      storeUpTo(out + j, sum * inverse, n);
    });
  });
}

template <class T>
static void selectRows(Pool& pool, const T* x, const int32_t* index, T* y, int64_t rows, int64_t width) {
  pool.parallelFor(rows, [&](int64_t row, int) {
    std::memcpy(y + row * width, x + index[row] * width, static_cast<size_t>(width) * sizeof(T));
  });
}

template <class T>
static void run(const EmbedPackedCall<T>& c, Pool& pool) {
  requireIndices("token", c.tokens, c.rows, 0, c.paddedVocab);
  requireIndices("position", c.positions, c.rows, 0, c.context);
  embedPacked(pool, c.tokens, c.positions, c.wte, c.wpe, c.x, c.rows, c.width);
}

template <class T>
static void run(const PackedAttentionCall<T>& c, Pool& pool) {
  requireSpans(c.spans, c.rows);
  const auto heads = static_cast<int64_t>(c.heads);
  const int64_t headDim = c.width / heads;
  packedAttention(pool, c.qkv, c.spans, c.y, c.rows, heads, headDim, c.kvWidth / headDim);
}

template <class T>
static void run(const SelectRowsCall<T>& c, Pool& pool) {
  requireIndices("row", c.index, c.rows, 0, c.sourceRows);
  selectRows(pool, c.x, c.index, c.y, c.rows, c.width);
}

}  // namespace TY_ISA
}  // namespace trainyard
