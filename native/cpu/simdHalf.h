// Vectors of floats from and to numbers of 16 bits: the same functions as for floats in memory, so that a kernel written
// over an element type T serves all three. Everything here is exact but the rounding of what is stored: to the nearest,
// ties to even, on every instruction set (AVX-512-BF16's own conversion flushes tiny numbers, so it is not used).
#pragma once
#include "../common/half.h"
#include "simd.h"

namespace trainyard {
namespace TY_ISA {

TY_INLINE uint32_t bitsOf(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
TY_INLINE float floatOf(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

TY_INLINE float toFloat(float x) { return x; }
TY_INLINE float toFloat(Bf16 x) { return floatOf(static_cast<uint32_t>(x.bits) << 16); }
TY_INLINE float toFloat(F16 x) {
  const uint32_t sign = (x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31u, mantissa = x.bits & 0x3ffu;
  if (exponent == 31) return floatOf(sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0u));
  if (exponent > 0) return floatOf(sign | (exponent + 112) << 23 | mantissa << 13);
  return floatOf(sign | bitsOf(static_cast<float>(mantissa) * 5.9604644775390625e-8f));  // subnormal: times 2⁻²⁴
}

TY_INLINE void fromFloat(float x, float* to) { *to = x; }
TY_INLINE void fromFloat(float x, Bf16* to) {
  const uint32_t bits = bitsOf(x);
  const bool isNaN = (bits & 0x7fffffffu) > 0x7f800000u;
  to->bits = static_cast<uint16_t>((isNaN ? bits | 0x400000u : bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}
TY_INLINE void fromFloat(float x, F16* to) {
  const uint32_t bits = bitsOf(x), size = bits & 0x7fffffffu;
  uint32_t half;
  if (size > 0x7f800000u) {
    half = 0x7e00u | (size >> 13 & 0x3ffu);
  } else if (size >= 0x477ff000u) {  // half-way past the largest
    half = 0x7c00u;
  } else if (size < 0x38800000u) {  // subnormal: a float of 0.5 and more has its last bit at 2⁻²⁴
    half = bitsOf(floatOf(size) + 0.5f) - 0x3f000000u;
  } else {
    half = (size + 0xfffu + (size >> 13 & 1u) - 0x38000000u) >> 13;
  }
  to->bits = static_cast<uint16_t>(bits >> 16 & 0x8000u | half);
}

#if defined(__AVX512F__)

using Halves = __m256i;
TY_INLINE Halves loadHalves(const void* p) { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }
TY_INLINE Halves loadHalves(const void* p, int64_t n) { return _mm256_maskz_loadu_epi16(firstLanes(n), p); }
TY_INLINE void storeHalves(void* p, Halves h) { _mm256_storeu_si256(static_cast<__m256i*>(p), h); }
TY_INLINE void storeHalves(void* p, Halves h, int64_t n) { _mm256_mask_storeu_epi16(p, firstLanes(n), h); }
TY_INLINE Vf widen(Halves h, Bf16) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16))};
}
TY_INLINE Vf widen(Halves h, F16) { return {_mm512_cvtph_ps(h)}; }
TY_INLINE Halves narrow(Vf a, Bf16) {
  const __m512i bits = _mm512_castps_si512(a.v);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __m512i either = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q), quiet);
  return _mm512_cvtepi32_epi16(_mm512_srli_epi32(either, 16));
}
TY_INLINE Halves narrow(Vf a, F16) { return _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

#elif defined(__AVX2__)

using Halves = __m128i;
TY_INLINE Halves loadHalves(const void* p) { return _mm_loadu_si128(static_cast<const __m128i*>(p)); }
TY_INLINE Halves loadHalves(const void* p, int64_t n) {
  uint16_t lanes[8] = {};
  for (int64_t i = 0; i < n && i < 8; i++) std::memcpy(lanes + i, static_cast<const char*>(p) + 2 * i, 2);
  return loadHalves(lanes);
}
TY_INLINE void storeHalves(void* p, Halves h) { _mm_storeu_si128(static_cast<__m128i*>(p), h); }
TY_INLINE void storeHalves(void* p, Halves h, int64_t n) {
  uint16_t lanes[8];
  storeHalves(lanes, h);
  for (int64_t i = 0; i < n && i < 8; i++) std::memcpy(static_cast<char*>(p) + 2 * i, lanes + i, 2);
}
TY_INLINE Vf widen(Halves h, Bf16) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16))};
}
TY_INLINE Vf widen(Halves h, F16) { return {_mm256_cvtph_ps(h)}; }
TY_INLINE Halves narrow(Vf a, Bf16) {
  const __m256i bits = _mm256_castps_si256(a.v);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i rounded = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i isNaN = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
  const __m256i upper = _mm256_srli_epi32(_mm256_blendv_epi8(rounded, quiet, isNaN), 16);
  return _mm_packus_epi32(_mm256_castsi256_si128(upper), _mm256_extracti128_si256(upper, 1));
}
TY_INLINE Halves narrow(Vf a, F16) { return _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }

