// Layer normalization over rows, forward and backward.
#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

template <class T>
static void layerNorm(Pool& pool, const T* x, const float* gamma, const float* beta, T* y, float* mean,
                      float* rstd, int64_t rows, int64_t width, float eps) {
  constexpr int64_t kRowsPerTask = 16;
  pool.parallelFor((rows + kRowsPerTask - 1) / kRowsPerTask, [&](int64_t task, int) {
    const int64_t end = task * kRowsPerTask + kRowsPerTask < rows ? task * kRowsPerTask + kRowsPerTask : rows;
    for (int64_t row = task * kRowsPerTask; row < end; row++) {
      const T* in = x + row * width;
      T* out = y + row * width;
      Vf sum = zero();
      eachVector(width, [&](int64_t i, int64_t n) { sum = sum + loadUpTo(in + i, n); });
      const float m = hsum(sum) / static_cast<float>(width);
      // The variance is taken from the differences: the difference of two large sums would lose it.
      Vf squares = zero();
      int64_t i = 0;
      for (; i + W <= width; i += W) {
        const Vf d = load(in + i) - set1(m);
        squares = fma(d, d, squares);
      }
      float square = hsum(squares);
      for (; i < width; i++) {
        const float d = toFloat(in[i]) - m;
        square += d * d;
      }
      const float r = 1.0f / sqrtf(square / static_cast<float>(width) + eps);
      eachVector(width, [&](int64_t j, int64_t n) {
        const Vf normal = (loadUpTo(in + j, n) - set1(m)) * set1(r);
        storeUpTo(out + j, fma(normal, loadUpTo(gamma + j, n), loadUpTo(beta + j, n)), n);
      });
      mean[row] = m;
      rstd[row] = r;
    }
  });
}

// workspace: ceil(rows / kLayerNormRowsPerChunk) · 2 · width floats
template <class T>
static void layerNormBackward(Pool& pool, const T* dy, const T* x, const float* gamma, const float* mean,
                              const float* rstd, T* dx, float* dgamma, float* dbeta, float* workspace,
                              int64_t rows, int64_t width, bool addDx, bool addGamma, bool addBeta) {
  const int64_t chunks = (rows + kLayerNormRowsPerChunk - 1) / kLayerNormRowsPerChunk;
  pool.parallelFor(chunks, [&](int64_t chunk, int) {
    float* partGamma = workspace + chunk * 2 * width;
    float* partBeta = partGamma + width;
    std::memset(partGamma, 0, static_cast<size_t>(2 * width) * sizeof(float));
    const int64_t first = chunk * kLayerNormRowsPerChunk;
    const int64_t end = first + kLayerNormRowsPerChunk < rows ? first + kLayerNormRowsPerChunk : rows;
    for (int64_t row = first; row < end; row++) {
      const T* d = dy + row * width;
      const T* in = x + row * width;
      T* out = dx + row * width;
      const Vf m = set1(mean[row]), r = set1(rstd[row]);
      Vf sum = zero(), dot = zero();
      eachVector(width, [&](int64_t i, int64_t n) {
        // Lanes past the end are 0 in dy, so they add nothing.
        const Vf g = loadUpTo(d + i, n);
        const Vf normal = (loadUpTo(in + i, n) - m) * r;
        const Vf scaled = g * loadUpTo(gamma + i, n);
        sum = sum + scaled;
        dot = fma(scaled, normal, dot);
        storeUpTo(partGamma + i, fma(g, normal, loadUpTo(partGamma + i, n)), n);
        storeUpTo(partBeta + i, loadUpTo(partBeta + i, n) + g, n);
      });
      const Vf meanSum = set1(hsum(sum) / static_cast<float>(width));
      const Vf meanDot = set1(hsum(dot) / static_cast<float>(width));
      eachVector(width, [&](int64_t i, int64_t n) {
        const Vf normal = (loadUpTo(in + i, n) - m) * r;
        Vf v = (fnma(normal, meanDot, loadUpTo(d + i, n) * loadUpTo(gamma + i, n)) - meanSum) * r;
        if (addDx) v = v + loadUpTo(out + i, n);
        storeUpTo(out + i, v, n);
      });
    }
  });
  constexpr int64_t kColumnsPerTask = 256;
  pool.parallelFor((width + kColumnsPerTask - 1) / kColumnsPerTask, [&](int64_t task, int) {
    const int64_t from = task * kColumnsPerTask;
    const int64_t columns = width - from < kColumnsPerTask ? width - from : kColumnsPerTask;
    eachVector(columns, [&](int64_t i, int64_t n) {
      Vf g = addGamma ? loadUpTo(dgamma + from + i, n) : zero();
      Vf b = addBeta ? loadUpTo(dbeta + from + i, n) : zero();
      for (int64_t chunk = 0; chunk < chunks; chunk++) {
        const float* part = workspace + chunk * 2 * width + from + i;
        g = g + loadUpTo(part, n);
        b = b + loadUpTo(part + width, n);
      }
      storeUpTo(dgamma + from + i, g, n);
      storeUpTo(dbeta + from + i, b, n);
    });
  });
}

template <class T>
static void run(const LayerNormCall<T>& c, Pool& pool) {
  layerNorm(pool, c.x, c.gamma, c.beta, c.y, c.mean, c.rstd, c.rows, c.width, static_cast<float>(c.eps));
}

template <class T>
static void run(const LayerNormBackwardCall<T>& c, Pool& pool) {
  layerNormBackward(pool, c.dy, c.x, c.gamma, c.mean, c.rstd, c.dx, c.dgamma, c.dbeta, c.workspace, c.rows, c.width,
                    c.dxAccumulate, c.dgammaAccumulate, c.dbetaAccumulate);
}

}  // namespace TY_ISA
}  // namespace trainyard
