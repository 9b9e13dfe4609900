// Softmax cross-entropy over rows of logits. A block takes a row.
#pragma once
#include "faults.h"
#include "pack.h"

namespace trainyard {
namespace gpu {

constexpr int kLossThreads = 256;
constexpr size_t kLossSharedBytes = (kLossThreads / 32 + 1) * sizeof(float);

// losses[row] = log Σ exp(logits[row]) - logits[row][target]; with `gradient`, (softmax - onehot)·scale takes the place
// of a row's logits, from its begin on, as numbers of type T, and 0 that of padding. A target below 0 counts nothing.
template <class T>
struct CrossEntropy {
  static constexpr const char* name = "crossEntropy";
  struct Args {
    float* logits;   // rows are aligned to 16 bytes, and so is their length
    int64_t stride;  // with padding, a multiple of 8
    const int32_t* targets;
    float* losses;
    int64_t vocab;
    const float* scale;  // of the gradient; null: it is not taken
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = t.block(), step = 8 * t.threads();
    float* z = a.logits + row * a.stride;
    T* g = reinterpret_cast<T*>(z);
    const bool counts = a.targets[row] >= 0;
    const int64_t target = counts ? checkedIndex(t, a.targets[row], 0, a.vocab, kTargetFault, a.faults) : 0;
    // One pass: the sum is relative to the highest that a thread has seen so far (Milakov & Gimelshein 2018).
    float top = -kHuge, sum = 0;
    for (int64_t first = 8 * t.index(); first < a.vocab; first += step) {
      float x[8];
      load(z, first, a.vocab, x);
      float highest = top;
      TY_UNROLL
      for (int i = 0; i < 8; i++) highest = fmaxf(highest, x[i]);
      sum *= exp2Fast((top - highest) * kLog2E);
      top = highest;
      TY_UNROLL
      for (int i = 0; i < 8; i++) sum += exp2Fast((x[i] - top) * kLog2E);
    }
    const float own = top;
    top = blockMax(t, top, scratch);
    const float right = z[target];
    sum = blockSum(t, sum * exp2Fast((own - top) * kLog2E), scratch);
    // The difference first: a small loss must not be rounded at the size of the logits.
    if (t.index() == 0) a.losses[row] = counts ? logf(sum) + (top - right) : 0.0f;
    if (!a.scale) return;
    const float scale = a.scale[0], factor = counts ? scale / sum : 0.0f;
    for (int64_t begin = 0; begin < a.stride; begin += step) {
      const int64_t first = begin + 8 * t.index();
      float x[8];
      if (first < a.stride) {
        load(z, first, a.vocab, x);
        TY_UNROLL
        for (int i = 0; i < 8; i++) {
          x[i] = exp2Fast((x[i] - top) * kLog2E) * factor;
          if (counts && first + i == target) x[i] -= scale;
        }
      }
      // What is written lies no further than what all threads have read by now.
      t.sync();
      if (first < a.stride) store8(x, g + first);
    }
  }

 private:
  static constexpr float kHuge = 3e38f;

  // Eight neighbors; padding takes no probability.
  TY_KERNEL static void load(const float* z, int64_t first, int64_t vocab, float (&x)[8]) {
    load8(z + first, x);
    if (first + 8 <= vocab) return;
    TY_UNROLL
    for (int i = 0; i < 8; i++) {
      if (first + i >= vocab) x[i] = -INFINITY;
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
