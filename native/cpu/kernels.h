// The table of kernels: one per instruction set, chosen when the library is loaded.
#pragma once
#include <cstdint>

#include "gemm.h"
#include "pool.h"

namespace trainyard {

struct KernelTable {
  const char* name;  // avx512bf16, avx512, avx2, neon or portable

  // C = op(A)·op(B) with an epilogue; see gemm.h.
  void (*gemm)(Pool& pool, const GemmArgs& args);

  // out[n] = (or +=) the sum over rows of x, rows × columns with `stride` floats from row to row.
  void (*columnSums)(Pool& pool, const float* x, int64_t rows, int64_t columns, int64_t stride, float* out,
                     bool accumulate);

  // The measured rate of independent multiply-adds, in FLOP/s: one core, and all threads of the pool together.
  void (*fmaPeak)(Pool& pool, double* oneCore, double* allThreads);
};

// The kernels of the named instruction set; an empty name takes TRAINYARD_ISA from the environment, else the best that
// the processor and the system have. Throws std::invalid_argument when the name is unknown or is not to be had here.
const KernelTable& selectKernels(const char* isa = "");

}  // namespace trainyard
