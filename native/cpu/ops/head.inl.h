// Softmax cross-entropy, fused with the output head in chunks of rows: logits are never stored whole.
#pragma once
#include "../checks.h"
#include "../gemm/gemm.inl.h"
#include "../pool.h"
#include "../simd.h"

namespace trainyard {
namespace TY_ISA {

// losses[row] = log Σ exp(logits[row]) - logits[row][target]; with `gradient`, (softmax - onehot)·scale takes the place
// of a row's logits, from its begin on, as numbers of type T. A target below 0 counts nothing.
template <class T>
static void crossEntropyRows(Pool& pool, float* logits, int64_t stride, const int32_t* targets, float* losses,
                             int64_t rows, int64_t vocab, bool gradient, float scale) {
  pool.parallelFor(rows, [&](int64_t row, int) {
    float* z = logits + row * stride;
    T* g = reinterpret_cast<T*>(z);
    const int32_t target = targets[row];
    if (target < 0) {
      losses[row] = 0.0f;
      if (gradient) std::memset(g, 0, static_cast<size_t>(vocab) * sizeof(T));
      return;
    }
    const int64_t whole = vocab / W * W;
    Vf largest = set1(z[0]);
    for (int64_t i = 0; i < whole; i += W) largest = vmax(largest, load(z + i));
    float top = hmax(largest);
    for (int64_t i = whole; i < vocab; i++) top = z[i] > top ? z[i] : top;
    const float right = z[target];
    Vf sums = zero();
    for (int64_t i = 0; i < whole; i += W) {
      const Vf e = vexp(load(z + i) - set1(top));
      sums = sums + e;
      if (gradient) store(z + i, e);
    }
    float sum = hsum(sums);
    if (whole < vocab) {
      float rest[W];
      const int64_t n = vocab - whole;
      store(rest, vexp(loadn(z + whole, n) - set1(top)));
      for (int64_t i = 0; i < n; i++) {
        sum += rest[i];
        if (gradient) z[whole + i] = rest[i];
      }
    }
    // The difference first: a small loss must not be rounded at the size of the logits.
    losses[row] = logf(sum) + (top - right);
    if (!gradient) return;
    const Vf factor = set1(scale / sum);
    const float wrong = z[target] * (scale / sum) - scale;
    // In order: what is written lies no further than what was read.
    eachVector(vocab, [&](int64_t i, int64_t n) { storeUpTo(g + i, loadUpTo(z + i, n) * factor, n); });
    fromFloat(wrong, g + target);
  });
}

static bool anyTarget(const int32_t* targets, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (targets[i] >= 0) return true;
  }
  return false;
}

// The losses of all rows and, where dx is given, dx = dlogits · wte and dwte = (or +=) dlogitsᵀ · x.
// workspace: min(rows, kHeadRowsPerChunk) · vocab rounded up to 16 floats
template <class T>
static void headCrossEntropy(Pool& pool, const T* x, const T* wte, const int32_t* targets, float* losses, T* dx,
                             float* dwte, float* workspace, int64_t rows, int64_t width, int64_t vocab,
                             int64_t paddedVocab, float scale, bool addDx, bool addDwte) {
  const int64_t stride = (vocab + 15) / 16 * 16;
  for (int64_t first = 0; first < rows; first += kHeadRowsPerChunk) {
    const int64_t n = rows - first < kHeadRowsPerChunk ? rows - first : kHeadRowsPerChunk;
    if (!dx && !anyTarget(targets + first, n)) {
      std::memset(losses + first, 0, static_cast<size_t>(n) * sizeof(float));
      continue;
    }
    GemmArgs<T, float> logits;
    logits.transposeB = true;
    logits.m = n;
    logits.n = vocab;
    logits.k = width;
    logits.a = x + first * width;
    logits.lda = width;
    logits.b = wte;
    logits.ldb = width;
    logits.c = workspace;
    logits.ldc = stride;
    gemm(pool, logits);
    crossEntropyRows<T>(pool, workspace, stride, targets + first, losses + first, n, vocab, dx != nullptr, scale);
    if (!dx) continue;
    const T* const dlogits = reinterpret_cast<const T*>(workspace);
    const int64_t ldDlogits = stride * static_cast<int64_t>(sizeof(float) / sizeof(T));

    GemmArgs<T, T> toInput;
    toInput.m = n;
    toInput.n = width;
    toInput.k = vocab;
    toInput.a = dlogits;
    toInput.lda = ldDlogits;
    toInput.b = wte;
    toInput.ldb = width;
    toInput.c = dx + first * width;
    toInput.ldc = width;
    toInput.accumulate = addDx;
    gemm(pool, toInput);

    GemmArgs<T, float> toWeight;
    toWeight.transposeA = true;
    toWeight.m = vocab;
    toWeight.n = width;
    toWeight.k = n;
    toWeight.a = dlogits;
    toWeight.lda = ldDlogits;
    toWeight.b = x + first * width;
    toWeight.ldb = width;
    toWeight.c = dwte;
    toWeight.ldc = width;
    toWeight.accumulate = addDwte || first > 0;
    gemm(pool, toWeight);
  }
  if (dx && !addDwte) {
    std::memset(dwte + vocab * width, 0, static_cast<size_t>((paddedVocab - vocab) * width) * sizeof(float));
  }
}

// logits[rows × vocab] = x · wteᵀ
template <class T>
static void head(Pool& pool, const T* x, const T* wte, float* logits, int64_t rows, int64_t width, int64_t vocab) {
  GemmArgs<T, float> args;
  args.transposeB = true;
  args.m = rows;
  args.n = vocab;
  args.k = width;
  args.a = x;
  args.lda = width;
  args.b = wte;
  args.ldb = width;
  args.c = logits;
  args.ldc = vocab;
  gemm(pool, args);
}

// Targets below 0 count nothing.
template <class HeadCall>
static void requireTargets(const HeadCall& c) {
  requireIndices("target", c.targets, c.rows, INT32_MIN, static_cast<int64_t>(c.vocab));
}

template <class T>
static void run(const HeadCall<T>& c, Pool& pool) {
  head(pool, c.x, c.wte, c.logits, c.rows, c.width, c.vocab);
}

template <class T>
static void run(const HeadCrossEntropyCall<T>& c, Pool& pool) {
  requireTargets(c);
  headCrossEntropy(pool, c.x, c.wte, c.targets, c.losses, static_cast<T*>(nullptr), nullptr, c.workspace, c.rows, c.width,
                   static_cast<int64_t>(c.vocab), c.paddedVocab, 0.0f, false, false);
}

template <class T>
static void run(const HeadCrossEntropyGradCall<T>& c, Pool& pool) {
  requireTargets(c);
  headCrossEntropy(pool, c.x, c.wte, c.targets, c.losses, c.dx, c.dwte, c.workspace, c.rows, c.width,
                   static_cast<int64_t>(c.vocab), c.paddedVocab, c.scalars[kLossGradient], c.dxAccumulate,
                   c.dwteAccumulate);
}

static float sumLosses(const float* losses, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++) sum += static_cast<double>(losses[i]);
  return static_cast<float>(sum);
}

static void run(const SumLossesCall& c, Pool&) {
  const float sum = sumLosses(c.losses, c.rows);
  c.total[0] = c.totalAccumulate ? c.total[0] + sum : sum;
}

}  // namespace TY_ISA
}  // namespace trainyard
