// Numbers that lie side by side, read and written 16 bytes at a time.
#pragma once
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

template <class T>
struct alignas(16) Pack {
  static constexpr int kSize = static_cast<int>(16 / sizeof(T));
  T at[kSize];
};

// One number, or two, as they lie in memory.
TY_KERNEL uint32_t wordOf(const float* x, const float*) { return floatBits(*x); }
template <class T>
TY_KERNEL uint32_t wordOf(const float* x, const T*) {
  T low, high;
  fromFloat(x[0], &low);
  fromFloat(x[1], &high);
  return low.bits | static_cast<uint32_t>(high.bits) << 16;
}

template <class T>
TY_KERNEL void store4(const float (&x)[4], T* to) {
  constexpr int kPerWord = static_cast<int>(4 / sizeof(T)), kWords = 4 / kPerWord;
  uint32_t words[kWords];
  TY_UNROLL
  for (int i = 0; i < kWords; i++) words[i] = wordOf(x + i * kPerWord, to);
  storeWords(words, to);
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
  constexpr int kPerWord = static_cast<int>(4 / sizeof(T));
  TY_UNROLL
  for (int p = 0; p < 2 / kPerWord; p++) {
    uint32_t words[4];
    TY_UNROLL
    for (int i = 0; i < 4; i++) words[i] = wordOf(x + (4 * p + i) * kPerWord, to);
    storeWords(words, to + 4 * p * kPerWord);
  }
}

}  // namespace gpu
}  // namespace trainyard
