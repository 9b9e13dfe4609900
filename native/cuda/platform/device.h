// The layer on a GPU: see layer.h.
#pragma once
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>

#include "../../common/half.h"
#include "../layer/grid.h"

#define TY_KERNEL __device__ __forceinline__
// Before loops over arrays that must lie in registers, which have no addresses that a loop could count.
#define TY_UNROLL _Pragma("unroll")
// Before loops of which so many turns are worked on at once: as many as registers allow, or as latency asks for.
#define TY_UNROLL_BY(turns) TY_PRAGMA(unroll turns)
#define TY_PRAGMA(text) _Pragma(#text)

namespace trainyard {
namespace gpu {

template <class T>
struct IsBf16 {
  static constexpr bool value = false;
};
template <>
struct IsBf16<Bf16> {
  static constexpr bool value = true;
};

TY_KERNEL float toFloat(float x) { return x; }
TY_KERNEL float toFloat(F16 x) { return __half2float(__ushort_as_half(x.bits)); }
TY_KERNEL float toFloat(Bf16 x) { return __bfloat162float(__ushort_as_bfloat16(x.bits)); }

// The bits of a float whose fraction is rounded to 10 bits, as tensor cores take it.
TY_KERNEL uint32_t roundTf32(uint32_t bits) {
  uint32_t out;
  asm("cvt.rna.tf32.f32 %0, %1;\n" : "=r"(out) : "f"(__uint_as_float(bits)));
  return out;
}

TY_KERNEL uint32_t floatBits(float x) { return __float_as_uint(x); }

// 2 to the x by one instruction, good to 2 units in the last place; results below 2^-126 are 0.
TY_KERNEL float exp2Fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

// 1 / x by one instruction, good to 1 unit in the last place.
TY_KERNEL float inverseFast(float x) {
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
}

TY_KERNEL void fromFloat(float x, float* out) { *out = x; }
TY_KERNEL void fromFloat(float x, F16* out) { out->bits = __half_as_ushort(__float2half_rn(x)); }
TY_KERNEL void fromFloat(float x, Bf16* out) { out->bits = __bfloat16_as_ushort(__float2bfloat16_rn(x)); }

// Words of 32 bits that lie side by side in the GPU's memory, aligned together, by one access: left to itself the compiler
// writes some of them one by one, where they come from registers of several types.
TY_KERNEL void storeWords(const uint32_t (&words)[4], void* to) {
  asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};\n" ::"l"(__cvta_generic_to_global(to)), "r"(words[0]),
               "r"(words[1]), "r"(words[2]), "r"(words[3])
               : "memory");
}
TY_KERNEL void storeWords(const uint32_t (&words)[2], void* to) {
  asm volatile("st.global.v2.b32 [%0], {%1, %2};\n" ::"l"(__cvta_generic_to_global(to)), "r"(words[0]), "r"(words[1])
               : "memory");
}

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
  // A barrier of the warp, behind which its lanes see what they wrote. Exchanges and products are none.
  TY_KERNEL void syncWarp() const { __syncwarp(); }

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

  // A bit for each lane of the warp, in every lane.
  TY_KERNEL uint32_t ballot(bool x) const { return __ballot_sync(0xffffffffu, x); }

  // Copies `bytes` of 16, aligned to 16, without waiting; the rest of the 16 becomes 0. It is there when this thread has
  // waited for its group, and for others after a barrier behind that.
  template <class T>
  TY_KERNEL void copyAsync(Shared<T> to, const T* from, int bytes) const {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;\n" ::"r"(address(to)), "l"(from), "r"(bytes) : "memory");
  }
  // All 16 of them.
  template <class T>
  TY_KERNEL void copyAsync(Shared<T> to, const T* from) const {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16;\n" ::"r"(address(to)), "l"(from) : "memory");
  }
  TY_KERNEL void commitCopies() const { asm volatile("cp.async.commit_group;\n" ::: "memory"); }
  // All groups but the `newest` ones.
  template <int newest>
  TY_KERNEL void waitCopies() const {
    asm volatile("cp.async.wait_group %0;\n" ::"n"(newest) : "memory");
  }

  // Four matrices of 8 rows of 16 bytes: lane 8q + r names row r of matrix q. Of matrix q a lane gets the 32 bits that lie
  // lane % 4 words into row lane / 4.
  template <class T>
  TY_KERNEL void loadMatrices(Shared<T> row, uint32_t (&out)[4]) const {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address(row)));
  }
  // The same of matrices of 8 × 8 numbers of 16 bits, transposed: a lane gets those of rows 2 (lane % 4) and the next, in
  // column lane / 4.
  template <class T>
  TY_KERNEL void loadMatricesTransposed(Shared<T> row, uint32_t (&out)[4]) const {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];\n"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(address(row)));
  }

  // D += A·B by a warp, summed in float. D: 16 × 8, of which a lane has columns 2 (lane % 4) and the next of row lane / 4,
  // then of the row 8 further. A: 16 × k and B: k × 8 with k = 16 (numbers of 16 bits, two to a word) or 8 (float, of
  // which the tensor cores take 10 bits of fraction). A lane has of A row lane / 4, the row 8 further, then both in the
  // upper half of k; of B column lane / 4, in both halves of k.
  template <class T>
  TY_KERNEL void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) const {
    if constexpr (sizeof(T) == 4) {
      asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
          "{%0, %1, %2, %3};\n"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    } else if constexpr (IsBf16<T>::value) {
      asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
          "{%0, %1, %2, %3};\n"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    } else {
      asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
          "{%0, %1, %2, %3};\n"
          : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
          : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
    }
  }

  // Adds to a counter that other blocks add to; the order is nobody's business.
  TY_KERNEL void atomicMax(int32_t* at, int32_t x) const { ::atomicMax(at, x); }

 private:
  template <class T>
  TY_KERNEL static unsigned address(Shared<T> at) {
    return static_cast<unsigned>(__cvta_generic_to_shared(at.at));
  }
};

}  // namespace gpu
}  // namespace trainyard
