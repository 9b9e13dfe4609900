// What functions are that kernels of every device have: inlined wherever they are used, since the CPU's are compiled once
// for each instruction set, and a copy of their own would be one set's for all.
#pragma once

#if defined(__CUDACC__)
#define TY_SHARED static __host__ __device__ __forceinline__
#elif defined(_MSC_VER)
#define TY_SHARED static __forceinline
#else
#define TY_SHARED __attribute__((always_inline)) static inline
#endif
