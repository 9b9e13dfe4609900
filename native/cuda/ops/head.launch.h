// The output head, and cross-entropy fused with it in chunks of rows.
#pragma once
#include "../gemm/launch.h"
#include "calls.h"
#include "crossEntropy.h"

namespace trainyard {
namespace gpu {

// dx = (or +=) dlogits · wte: many terms and few tiles, so that parts of the sums are taken apart. Numbers of 16 bits take
// the lower half of the rows of logits that they replace: the parts have the upper one.
template <class T>
void headInput(Gpu& gpu, ProductArgs<T, T> g, float* logits, int64_t stride) {
  // By shape alone: the order of a sum's terms must not depend on the GPU.
  constexpr int64_t kTerms = 4096;
  constexpr int side = 128;
  const int64_t parts = ceilDiv(g.k, kTerms), room = stride / 2 / 8 * 8;
  g.vectors = hasAlignedRows(g);
  const bool apart = sizeof(T) == 2 && parts > 1 && g.n % 8 == 0 && parts * g.n <= room;
  if (!apart || !hasAlignedOperands(g.a, g.lda, g.b, g.ldb)) return product<T, T, false, false>(gpu, g);
  productBy<false, false>(gpu, g, [&] {
    if constexpr (sizeof(T) == 2) {
      float* const sums = logits + (stride - room);
      ProductArgs<T, float> part = {g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, sums, stride};
      part.vectors = hasAlignedRows(part);
      using Parts = TensorGemmParts<T, side>;
      gpu.launch<Parts>({ceilDiv(g.m, side), parts * ceilDiv(g.n, side), Parts::kThreads, Parts::kSharedBytes},
                        {part, kTerms, g.n});
      gpu.launch<SumParts<T>>(gridOver(g.m * g.n), {sums, stride, g.n, parts, g.c, g.m, g.n, g.accumulate});
    }
  });
}

// Logits of a chunk of rows, their losses, and what follows from them; chunk after chunk over the same workspace.
template <class T, class HeadCall>
void headLosses(const HeadCall& c, Gpu& gpu, int64_t vocab, T* dx, float* dwte, const float* scale, bool addDx,
                bool addDwte) {
  // Padding gets logits that nobody reads, and a gradient of 0, so that tiles are whole.
  const auto padded = static_cast<int64_t>(c.paddedVocab);
  const int64_t stride = ceilDiv(padded, 16) * 16;
  const T* dlogits = reinterpret_cast<const T*>(c.workspace);
  const auto ld = stride * static_cast<int64_t>(sizeof(float) / sizeof(T));
  for (int64_t first = 0; first < c.rows; first += kHeadRowsPerChunk) {
    const int64_t rows = c.rows - first < kHeadRowsPerChunk ? c.rows - first : kHeadRowsPerChunk;
    const T* x = c.x + first * c.width;
    product<T, float, false, true>(gpu, {rows, padded, c.width, x, c.width, c.wte, c.width, c.workspace, stride});
    gpu.launch<CrossEntropy<T>>({rows, 1, kLossThreads, kLossSharedBytes},
                                {c.workspace, stride, c.targets + first, c.losses + first, vocab, scale, gpu.faults()});
    if (!dx) continue;
    ProductArgs<T, T> toInput = {rows, c.width, vocab, dlogits, ld, c.wte, c.width, dx + first * c.width, c.width};
    toInput.accumulate = addDx;
    headInput(gpu, toInput, c.workspace, stride);
    ProductArgs<T, float> toWeight = {padded, c.width, rows, dlogits, ld, x, c.width, dwte, c.width};
    toWeight.accumulate = addDwte || first > 0;
    product<T, float, true, false>(gpu, toWeight);
  }
}

template <class T>
void run(const HeadCall<T>& c, Gpu& gpu) {
  product<T, float, false, true>(gpu, {c.rows, c.vocab, c.width, c.x, c.width, c.wte, c.width, c.logits, c.vocab});
}

template <class T>
void run(const HeadCrossEntropyCall<T>& c, Gpu& gpu) {
  headLosses<T>(c, gpu, static_cast<int64_t>(c.vocab), nullptr, nullptr, nullptr, false, false);
}

template <class T>
void run(const HeadCrossEntropyGradCall<T>& c, Gpu& gpu) {
  headLosses<T>(c, gpu, static_cast<int64_t>(c.vocab), c.dx, c.dwte, c.scalars + kLossGradient, c.dxAccumulate,
                c.dwteAccumulate);
}

}  // namespace gpu
}  // namespace trainyard
