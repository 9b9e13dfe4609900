// What happens once a step: the gradient's norm, and AdamW (Loshchilov & Hutter 2019).
#pragma once
#include "../../program/scalars.h"
#include "elementwise.h"

namespace trainyard {
namespace gpu {

// squaresPerChunk in the op's declaration.
constexpr int64_t kSquaresPerChunk = 65536;
constexpr int kSquaresThreads = 256;
constexpr size_t kSquaresSharedBytes = kSquaresThreads / 32 * sizeof(float);

// chunks[block] = Σ g² of a chunk
struct SquaresOfChunks {
  static constexpr const char* name = "squaresOfChunks";
  struct Args {
    const float* g;
    float* chunks;
    int64_t elements;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) { part(t, a, t.block(), t.blocks()); }
  TY_KERNEL static void part(Thread& t, const Args& a, int64_t block, int64_t) {
    const int64_t first = block * kSquaresPerChunk;
    const int64_t end = first + kSquaresPerChunk < a.elements ? first + kSquaresPerChunk : a.elements;
    float sum = 0;
    for (int64_t i = first + t.index(); i < end; i += t.threads()) sum = fmaf(a.g[i], a.g[i], sum);
    sum = blockSum(t, sum, t.shared<float>(0));
    if (t.index() == 0) a.chunks[block] = sum;
  }
};

// out = Σ x, by one thread, in double precision.
struct SumOfChunks {
  static constexpr const char* name = "sumOfChunks";
  struct Args {
    const float* x;
    float* out;
    int64_t chunks;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) { part(t, a, t.block(), t.blocks()); }
  TY_KERNEL static void part(Thread& t, const Args& a, int64_t, int64_t) {
    if (t.index() != 0) return;
    double sum = 0;
    for (int64_t i = 0; i < a.chunks; i++) sum += static_cast<double>(a.x[i]);
    a.out[0] = static_cast<float>(sum);
  }
};

// stats = [norm after unscaling, factor that unscales and clips, 1 when the norm is not finite, 0]
struct ClipFactor {
  static constexpr const char* name = "clipFactor";
  struct Args {
    const float* squares;
    const float* scalars;
    float* stats;
    int64_t tensors;
    double maxNorm;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    if (t.index() != 0) return;
    double sum = 0;
    for (int64_t i = 0; i < a.tensors; i++) sum += static_cast<double>(a.squares[i]);
    const double lossScale = static_cast<double>(a.scalars[kLossScale]);
    const double norm = sqrt(sum) / lossScale;
    const bool finite = norm - norm == 0.0;
    double factor = a.maxNorm > 0 ? a.maxNorm / (norm + 1e-6) : 1.0;
    if (factor > 1.0) factor = 1.0;
    a.stats[0] = static_cast<float>(norm);
    a.stats[1] = finite ? static_cast<float>(factor / lossScale) : 0.0f;
    a.stats[2] = finite ? 0.0f : 1.0f;
    a.stats[3] = 0.0f;
  }
};

// What AdamW is told once, and where it finds what changes from step to step.
struct AdamWNumbers {
  float beta1, rest1, beta2, rest2, eps;
  double weightDecay;
  const float* scalars;
  const float* stats;
};

struct AdamWFactors {
  float clip, beta1, rest1, beta2, rest2, keep, rate, correction2, eps;

  TY_KERNEL static AdamWFactors of(const AdamWNumbers& n) {
    const float learningRate = n.scalars[kLearningRate];
    return {n.stats[1],
            n.beta1,
            n.rest1,
            n.beta2,
            n.rest2,
            static_cast<float>(1.0 - static_cast<double>(learningRate) * n.weightDecay),
            learningRate * n.scalars[kBiasCorrection1],
            n.scalars[kBiasCorrection2],
            n.eps};
  }
  TY_KERNEL float moment2(float g, float old) const {
    const float grad = g * clip;
    return fmaf(beta2, old, rest2 * (grad * grad));
  }
  // The new parameter; m and v become the new moments.
  TY_KERNEL float update(float p, float g, float& m, float& v) const {
    m = fmaf(beta1, m, rest1 * (g * clip));
    v = moment2(g, v);
    return fmaf(keep, p, 0.0f - rate * m / (sqrtf(v * correction2) + eps));
  }
};

// A step whose gradient is not finite changes nothing.
TY_KERNEL bool skips(const AdamWNumbers& n) { return n.stats[2] != 0.0f; }

struct AdamW {
  static constexpr const char* name = "adamw";
  struct Args {
    float* p;
    const float* g;
    float* m;
    float* v;
    int64_t elements;
    AdamWNumbers numbers;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) { part(t, a, t.block(), t.blocks()); }
  TY_KERNEL static void part(Thread& t, const Args& a, int64_t block, int64_t blocks) {
    if (skips(a.numbers)) return;
    const AdamWFactors factors = AdamWFactors::of(a.numbers);
    const auto one = [&](int64_t i) { a.p[i] = factors.update(a.p[i], a.g[i], a.m[i], a.v[i]); };
    const auto four = [&](int64_t i) {
      const Pack<float> g = *reinterpret_cast<const Pack<float>*>(a.g + i);
      Pack<float> p = *reinterpret_cast<Pack<float>*>(a.p + i), m = *reinterpret_cast<Pack<float>*>(a.m + i),
           v = *reinterpret_cast<Pack<float>*>(a.v + i);
      TY_UNROLL
      for (int j = 0; j < 4; j++) p.at[j] = factors.update(p.at[j], g.at[j], m.at[j], v.at[j]);
      *reinterpret_cast<Pack<float>*>(a.p + i) = p;
      *reinterpret_cast<Pack<float>*>(a.m + i) = m;
      *reinterpret_cast<Pack<float>*>(a.v + i) = v;
    };
    eachFour(t, block, blocks, a.elements, four, one);
  }
};

}  // namespace gpu
}  // namespace trainyard
