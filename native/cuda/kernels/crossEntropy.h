// Softmax cross-entropy over rows of logits. A block takes a row.
#pragma once
#include "faults.h"

namespace trainyard {
namespace gpu {

constexpr int kLossThreads = 256;
constexpr size_t kLossSharedBytes = (kLossThreads / 32 + 1) * sizeof(float);
// headRowsPerChunk in the op's declaration: the workspace holds that many rows of logits.
constexpr int64_t kHeadRowsPerChunk = 256;

// losses[row] = log Σ exp(logits[row]) - logits[row][target]; with `gradient`, (softmax - onehot)·scale takes the place
// of a row's logits, from its begin on, as numbers of type T. A target below 0 counts nothing.
template <class T>
struct CrossEntropy {
  static constexpr const char* name = "crossEntropy";
  struct Args {
    float* logits;
    int64_t stride;
    const int32_t* targets;
    float* losses;
    int64_t vocab;
    const float* scale;  // of the gradient; null: it is not taken
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = t.block();
    float* z = a.logits + row * a.stride;
    T* g = reinterpret_cast<T*>(z);
    const bool counts = a.targets[row] >= 0;
    const int64_t target = counts ? checkedIndex(t, a.targets[row], 0, a.vocab, kTargetFault, a.faults) : 0;
    float top = -INFINITY;
    for (int64_t i = t.index(); i < a.vocab; i += t.threads()) top = z[i] > top ? z[i] : top;
    top = blockMax(t, top, scratch);
    const float right = z[target];
    float sum = 0;
    for (int64_t i = t.index(); i < a.vocab; i += t.threads()) sum += expf(z[i] - top);
    sum = blockSum(t, sum, scratch);
    // The difference first: a small loss must not be rounded at the size of the logits.
    if (t.index() == 0) a.losses[row] = counts ? logf(sum) + (top - right) : 0.0f;
    if (!a.scale) return;
    const float factor = counts ? a.scale[0] / sum : 0.0f;
    // What is written lies no further than what was read, once all threads have read.
    for (int64_t first = 0; first < a.vocab; first += t.threads()) {
      const int64_t i = first + t.index();
      float value = i < a.vocab ? expf(z[i] - top) * factor : 0.0f;
      if (counts && i == target) value -= a.scale[0];
      t.sync();
      if (i < a.vocab) fromFloat(value, g + i);
      t.sync();
    }
  }
};

// total = (or +=) Σ losses, by one thread, in double precision.
struct SumLosses {
  static constexpr const char* name = "sumLosses";
  struct Args {
    const float* losses;
    float* total;
    int64_t rows;
    bool accumulate;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    if (t.index() != 0) return;
    double sum = 0;
    for (int64_t i = 0; i < a.rows; i++) sum += static_cast<double>(a.losses[i]);
    a.total[0] = (a.accumulate ? a.total[0] : 0.0f) + static_cast<float>(sum);
  }
};

}  // namespace gpu
}  // namespace trainyard
