// What every translation unit of an instruction set holds: all kernels, in its own namespace. The files of ops/ are included
// by the build, and each has a function `run` for every op in it: nothing is listed here.
#include "calls.h"
#include "kernels.h"
#include "simd.h"
#include "simdHalf.h"

// Kernels.
#include "cpuOps.inl.h"
#include "peak.inl.h"

namespace trainyard {
namespace TY_ISA {

#include "dispatch.inl.h"

static void execute(const Call& call, Pool& pool) {
  if (!kKinds[static_cast<int>(call.kind)].isReal) return runPlain(call, pool);
  switch (call.precision) {
    case Precision::f32: return runReal<float>(call, pool);
    case Precision::bf16: return runReal<Bf16>(call, pool);
    case Precision::f16: return runReal<F16>(call, pool);
  }
}

static const Kernels kKernels = {TY_ISA_NAME, execute, fmaPeak};

const Kernels& kernels() { return kKernels; }

}  // namespace TY_ISA
}  // namespace trainyard
