// Eight numbers that lie side by side, read and written 16 bytes at a time.
#pragma once
#include <cstring>

#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

template <class T>
struct alignas(16) Pack {
  static constexpr int kSize = static_cast<int>(16 / sizeof(T));
  T at[kSize];
};

// Four of them, by one access.
template <class T>
struct alignas(4 * sizeof(T)) Four {
  T at[4];
};

template <class T>
TY_KERNEL void store4(const float (&x)[4], T* to) {
  Four<T> four;
  TY_UNROLL
  for (int i = 0; i < 4; i++) fromFloat(x[i], &four.at[i]);
  if constexpr (sizeof(T) == 2) {
    // By itself the compiler writes numbers of 16 bits one by one.
    uint64_t bits;
    std::memcpy(&bits, &four, sizeof bits);
    *reinterpret_cast<uint64_t*>(to) = bits;
  } else {
    *reinterpret_cast<Four<T>*>(to) = four;
  }
}

inline bool isAligned16(const void* at) { return reinterpret_cast<uintptr_t>(at) % 16 == 0; }

// From an address aligned to 16 bytes.
template <class T>
TY_KERNEL void load8(const T* from, float (&out)[8]) {
  constexpr int kSize = Pack<T>::kSize;
  TY_UNROLL
  for (int p = 0; p < 8 / kSize; p++) {
    const Pack<T> pack = reinterpret_cast<const Pack<T>*>(from)[p];
    TY_UNROLL
    for (int i = 0; i < kSize; i++) out[p * kSize + i] = toFloat(pack.at[i]);
  }
}

template <class T>
TY_KERNEL void store8(const float (&x)[8], T* to) {
  constexpr int kSize = Pack<T>::kSize;
  TY_UNROLL
  for (int p = 0; p < 8 / kSize; p++) {
    Pack<T> pack;
    TY_UNROLL
    for (int i = 0; i < kSize; i++) fromFloat(x[p * kSize + i], &pack.at[i]);
    reinterpret_cast<Pack<T>*>(to)[p] = pack;
  }
}

}  // namespace gpu
}  // namespace trainyard
