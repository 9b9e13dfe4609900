// What every per-ISA translation unit holds: all kernels in its own namespace, and their table. Add a kernel by
// including its file and naming its functions in the table, in the order of KernelTable's members.
#include "kernels.h"
#include "simd.h"

// Kernels.
#include "kernels/gelu.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/columnSums.inl.h"
#include "kernels/peak.inl.h"

namespace trainyard {
namespace TY_ISA {

static const KernelTable kTable = {
    TY_ISA_NAME,
    gemm,
    columnSums,
    fmaPeak,
};

const KernelTable& kernels() { return kTable; }

}  // namespace TY_ISA
}  // namespace trainyard
