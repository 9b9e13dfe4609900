// What happens once a step before the update: the gradient's norm.
#pragma once
#include "../pool.h"
#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

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
  stats[kGradNorm] = static_cast<float>(norm);
  stats[kClipFactor] = finite ? static_cast<float>(factor / static_cast<double>(lossScale)) : 0.0f;
  stats[kNonFinite] = finite ? 0.0f : 1.0f;
  stats[3] = 0.0f;
}

static void run(const SquaredSumCall& c, Pool& pool) {
  c.squares[static_cast<int64_t>(c.index)] = squaredSum(pool, c.g, c.workspace, c.elements);
}

static void run(const ClipFactorCall& c, Pool&) {
  clipFactor(c.squares, c.tensors, c.scalars[kLossScale], c.maxNorm, c.stats);
}

}  // namespace TY_ISA
}  // namespace trainyard
