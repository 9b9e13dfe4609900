// The thin layer that kernels are written over: threads of a block, barriers, shuffles, shared memory, asynchronous
// copies. What lies beneath it is named by the build: platform/device.h is CUDA's.
//
// A kernel is a struct with `Args`, plain numbers and pointers, and `TY_KERNEL static void run(Thread& t, const Args& a)`.
#pragma once
#include <platform/device.h>

namespace trainyard {
namespace gpu {

// Threads that run in step, and exchange values without shared memory.
constexpr int kWarp = 32;

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
  float largest = scratch[0];
  for (int w = 1; w < t.warps(); w++) {
    const float other = scratch[w];
    largest = other > largest ? other : largest;
  }
  t.sync();
  return largest;
}

}  // namespace gpu
}  // namespace trainyard
