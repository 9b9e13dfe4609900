// Arithmetic as the PTX ISA manual defines it, of single numbers: formats, roundings, NaN.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

// Before functions that do little else than multiply and add: where the processor has an instruction for both, they use it.
#if defined(__x86_64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#define TY_WITH_FMA __attribute__((target_clones("arch=haswell", "default")))
#else
#define TY_WITH_FMA
#endif

namespace trainyard {
namespace ptx {

template <class To, class From>
inline To bitsAs(From from) {
  static_assert(sizeof(To) == sizeof(From), "as many bits");
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

// Instructions do not hand NaNs on: what comes out of them is this one.
constexpr uint32_t kNaNBits = 0x7fffffffu;
inline float canonical(float x) { return x == x ? x : bitsAs<float>(kNaNBits); }
inline double canonical(double x) { return x == x ? x : bitsAs<double>(uint64_t{0x7fffffffffffffffu}); }

// .ftz: a subnormal number is a zero of its sign.
inline float flushed(float x) { return std::fabs(x) < 0x1p-126f ? std::copysign(0.0f, x) : x; }

// min and max of whole numbers.
template <class T>
T lower(T a, T b) {
  return std::min(a, b);
}
template <class T>
T largest(T a, T b) {
  return std::max(a, b);
}

// min and max take the number where one of two is NaN, and -0 for less than +0.
inline float minimum(float a, float b) {
  if (a != a || b != b) return a == a ? a : canonical(b);
  if (a == b) return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
inline float maximum(float a, float b) {
  if (a != a || b != b) return a == a ? a : canonical(b);
  if (a == b) return std::signbit(a) ? b : a;
  return a < b ? b : a;
}

// .sat: into [0, 1], and NaN to +0.
inline float saturated(float x) { return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f; }

// a·b + c rounded once, down (.rm). The product of two floats is exact in double, and what its sum with a third loses is
// known (Knuth's TwoSum).
inline float fmaDown(float a, float b, float c) {
  const double p = static_cast<double>(a) * b, q = c, s = p + q;
  if (s != s) return bitsAs<float>(kNaNBits);
  const double part = s - p, lost = (p - (s - part)) + (q - part);
  const float nearest = static_cast<float>(s);
  const bool isAbove = nearest > s || (nearest == s && lost < 0);
  if (s == 0 && lost == 0 && std::signbit(p) != std::signbit(q)) return -0.0f;  // how a difference of equals rounds down
  return isAbove ? std::nextafter(nearest, -INFINITY) : nearest;
}

// IEEE binary16: sign, 5 bits of exponent with bias 15, 10 of fraction.
inline float halfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16, rest = half & 0x7fffu;
  if (rest >= 0x7c00u) return rest == 0x7c00u ? bitsAs<float>(sign | 0x7f800000u) : bitsAs<float>(kNaNBits);
  // The exponent's bias goes from 15 to 127 by a product, which subnormal numbers take part in.
  return bitsAs<float>(sign | bitsAs<uint32_t>(bitsAs<float>(rest << 13) * 0x1p112f));
}

// The bits of x that are kept when `cut` are cut off: to the nearest, ties to even.
inline uint32_t roundedOff(uint32_t x, int cut) {
  const uint32_t half = 1u << (cut - 1), kept = x >> cut, off = x & ((1u << cut) - 1);
  return kept + (off > half || (off == half && (kept & 1u)) ? 1u : 0u);
}

inline uint16_t floatToHalf(float x) {
  const uint32_t bits = bitsAs<uint32_t>(x), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) return 0x7fffu;
  uint32_t out;
  if (size >= 0x47800000u) {  // 2^16
    out = 0x7c00u;
  } else if (size >= 0x38800000u) {  // 2^-14, the least normal half; one that rounds up to 2^16 becomes infinite
    out = roundedOff(size - (112u << 23), 13);
  } else {
    // A whole number of steps of 2^-24: the significand shifted to where they are.
    const int exponent = static_cast<int>(size >> 23), cut = 126 - exponent;
    out = cut > 25 || exponent == 0 ? 0u : roundedOff((size & 0x7fffffu) | 0x800000u, cut);
  }
  return static_cast<uint16_t>(sign | out);
}

inline uint16_t floatToBfloat(float x) {
  const uint32_t bits = bitsAs<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fffu;
  return static_cast<uint16_t>(roundedOff(bits, 16));
}
inline float bfloatToFloat(uint16_t x) { return bitsAs<float>(static_cast<uint32_t>(x) << 16); }

// .rna.tf32: 10 bits of fraction, ties away from zero.
inline uint32_t floatToTf32(float x) {
  const uint32_t bits = bitsAs<uint32_t>(x);
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits & 0x7fffffu ? kNaNBits : bits;
  return (bits + 0x1000u) & ~0x1fffu;
}
// What mma takes of such a register.
inline float tf32ToFloat(uint32_t bits) { return bitsAs<float>(bits & ~0x1fffu); }

}  // namespace ptx
}  // namespace trainyard
