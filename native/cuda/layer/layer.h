// The thin layer that kernels are written over: threads of a block, barriers, shuffles, shared memory, asynchronous
// copies. It has two implementations. device.h is CUDA's; emulated.h runs the threads of a block one by one on the host,
// in an order that is chosen, and tells what no GPU tells: races in shared memory, reads of what was never written or
// has not arrived, barriers that not all threads reach.
//
// A kernel is a struct with `Args`, plain numbers and pointers, and `TY_KERNEL static void run(Thread& t, const Args& a)`.
#pragma once
#if defined(__CUDACC__)
#include "device.h"
#else
#include "emulated.h"
#endif

namespace trainyard {
namespace gpu {

// Threads that run in step, and exchange values without shared memory.
constexpr int kWarp = 32;

TY_KERNEL uint32_t floatBits(float x) {
#if defined(__CUDACC__)
  return __float_as_uint(x);
#else
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
#endif
}

// 2 to the x by one instruction, good to 2 units in the last place; results below 2^-126 are 0.
TY_KERNEL float exp2Fast(float x) {
#if defined(__CUDACC__)
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
#else
  return x < -126.0f ? 0.0f : exp2f(x);
#endif
}

// 1 / x by one instruction, good to 1 unit in the last place.
TY_KERNEL float inverseFast(float x) {
#if defined(__CUDACC__)
  float y;
  asm("rcp.approx.ftz.f32 %0, %1;\n" : "=f"(y) : "f"(x));
  return y;
#else
  return 1.0f / x;
#endif
}

constexpr float kLog2E = 1.44269504088896f, kLn2 = 0.693147180559945f;

// The sum of all lanes of a warp, in every lane; always in the same order.
TY_KERNEL float warpSum(Thread& t, float x) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) x += t.shuffleXor(x, mask);
  return x;
}

TY_KERNEL float warpMax(Thread& t, float x) {
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    const float other = t.shuffleXor(x, mask);
    x = other > x ? other : x;
  }
  return x;
}

// The sum over a block, in every thread. `scratch` has room for a float of each warp; it may be used again at once.
TY_KERNEL float blockSum(Thread& t, float x, Shared<float> scratch) {
  x = warpSum(t, x);
  if (t.lane() == 0) scratch[t.warp()] = x;
  t.sync();
  float sum = 0;
  for (int w = 0; w < t.warps(); w++) sum += scratch[w];
  t.sync();
  return sum;
}

TY_KERNEL float blockMax(Thread& t, float x, Shared<float> scratch) {
  x = warpMax(t, x);
  if (t.lane() == 0) scratch[t.warp()] = x;
  t.sync();
  float most = scratch[0];
  for (int w = 1; w < t.warps(); w++) {
    const float other = scratch[w];
    most = other > most ? other : most;
  }
  t.sync();
  return most;
}

}  // namespace gpu
}  // namespace trainyard
