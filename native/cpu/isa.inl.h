// What every per-ISA translation unit holds: all kernels in its own namespace, and their table. Add a kernel by
// including its file and naming its functions in the table, in the order of KernelTable's and RealKernels' members.
#include "kernels.h"
#include "simd.h"
#include "simdHalf.h"

// Kernels.
#include "kernels/gelu.inl.h"
#include "kernels/gemm.inl.h"
#include "kernels/columnSums.inl.h"
#include "kernels/embed.inl.h"
#include "kernels/layerNorm.inl.h"
#include "kernels/attention.inl.h"
#include "kernels/packed.inl.h"
#include "kernels/dropout.inl.h"
#include "kernels/crossEntropy.inl.h"
#include "kernels/update.inl.h"
#include "kernels/lowBit.inl.h"
#include "kernels/peak.inl.h"

namespace trainyard {
namespace TY_ISA {

// Lists the kernels of one element type.
#define TY_REAL_KERNELS(T)                                                                                     \
  {                                                                                                            \
    gemm<T, T>, gemm<T, float>, columnSums<T>, embed<T>, embedBackward<T>, layerNorm<T>, layerNormBackward<T>, \
        attention<T>, attentionBackward<T>, cachedAttention<T>, dropout<T>, head<T>, headCrossEntropy<T>, cast<T>, \
        embedPacked<T>, packedAttention<T>, selectRows<T>                                                          \
  }

static const KernelTable kTable = {
    TY_ISA_NAME, TY_REAL_KERNELS(float), TY_REAL_KERNELS(Bf16), TY_REAL_KERNELS(F16), sumLosses, squaredSum,
    clipFactor,  adamw,                  adamw8bit,             adamw4bit,            fmaPeak,
};

const KernelTable& kernels() { return kTable; }

}  // namespace TY_ISA
}  // namespace trainyard
