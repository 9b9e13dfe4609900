// The table of kernels: one per instruction set, chosen when the library is loaded.
#pragma once
#include <cstdint>

#include "gemm.h"
#include "pool.h"

namespace trainyard {

struct AttentionShape {
  int64_t batch, time, heads, headDim;
};

struct AdamWNumbers {
  float rate, correction1, correction2;  // learning rate, 1 / (1 - β1ᵗ), 1 / (1 - β2ᵗ)
  double beta1, beta2, eps, weightDecay;
};

// Moments in few bits: codes (one a byte, or two) and the scales of blocks, rows or columns.
struct LowBitStates {
  uint8_t* mCodes;
  float* mScale;
  uint8_t* vCodes;
  float* vScale;
};

// Into so many chunks of rows a matrix is cut where column maxima are taken: fixed, so that workspace is planned.
constexpr int64_t kRankOneChunks = 64;

struct KernelTable {
  const char* name;  // avx512bf16, avx512, avx2, neon or portable

  // C = op(A)·op(B) with an epilogue; see gemm.h.
  void (*gemm)(Pool& pool, const GemmArgs& args);

  // out[n] = (or +=) the sum over rows of x, rows × columns with `stride` floats from row to row.
  void (*columnSums)(Pool& pool, const float* x, int64_t rows, int64_t columns, int64_t stride, float* out,
                     bool accumulate);

  void (*embed)(Pool& pool, const int32_t* tokens, int32_t position, const float* wte, const float* wpe, float* x,
                int64_t batch, int64_t time, int64_t width);
  void (*embedBackward)(Pool& pool, const float* dx, const int32_t* tokens, float* dwte, float* dwpe, int64_t batch,
                        int64_t time, int64_t width, int64_t vocab, int64_t context, bool addWte, bool addWpe);
  void (*layerNorm)(Pool& pool, const float* x, const float* gamma, const float* beta, float* y, float* mean,
                    float* rstd, int64_t rows, int64_t width, float eps);
  void (*layerNormBackward)(Pool& pool, const float* dy, const float* x, const float* gamma, const float* mean,
                            const float* rstd, float* dx, float* dgamma, float* dbeta, float* workspace, int64_t rows,
                            int64_t width, bool addDx, bool addGamma, bool addBeta);
  void (*attention)(Pool& pool, const float* qkv, const int32_t* rng, float* y, float* lse, const AttentionShape& shape,
                    double dropout, double stream);
  void (*attentionBackward)(Pool& pool, const float* dy, const float* qkv, const float* y, const float* lse,
                            const int32_t* rng, float* dqkv, float* workspace, const AttentionShape& shape,
                            double dropout, double stream);
  void (*cachedAttention)(Pool& pool, const float* qkv, int64_t position, float* kCache, float* vCache, float* y,
                          const AttentionShape& shape, int64_t context);
  void (*dropout)(Pool& pool, const float* x, const int32_t* rng, const float* residual, float* y, int64_t elements,
                  double p, double stream);
  void (*head)(Pool& pool, const float* x, const float* wte, float* logits, int64_t rows, int64_t width, int64_t vocab);
  // Gradients are taken where dx is given.
  void (*headCrossEntropy)(Pool& pool, const float* x, const float* wte, const int32_t* targets, float* losses,
                           float* dx, float* dwte, float* workspace, int64_t rows, int64_t width, int64_t vocab,
                           int64_t paddedVocab, float scale, bool addDx, bool addDwte);
  float (*sumLosses)(const float* losses, int64_t rows);
  float (*squaredSum)(Pool& pool, const float* g, float* workspace, int64_t elements);
  void (*clipFactor)(const float* squares, int64_t tensors, float lossScale, double maxNorm, float* stats);
  void (*adamw)(Pool& pool, float* p, const float* g, float* m, float* v, const float* stats, int64_t elements,
                const AdamWNumbers& numbers);

  void (*adamw8bit)(Pool& pool, float* p, const float* g, const LowBitStates& states, const float* stats,
                    int64_t elements, const AdamWNumbers& numbers);
  // rows 0 for a vector. workspace of a matrix: rows + columns + kRankOneChunks × columns floats
  void (*adamw4bit)(Pool& pool, float* p, const float* g, const LowBitStates& states, const float* stats,
                    int64_t elements, int64_t rows, float* workspace, const AdamWNumbers& numbers);

  // The measured rate of independent multiply-adds, in FLOP/s: one core, and all threads of the pool together.
  void (*fmaPeak)(Pool& pool, double* oneCore, double* allThreads);
};

// The kernels of the named instruction set; an empty name takes TRAINYARD_ISA from the environment, else the best that
// the processor and the system have. Throws std::invalid_argument when the name is unknown or is not to be had here.
const KernelTable& selectKernels(const char* isa = "");

}  // namespace trainyard
