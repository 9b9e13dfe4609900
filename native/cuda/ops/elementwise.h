// What is done element by element.
#pragma once
#include "../layer/layer.h"
#include "pack.h"
#include "dropoutMask.h"

namespace trainyard {
namespace gpu {

// Calls body(i) for every element, each in one thread of some blocks.
template <class Body>
TY_KERNEL void eachElement(Thread& t, int64_t block, int64_t blocks, int64_t elements, const Body& body) {
  const int64_t step = blocks * t.threads();
  for (int64_t i = block * t.threads() + t.index(); i < elements; i += step) body(i);
}
// The same of all blocks.
template <class Body>
TY_KERNEL void eachElement(Thread& t, int64_t elements, const Body& body) {
  eachElement(t, t.block(), t.blocks(), elements, body);
}

// Calls four(i) for each four elements that begin at i, which one access can reach: a plan's buffers are aligned to 256
// bytes. Calls rest(i) for every element behind them. In threads of some blocks.
template <class OfFour, class OfRest>
TY_KERNEL void eachFour(Thread& t, int64_t block, int64_t blocks, int64_t elements, const OfFour& four,
                        const OfRest& rest) {
  const int64_t fours = elements / 4;
  eachElement(t, block, blocks, fours, [&](int64_t i) { four(4 * i); });
  const int64_t i = 4 * fours + block * t.threads() + t.index();
  if (i < elements) rest(i);
}

// y = x, rounded
template <class T>
struct Cast {
  static constexpr const char* name = "cast";
  struct Args {
    const float* x;
    T* y;
    int64_t elements;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) { part(t, a, t.block(), t.blocks()); }
  TY_KERNEL static void part(Thread& t, const Args& a, int64_t block, int64_t blocks) {
    const auto one = [&](int64_t i) { fromFloat(a.x[i], a.y + i); };
    const auto four = [&](int64_t i) {
      const Pack<float> x = *reinterpret_cast<const Pack<float>*>(a.x + i);
      store4(x.at, a.y + i);
    };
    eachFour(t, block, blocks, a.elements, four, one);
  }
};

// y = x · mask (+ residual); applied to a gradient it is its own backward.
template <class T>
struct DropoutKernel {
  static constexpr const char* name = "dropout";
  struct Args {
    const T* x;
    const T* residual;  // or null
    T* y;
    int64_t elements;
    Dropout numbers;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.elements, [&](int64_t i) {
      float value = toFloat(a.x[i]) * dropoutMask(a.numbers, static_cast<uint64_t>(i));
      if (a.residual) value += toFloat(a.residual[i]);
      fromFloat(value, a.y + i);
    });
  }
};

}  // namespace gpu
}  // namespace trainyard
