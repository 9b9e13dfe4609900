// The table of kernels: one per instruction set, chosen when the library is loaded.
#pragma once
#include <cstdint>

#include "gemm.h"
#include "half.h"
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

// Kernels over numbers of type T (float, Bf16 or F16): activations, working weights and what is between.
template <class T>
struct RealKernels {
  // C = op(A)·op(B) with an epilogue; see gemm.h.
  void (*gemm)(Pool& pool, const GemmArgs<T, T>& args);
  void (*gemmToFloats)(Pool& pool, const GemmArgs<T, float>& args);

  // out[n] = (or +=) the sum over rows of x, rows × columns with `stride` elements from row to row.
  void (*columnSums)(Pool& pool, const T* x, int64_t rows, int64_t columns, int64_t stride, float* out,
                     bool accumulate);

  void (*embed)(Pool& pool, const int32_t* tokens, int32_t position, const T* wte, const T* wpe, T* x, int64_t batch,
                int64_t time, int64_t width);
  void (*embedBackward)(Pool& pool, const T* dx, const int32_t* tokens, float* dwte, float* dwpe, int64_t batch,
                        int64_t time, int64_t width, int64_t vocab, int64_t context, bool addWte, bool addWpe);
  void (*layerNorm)(Pool& pool, const T* x, const float* gamma, const float* beta, T* y, float* mean, float* rstd,
                    int64_t rows, int64_t width, float eps);
  void (*layerNormBackward)(Pool& pool, const T* dy, const T* x, const float* gamma, const float* mean,
                            const float* rstd, T* dx, float* dgamma, float* dbeta, float* workspace, int64_t rows,
                            int64_t width, bool addDx, bool addGamma, bool addBeta);
  void (*attention)(Pool& pool, const T* qkv, const int32_t* rng, T* y, float* lse, const AttentionShape& shape,
                    double dropout, double stream);
  void (*attentionBackward)(Pool& pool, const T* dy, const T* qkv, const T* y, const float* lse, const int32_t* rng,
                            T* dqkv, float* workspace, const AttentionShape& shape, double dropout, double stream);
  void (*cachedAttention)(Pool& pool, const T* qkv, int64_t position, T* kCache, T* vCache, T* y,
                          const AttentionShape& shape, int64_t context);
  void (*dropout)(Pool& pool, const T* x, const int32_t* rng, const T* residual, T* y, int64_t elements, double p,
                  double stream);
  void (*head)(Pool& pool, const T* x, const T* wte, float* logits, int64_t rows, int64_t width, int64_t vocab);
  // Gradients are taken where dx is given.
  void (*headCrossEntropy)(Pool& pool, const T* x, const T* wte, const int32_t* targets, float* losses, T* dx,
                           float* dwte, float* workspace, int64_t rows, int64_t width, int64_t vocab,
                           int64_t paddedVocab, float scale, bool addDx, bool addDwte);
  void (*cast)(Pool& pool, const float* x, T* y, int64_t elements);

  void (*embedPacked)(Pool& pool, const int32_t* tokens, const int32_t* positions, const T* wte, const T* wpe, T* x,
                      int64_t rows, int64_t width);
  void (*packedAttention)(Pool& pool, const T* qkv, const int32_t* spans, T* y, int64_t rows, int64_t heads,
                          int64_t headDim);
  void (*selectRows)(Pool& pool, const T* x, const int32_t* index, T* y, int64_t rows, int64_t width);
};

struct KernelTable {
  const char* name;  // avx512bf16, avx512, avx2, neon or portable

  RealKernels<float> f32;
  RealKernels<Bf16> bf16;
  RealKernels<F16> f16;

  float (*sumLosses)(const float* losses, int64_t rows);
  float (*squaredSum)(Pool& pool, const float* g, float* workspace, int64_t elements);
  void (*clipFactor)(const float* squares, int64_t tensors, float lossScale, double maxNorm, float* stats);
  void (*adamw)(Pool& pool, float* p, const float* g, float* m, float* v, const float* stats, int64_t elements,
                const AdamWNumbers& numbers);

  void (*adamw8bit)(Pool& pool, float* p, const float* g, const LowBitStates& states, const float* stats,
                    int64_t elements, bool root, const AdamWNumbers& numbers);
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
