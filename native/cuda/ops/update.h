// What happens once a step before the update: the gradient's norm.
#pragma once
#include "calls.h"
#include "elementwise.h"

namespace trainyard {
namespace gpu {

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
    a.stats[kGradNorm] = static_cast<float>(norm);
    a.stats[kClipFactor] = finite ? static_cast<float>(factor / lossScale) : 0.0f;
    a.stats[kNonFinite] = finite ? 0.0f : 1.0f;
    a.stats[3] = 0.0f;
  }
};

}  // namespace gpu
}  // namespace trainyard
