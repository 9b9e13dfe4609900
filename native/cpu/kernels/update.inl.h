// What happens once a step: the sum of the losses, the gradient's norm, and AdamW.
#pragma once
#include "../kernels.h"
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

static float sumLosses(const float* losses, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += static_cast<double>(losses[i]);
  return static_cast<float>(sum);
}

// squaresPerChunk in the op's declaration.
constexpr int64_t kSquaresPerChunk = 65536;

// The sum of g². workspace: ceil(n / kSquaresPerChunk) floats
static float squaredSum(Pool& pool, const float* g, float* workspace, int64_t n) {
  const int64_t chunks = (n + kSquaresPerChunk - 1) / kSquaresPerChunk;
  pool.parallelFor(chunks, [&](int64_t chunk, int) {
    const int64_t first = chunk * kSquaresPerChunk;
    const int64_t count = n - first < kSquaresPerChunk ? n - first : kSquaresPerChunk;
    Vf a = zero(), b = zero(), c = zero(), d = zero();
    int64_t i = 0;
    for (; i + 4 * W <= count; i += 4 * W) {
      const float* p = g + first + i;
      const Vf p0 = load(p), p1 = load(p + W), p2 = load(p + 2 * W), p3 = load(p + 3 * W);
      a = fma(p0, p0, a);
      b = fma(p1, p1, b);
      c = fma(p2, p2, c);
      d = fma(p3, p3, d);
    }
    for (; i < count; i += W) {
      const Vf p = loadUpTo(g + first + i, count - i);
      a = fma(p, p, a);
    }
    workspace[chunk] = hsum((a + b) + (c + d));
  });
  double sum = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) sum += static_cast<double>(workspace[chunk]);
  return static_cast<float>(sum);
}

// stats = [norm after unscaling, factor that unscales and clips, 1 when the norm is not finite, 0]
static void clipFactor(const float* squares, int64_t tensors, float lossScale, double maxNorm, float* stats) {
  double sum = 0;
  for (int64_t i = 0; i < tensors; i++) sum += static_cast<double>(squares[i]);
  const double norm = sqrt(sum) / static_cast<double>(lossScale);
  const bool finite = norm - norm == 0.0;
  double factor = maxNorm > 0 ? maxNorm / (norm + 1e-6) : 1.0;
  if (factor > 1.0) factor = 1.0;
  stats[0] = static_cast<float>(norm);
  stats[1] = finite ? static_cast<float>(factor / static_cast<double>(lossScale)) : 0.0f;
  stats[2] = finite ? 0.0f : 1.0f;
  stats[3] = 0.0f;
}

// One step's numbers of AdamW (Loshchilov & Hutter 2019), and its formulas.
struct AdamWFactors {
  Vf clip, beta1, rest1, beta2, rest2, keep, rate, correction2, eps;

  // clipFactor: unscales and clips the gradient
  AdamWFactors(const AdamWNumbers& a, float clipFactor)
      : clip(set1(clipFactor)),
        beta1(set1(static_cast<float>(a.beta1))),
        rest1(set1(static_cast<float>(1.0 - a.beta1))),
        beta2(set1(static_cast<float>(a.beta2))),
        rest2(set1(static_cast<float>(1.0 - a.beta2))),
        keep(set1(static_cast<float>(1.0 - static_cast<double>(a.rate) * a.weightDecay))),
        rate(set1(a.rate * a.correction1)),
        correction2(set1(a.correction2)),
        eps(set1(static_cast<float>(a.eps))) {}

  Vf moment2(Vf g, Vf old) const {
    const Vf grad = g * clip;
    return fma(beta2, old, rest2 * (grad * grad));
  }

  // The new parameter; m and v become the new moments.
  Vf update(Vf p, Vf g, Vf& m, Vf& v) const {
    m = fma(beta1, m, rest1 * (g * clip));
    v = moment2(g, v);
    return fma(keep, p, zero() - rate * m / (vsqrt(v * correction2) + eps));
  }
};

// y = x, rounded
template <class T>
static void cast(Pool& pool, const float* x, T* y, int64_t n) {
  constexpr int64_t kPerTask = 65536;
  pool.parallelFor((n + kPerTask - 1) / kPerTask, [&](int64_t task, int) {
    const int64_t first = task * kPerTask;
    convert(x + first, y + first, n - first < kPerTask ? n - first : kPerTask);
  });
}

// AdamW in one pass over parameter, gradient and moments.
static void adamw(Pool& pool, float* p, const float* g, float* m, float* v, const float* stats, int64_t n,
                  const AdamWNumbers& a) {
  if (stats[2] != 0.0f) return;
  constexpr int64_t kPerTask = 32768;
  const AdamWFactors factors(a, stats[1]);
  pool.parallelFor((n + kPerTask - 1) / kPerTask, [&](int64_t task, int) {
    const int64_t first = task * kPerTask;
    eachVector(n - first < kPerTask ? n - first : kPerTask, [&](int64_t i, int64_t lanes) {
      const int64_t at = first + i;
      Vf moment1 = loadUpTo(m + at, lanes), moment2 = loadUpTo(v + at, lanes);
      const Vf value = factors.update(loadUpTo(p + at, lanes), loadUpTo(g + at, lanes), moment1, moment2);
      storeUpTo(p + at, value, lanes);
      storeUpTo(m + at, moment1, lanes);
      storeUpTo(v + at, moment2, lanes);
    });
  });
}

}  // namespace TY_ISA
}  // namespace trainyard