#elif defined(__aarch64__) || defined(_M_ARM64)

using Halves = uint16x4_t;
TY_INLINE Halves loadHalves(const void* p) {
  uint16_t lanes[4];
  std::memcpy(lanes, p, sizeof lanes);
  return vld1_u16(lanes);
}
TY_INLINE Halves loadHalves(const void* p, int64_t n) {
  uint16_t lanes[4] = {};
  for (int64_t i = 0; i < n && i < 4; i++) std::memcpy(lanes + i, static_cast<const char*>(p) + 2 * i, 2);
  return vld1_u16(lanes);
}
TY_INLINE void storeHalves(void* p, Halves h, int64_t n) {
  uint16_t lanes[4];
  vst1_u16(lanes, h);
  for (int64_t i = 0; i < n && i < 4; i++) std::memcpy(static_cast<char*>(p) + 2 * i, lanes + i, 2);
}
TY_INLINE void storeHalves(void* p, Halves h) {
  uint16_t lanes[4];
  vst1_u16(lanes, h);
  std::memcpy(p, lanes, sizeof lanes);
}
TY_INLINE Vf widen(Halves h, Bf16) { return {vreinterpretq_f32_u32(vshll_n_u16(h, 16))}; }
TY_INLINE Vf widen(Halves h, F16) { return {vcvt_f32_f16(vreinterpret_f16_u16(h))}; }
TY_INLINE Halves narrow(Vf a, Bf16) {
  const uint32x4_t bits = vreinterpretq_u32_f32(a.v);
  const uint32x4_t odd = vandq_u32(vshrq_n_u32(bits, 16), vdupq_n_u32(1));
  const uint32x4_t rounded = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
  const uint32x4_t quiet = vorrq_u32(bits, vdupq_n_u32(0x400000));
  return vshrn_n_u32(vbslq_u32(vceqq_f32(a.v, a.v), rounded, quiet), 16);
}
TY_INLINE Halves narrow(Vf a, F16) { return vreinterpret_u16_f16(vcvt_f16_f32(a.v)); }

#else

struct Halves {
  uint16_t v[W];
};
TY_INLINE Halves loadHalves(const void* p, int64_t n) {
  Halves h = {};
  for (int i = 0; i < W && i < n; i++) std::memcpy(h.v + i, static_cast<const char*>(p) + 2 * i, 2);
  return h;
}
TY_INLINE Halves loadHalves(const void* p) { return loadHalves(p, W); }
TY_INLINE void storeHalves(void* p, Halves h, int64_t n) {
  for (int i = 0; i < W && i < n; i++) std::memcpy(static_cast<char*>(p) + 2 * i, h.v + i, 2);
}
TY_INLINE void storeHalves(void* p, Halves h) { storeHalves(p, h, W); }
template <class T>
TY_INLINE Vf widen(Halves h, T) {
  Vf a;
  for (int i = 0; i < W; i++) a.v[i] = toFloat(T{h.v[i]});
  return a;
}
template <class T>
TY_INLINE Halves narrow(Vf a, T) {
  Halves h;
  for (int i = 0; i < W; i++) {
    T half;
    fromFloat(a.v[i], &half);
    h.v[i] = half.bits;
  }
  return h;
}

#endif

// Of Bf16 and F16 in memory, as of floats: see simd.h.
template <class T>
TY_INLINE Vf load(const T* p) {
  return widen(loadHalves(p), T{});
}
template <class T>
TY_INLINE Vf loadUpTo(const T* p, int64_t n) {
  return n >= W ? load(p) : widen(loadHalves(p, n), T{});
}
template <class T>
TY_INLINE void store(T* p, Vf a) {
  storeHalves(p, narrow(a, T{}));
}
template <class T>
TY_INLINE void storeUpTo(T* p, Vf a, int64_t n) {
  if (n >= W) {
    store(p, a);
  } else {
    storeHalves(p, narrow(a, T{}), n);
  }
}

// out[n] = in[n], widened or rounded where the types differ.
template <class From, class To>
TY_INLINE void convert(const From* in, To* out, int64_t n) {
  eachVector(n, [&](int64_t i, int64_t lanes) { storeUpTo(out + i, loadUpTo(in + i, lanes), lanes); });
}

}  // namespace TY_ISA
}  // namespace trainyard
