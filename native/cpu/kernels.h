// The kernels of an instruction set: one set is chosen when a device is made.
#pragma once
#include "calls.h"
#include "pool.h"

namespace trainyard {

struct Kernels {
  const char* name;  // avx512bf16, avx512, avx2, neon or portable

  // Runs one call to its end on all threads of the pool. Throws Failure where an index is out of range.
  void (*execute)(const Call& call, Pool& pool);
  // The measured rate of independent multiply-adds, in FLOP/s: one core, and all threads of the pool together.
  void (*fmaPeak)(Pool& pool, double* oneCore, double* allThreads);
};

// The kernels of the named instruction set; an empty name takes TRAINYARD_ISA from the environment, else the best that
// the processor and the system have. Throws Failure when the name is unknown or is not to be had here.
const Kernels& selectKernels(const char* isa = "");

}  // namespace trainyard
