// Softmax cross-entropy, fused with the output head in chunks of rows: logits are never stored whole.
#pragma once
#include "../gemm.h"
#include "../pool.h"
#include "../simd.h"
#include "gemm.inl.h"

namespace trainyard {
namespace TY_ISA {

// headRowsPerChunk in the op's declaration: the workspace holds that many rows of logits.
constexpr int64_t kHeadRowsPerChunk = 256;

// losses[row] = log Σ exp(logits[row]) - logits[row][target]; with `gradient`, logits become (softmax - onehot)·scale.
// A target below 0 counts nothing.
static void crossEntropyRows(Pool& pool, float* logits, int64_t stride, const int32_t* targets, float* losses,
                             int64_t rows, int64_t vocab, bool gradient, float scale) {
  pool.parallelFor(rows, [&](int64_t row, int) {
    float* z = logits + row * stride;
    const int32_t target = targets[row];
    if (target < 0) {
      losses[row] = 0.0f;
      if (gradient) std::memset(z, 0, static_cast<size_t>(vocab) * sizeof(float));
      return;
    }
    const int64_t whole = vocab / W * W;
    Vf most = set1(z[0]);
    for (int64_t i = 0; i < whole; i += W) most = vmax(most, load(z + i));
    float top = hmax(most);
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
    eachVector(vocab, [&](int64_t i, int64_t n) { storeUpTo(z + i, loadUpTo(z + i, n) * factor, n); });
    z[target] -= scale;
  });
}

// The losses of all rows and, where dx is given, dx = dlogits · wte and dwte = (or +=) dlogitsᵀ · x.
// workspace: min(rows, kHeadRowsPerChunk) · vocab rounded up to 16 floats
static void headCrossEntropy(Pool& pool, const float* x, const float* wte, const int32_t* targets, float* losses,
                             float* dx, float* dwte, float* workspace, int64_t rows, int64_t width, int64_t vocab,
                             int64_t paddedVocab, float scale, bool addDx, bool addDwte) {
  const int64_t stride = (vocab + 15) / 16 * 16;
  for (int64_t first = 0; first < rows; first += kHeadRowsPerChunk) {
    const int64_t n = rows - first < kHeadRowsPerChunk ? rows - first : kHeadRowsPerChunk;
    GemmArgs logits;
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
    crossEntropyRows(pool, workspace, stride, targets + first, losses + first, n, vocab, dx != nullptr, scale);
    if (!dx) continue;

    GemmArgs toInput;
    toInput.m = n;
    toInput.n = width;
    toInput.k = vocab;
    toInput.a = workspace;
    toInput.lda = stride;
    toInput.b = wte;
    toInput.ldb = width;
    toInput.c = dx + first * width;
    toInput.ldc = width;
    toInput.accumulate = addDx;
    gemm(pool, toInput);

    GemmArgs toWeight;
    toWeight.transposeA = true;
    toWeight.m = vocab;
    toWeight.n = width;
    toWeight.k = n;
    toWeight.a = workspace;
    toWeight.lda = stride;
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
static void head(Pool& pool, const float* x, const float* wte, float* logits, int64_t rows, int64_t width,
                 int64_t vocab) {
  GemmArgs args;
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

}  // namespace TY_ISA
}  // namespace trainyard
