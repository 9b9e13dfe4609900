// Rotary positions (Su et al. 2021): a table of cosines and sines, and the turning of heads by it.
#pragma once
#include "attentionArgs.h"
#include "elementwise.h"

namespace trainyard {
namespace gpu {

// An angle in turns, of which 2⁶⁴ parts make a whole: positions times a frequency lose nothing, however late.
struct CosSin {
  float cosine, sine;
};
TY_KERNEL CosSin cosSinOf(uint64_t turns) {
  constexpr float kPart = 1.46291808e-9f;  // 2π / 2³²
  // The next quarter turn, and how far it is: 45° at most.
  const uint32_t quarter = static_cast<uint32_t>((turns + (uint64_t{1} << 61)) >> 62);
  const uint64_t rest = turns - (static_cast<uint64_t>(quarter) << 62);
  const float x = static_cast<float>(static_cast<int32_t>(static_cast<uint32_t>(rest >> 32))) * kPart, z = x * x;
  // Polynomials of the Cephes library.
  const float s = fmaf(fmaf(fmaf(-1.95152959e-4f, z, 8.33216087e-3f), z, -0.166666546f) * z, x, x);
  const float c = fmaf(fmaf(fmaf(2.44331571e-5f, z, -1.38873163e-3f), z, 4.16666457e-2f) * z, z, fmaf(-0.5f, z, 1.0f));
  const bool swapped = (quarter & 1u) != 0;
  const float cosine = swapped ? s : c, sine = swapped ? c : s;
  return {quarter == 1 || quarter == 2 ? -cosine : cosine, (quarter & 2u) != 0 ? -sine : sine};
}

struct RotaryTable {
  static constexpr const char* name = "rotaryTable";
  struct Args {
    const int32_t* positions;
    float* table;
    int64_t count, time, headDim;
    uint64_t turns[kMaxHeadDim / 2];  // of a position
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t half = a.headDim / 2;
    eachElement(t, a.time * half, [&](int64_t at) {
      const int64_t row = at / half, i = at % half;
      const int64_t position = a.count == a.time ? a.positions[row] : a.positions[0] + row;
      const CosSin turned = cosSinOf(static_cast<uint64_t>(position) * a.turns[i]);
      a.table[row * a.headDim + i] = turned.cosine;
      a.table[row * a.headDim + half + i] = turned.sine;
    });
  }
};

template <class T>
struct Rotary {
  static constexpr const char* name = "rotary";
  struct Args {
    T* x;
    const float* table;
    int64_t rows, time, width, heads, headDim;
    float sign;  // -1 turns back
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t half = a.headDim / 2, turned = a.heads * half;
    eachElement(t, a.rows * turned, [&](int64_t at) {
      const int64_t row = at / turned, h = at % turned / half, i = at % half;
      T* x = a.x + row * a.width + h * a.headDim + i;
      T* y = x + half;
      const float* cosine = a.table + row % a.time * a.headDim + i;
      const float first = toFloat(*x), second = toFloat(*y), sine = cosine[half] * a.sign;
      fromFloat(first * *cosine - second * sine, x);
      fromFloat(second * *cosine + first * sine, y);
    });
  }
};

}  // namespace gpu
}  // namespace trainyard
