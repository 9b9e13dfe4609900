// The layer on a GPU: see layer.h.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "../../cpu/half.h"
#include "grid.h"

#define TY_KERNEL __device__ __forceinline__

namespace trainyard {
namespace gpu {

TY_KERNEL float toFloat(float x) { return x; }
TY_KERNEL float toFloat(F16 x) { return __half2float(__ushort_as_half(x.bits)); }
TY_KERNEL float toFloat(Bf16 x) { return __bfloat162float(__ushort_as_bfloat16(x.bits)); }

TY_KERNEL void fromFloat(float x, float* out) { *out = x; }
TY_KERNEL void fromFloat(float x, F16* out) { out->bits = __half_as_ushort(__float2half_rn(x)); }
TY_KERNEL void fromFloat(float x, Bf16* out) { out->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x)); }

// A stretch of the block's shared memory.
template <class T>
struct Shared {
  T* at;
  TY_KERNEL T& operator[](int i) const { return at[i]; }
  TY_KERNEL Shared operator+(int n) const { return {at + n}; }
};

class Thread {
 public:
  TY_KERNEL int index() const { return static_cast<int>(threadIdx.x); }
  TY_KERNEL int threads() const { return static_cast<int>(blockDim.x); }
  TY_KERNEL int lane() const { return index() % 32; }
  TY_KERNEL int warp() const { return index() / 32; }
  TY_KERNEL int warps() const { return threads() / 32; }
  TY_KERNEL int64_t block() const { return static_cast<int64_t>(blockIdx.x); }
  TY_KERNEL int64_t blocks() const { return static_cast<int64_t>(gridDim.x); }
  TY_KERNEL int64_t blockY() const { return static_cast<int64_t>(blockIdx.y); }

  TY_KERNEL void sync() const { __syncthreads(); }

  template <class T>
  TY_KERNEL T shuffleXor(T x, int mask) const {
    return __shfl_xor_sync(0xffffffffu, x, mask);
  }

  // From a byte of the block's shared memory on.
  template <class T>
  TY_KERNEL Shared<T> shared(int byte) const {
    extern __shared__ __align__(128) unsigned char memory[];
    return {reinterpret_cast<T*>(memory + byte)};
  }

  // Copies 16 bytes, aligned to 16, without waiting; what is not valid becomes 0. It is there when this thread has waited for its group,
  // and for others after a barrier behind that.
  template <class T>
  TY_KERNEL void copyAsync(Shared<T> to, const T* from, bool valid) const {
    const auto address = static_cast<unsigned>(__cvta_generic_to_shared(to.at));
    const int bytes = valid ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;\n" ::"r"(address), "l"(from), "r"(bytes));
  }
  TY_KERNEL void commitCopies() const { asm volatile("cp.async.commit_group;\n" ::); }
  // All groups but the `newest` ones.
  template <int newest>
  TY_KERNEL void waitCopies() const {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(newest));
  }

  // Adds to a counter that other blocks add to; the order is nobody's business.
  TY_KERNEL void atomicMax(int32_t* at, int32_t x) const { ::atomicMax(at, x); }
};

}  // namespace gpu
}  // namespace trainyard
