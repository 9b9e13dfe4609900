// Vectors of floats for one instruction set. A translation unit defines TY_ISA (its namespace) before it includes this.
// Everything is inside trainyard::TY_ISA, so that the linker can't merge functions of two instruction sets; for the same
// reason kernels use nothing of the standard library that is inline and not trivial.
//
// Tails are done with masked vectors (loadn, storen): the last elements of a row get the same bits as the others.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__aarch64__) || defined(_M_ARM64)
#include <arm_neon.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define TY_INLINE static __forceinline
#define TY_UNROLL
#define TY_RESTRICT __restrict
#elif defined(__clang__)
#define TY_INLINE static inline __attribute__((always_inline, unused))
#define TY_UNROLL _Pragma("unroll")
#define TY_RESTRICT __restrict__
#else
#define TY_INLINE static inline __attribute__((always_inline, unused))
#define TY_UNROLL _Pragma("GCC unroll 16")
#define TY_RESTRICT __restrict__
#endif

namespace trainyard {
namespace TY_ISA {

// On every instruction set:
//   loadn(p, n)       the first n lanes (any n; none when n ≤ 0, all when n ≥ W), the others 0, their memory not touched
//   loadnOr(p, n, x)  the same with x in the other lanes
//   fma(a, b, c)      a·b + c, rounded once where the instruction set can
//   fnma(a, b, c)     c - a·b
//   vmax, vmin        b when a or b is NaN
//   select(m, a, b)   a where m holds, else b
//   scale2(a, n)      a · 2ⁿ for whole n in [-252, 254]

#if defined(__AVX512F__)

constexpr int W = 16;
struct Vf {
  __m512 v;
};
using Mask = __mmask16;

TY_INLINE Mask firstLanes(int64_t n) {
  return n >= 16 ? static_cast<Mask>(0xffff) : static_cast<Mask>(n <= 0 ? 0u : (1u << n) - 1u);
}
TY_INLINE Vf zero() { return {_mm512_setzero_ps()}; }
TY_INLINE Vf set1(float x) { return {_mm512_set1_ps(x)}; }
TY_INLINE Vf load(const float* p) { return {_mm512_loadu_ps(p)}; }
TY_INLINE Vf loadn(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(firstLanes(n), p)}; }
TY_INLINE Vf loadnOr(const float* p, int64_t n, float other) {
  return {_mm512_mask_loadu_ps(_mm512_set1_ps(other), firstLanes(n), p)};
}
TY_INLINE void store(float* p, Vf a) { _mm512_storeu_ps(p, a.v); }
TY_INLINE void storen(float* p, Vf a, int64_t n) { _mm512_mask_storeu_ps(p, firstLanes(n), a.v); }
TY_INLINE Vf operator+(Vf a, Vf b) { return {_mm512_add_ps(a.v, b.v)}; }
TY_INLINE Vf operator-(Vf a, Vf b) { return {_mm512_sub_ps(a.v, b.v)}; }
TY_INLINE Vf operator*(Vf a, Vf b) { return {_mm512_mul_ps(a.v, b.v)}; }
TY_INLINE Vf operator/(Vf a, Vf b) { return {_mm512_div_ps(a.v, b.v)}; }
TY_INLINE Vf fma(Vf a, Vf b, Vf c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
TY_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
TY_INLINE Vf vmax(Vf a, Vf b) { return {_mm512_max_ps(a.v, b.v)}; }
TY_INLINE Vf vmin(Vf a, Vf b) { return {_mm512_min_ps(a.v, b.v)}; }
TY_INLINE Vf vsqrt(Vf a) { return {_mm512_sqrt_ps(a.v)}; }
TY_INLINE Vf vabs(Vf a) { return {_mm512_abs_ps(a.v)}; }
TY_INLINE Vf roundNearest(Vf a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
TY_INLINE Mask less(Vf a, Vf b) { return _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
TY_INLINE Vf select(Mask m, Vf a, Vf b) { return {_mm512_mask_blend_ps(m, b.v, a.v)}; }
TY_INLINE Vf scale2(Vf a, Vf n) { return {_mm512_scalef_ps(a.v, n.v)}; }
TY_INLINE void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

#elif defined(__AVX2__)

constexpr int W = 8;
struct Vf {
  __m256 v;
};
struct Mask {
  __m256 v;
};

TY_INLINE __m256i laneMask(int64_t n) {
  const int lanes = n >= 8 ? 8 : static_cast<int>(n < 0 ? 0 : n);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
TY_INLINE Mask firstLanes(int64_t n) { return {_mm256_castsi256_ps(laneMask(n))}; }
TY_INLINE Vf zero() { return {_mm256_setzero_ps()}; }
TY_INLINE Vf set1(float x) { return {_mm256_set1_ps(x)}; }
TY_INLINE Vf load(const float* p) { return {_mm256_loadu_ps(p)}; }
TY_INLINE Vf loadn(const float* p, int64_t n) { return {_mm256_maskload_ps(p, laneMask(n))}; }
TY_INLINE Vf loadnOr(const float* p, int64_t n, float other) {
  const __m256i m = laneMask(n);
  return {_mm256_blendv_ps(_mm256_set1_ps(other), _mm256_maskload_ps(p, m), _mm256_castsi256_ps(m))};
}
TY_INLINE void store(float* p, Vf a) { _mm256_storeu_ps(p, a.v); }
TY_INLINE void storen(float* p, Vf a, int64_t n) { _mm256_maskstore_ps(p, laneMask(n), a.v); }
TY_INLINE Vf operator+(Vf a, Vf b) { return {_mm256_add_ps(a.v, b.v)}; }
TY_INLINE Vf operator-(Vf a, Vf b) { return {_mm256_sub_ps(a.v, b.v)}; }
TY_INLINE Vf operator*(Vf a, Vf b) { return {_mm256_mul_ps(a.v, b.v)}; }
TY_INLINE Vf operator/(Vf a, Vf b) { return {_mm256_div_ps(a.v, b.v)}; }
TY_INLINE Vf fma(Vf a, Vf b, Vf c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
TY_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
TY_INLINE Vf vmax(Vf a, Vf b) { return {_mm256_max_ps(a.v, b.v)}; }
TY_INLINE Vf vmin(Vf a, Vf b) { return {_mm256_min_ps(a.v, b.v)}; }
TY_INLINE Vf vsqrt(Vf a) { return {_mm256_sqrt_ps(a.v)}; }
TY_INLINE Vf vabs(Vf a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.v)}; }
TY_INLINE Vf roundNearest(Vf a) { return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)}; }
TY_INLINE Mask less(Vf a, Vf b) { return {_mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ)}; }
TY_INLINE Vf select(Mask m, Vf a, Vf b) { return {_mm256_blendv_ps(b.v, a.v, m.v)}; }
TY_INLINE Vf scale2(Vf a, Vf n) {
  // Two steps, so that neither power leaves the range of exponents.
  const __m256i whole = _mm256_cvtps_epi32(n.v);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i low = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i high = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return {_mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(low)), _mm256_castsi256_ps(high))};
}
TY_INLINE void prefetch(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

#elif defined(__aarch64__) || defined(_M_ARM64)

constexpr int W = 4;
struct Vf {
  float32x4_t v;
};
struct Mask {
  uint32x4_t v;
};

TY_INLINE Mask firstLanes(int64_t n) {
  static const int32_t lanes[4] = {0, 1, 2, 3};
  return {vcltq_s32(vld1q_s32(lanes), vdupq_n_s32(n >= 4 ? 4 : static_cast<int32_t>(n < 0 ? 0 : n)))};
}
TY_INLINE Vf zero() { return {vdupq_n_f32(0.0f)}; }
TY_INLINE Vf set1(float x) { return {vdupq_n_f32(x)}; }
TY_INLINE Vf load(const float* p) { return {vld1q_f32(p)}; }
TY_INLINE Vf loadnOr(const float* p, int64_t n, float other) {
  float lanes[4] = {other, other, other, other};
  for (int64_t i = 0; i < n && i < 4; i++) lanes[i] = p[i];
  return {vld1q_f32(lanes)};
}
TY_INLINE Vf loadn(const float* p, int64_t n) { return loadnOr(p, n, 0.0f); }
TY_INLINE void store(float* p, Vf a) { vst1q_f32(p, a.v); }
TY_INLINE void storen(float* p, Vf a, int64_t n) {
  float lanes[4];
  vst1q_f32(lanes, a.v);
  for (int64_t i = 0; i < n && i < 4; i++) p[i] = lanes[i];
}
TY_INLINE Vf operator+(Vf a, Vf b) { return {vaddq_f32(a.v, b.v)}; }
TY_INLINE Vf operator-(Vf a, Vf b) { return {vsubq_f32(a.v, b.v)}; }
TY_INLINE Vf operator*(Vf a, Vf b) { return {vmulq_f32(a.v, b.v)}; }
TY_INLINE Vf operator/(Vf a, Vf b) { return {vdivq_f32(a.v, b.v)}; }
TY_INLINE Vf fma(Vf a, Vf b, Vf c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
TY_INLINE Vf fnma(Vf a, Vf b, Vf c) { return {vfmsq_f32(c.v, a.v, b.v)}; }
TY_INLINE Mask less(Vf a, Vf b) { return {vcltq_f32(a.v, b.v)}; }
TY_INLINE Vf select(Mask m, Vf a, Vf b) { return {vbslq_f32(m.v, a.v, b.v)}; }
TY_INLINE Vf vmax(Vf a, Vf b) { return select(less(b, a), a, b); }
TY_INLINE Vf vmin(Vf a, Vf b) { return select(less(a, b), a, b); }
TY_INLINE Vf vsqrt(Vf a) { return {vsqrtq_f32(a.v)}; }
TY_INLINE Vf vabs(Vf a) { return {vabsq_f32(a.v)}; }
TY_INLINE Vf roundNearest(Vf a) { return {vrndnq_f32(a.v)}; }
TY_INLINE Vf scale2(Vf a, Vf n) {
  const int32x4_t whole = vcvtq_s32_f32(n.v);
  const int32x4_t half = vshrq_n_s32(whole, 1);
  const int32x4_t bias = vdupq_n_s32(127);
  const float32x4_t low = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23));
  const float32x4_t high = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vsubq_s32(whole, half), bias), 23));
  return {vmulq_f32(vmulq_f32(a.v, low), high)};
}
TY_INLINE void prefetch(const void*) {}

#else  // Plain C++ that a compiler can vectorize with whatever it has. No fused multiply-add.

constexpr int W = 8;
struct Vf {
  float v[W];
};
struct Mask {
  bool v[W];
};

#define TY_LANES(expression)                            \
  {                                                     \
    Vf r;                                               \
    for (int i = 0; i < W; i++) r.v[i] = (expression);  \
    return r;                                           \
  }
TY_INLINE Mask firstLanes(int64_t n) {
  Mask m;
  for (int i = 0; i < W; i++) m.v[i] = i < n;
  return m;
}
TY_INLINE Vf set1(float x) TY_LANES(x)
TY_INLINE Vf zero() TY_LANES(0.0f)
TY_INLINE Vf load(const float* p) TY_LANES(p[i])
TY_INLINE Vf loadnOr(const float* p, int64_t n, float other) TY_LANES(i < n ? p[i] : other)
TY_INLINE Vf loadn(const float* p, int64_t n) TY_LANES(i < n ? p[i] : 0.0f)
TY_INLINE void store(float* p, Vf a) {
  for (int i = 0; i < W; i++) p[i] = a.v[i];
}
TY_INLINE void storen(float* p, Vf a, int64_t n) {
  for (int i = 0; i < W && i < n; i++) p[i] = a.v[i];
}
TY_INLINE Vf operator+(Vf a, Vf b) TY_LANES(a.v[i] + b.v[i])
TY_INLINE Vf operator-(Vf a, Vf b) TY_LANES(a.v[i] - b.v[i])
TY_INLINE Vf operator*(Vf a, Vf b) TY_LANES(a.v[i] * b.v[i])
TY_INLINE Vf operator/(Vf a, Vf b) TY_LANES(a.v[i] / b.v[i])
TY_INLINE Vf fma(Vf a, Vf b, Vf c) TY_LANES(a.v[i] * b.v[i] + c.v[i])
TY_INLINE Vf fnma(Vf a, Vf b, Vf c) TY_LANES(c.v[i] - a.v[i] * b.v[i])
TY_INLINE Vf vmax(Vf a, Vf b) TY_LANES(a.v[i] > b.v[i] ? a.v[i] : b.v[i])
TY_INLINE Vf vmin(Vf a, Vf b) TY_LANES(a.v[i] < b.v[i] ? a.v[i] : b.v[i])
TY_INLINE Vf vsqrt(Vf a) TY_LANES(sqrtf(a.v[i]))
TY_INLINE Vf vabs(Vf a) TY_LANES(fabsf(a.v[i]))
TY_INLINE Vf roundNearest(Vf a) TY_LANES(nearbyintf(a.v[i]))
TY_INLINE Mask less(Vf a, Vf b) {
  Mask m;
  for (int i = 0; i < W; i++) m.v[i] = a.v[i] < b.v[i];
  return m;
}
TY_INLINE Vf select(Mask m, Vf a, Vf b) TY_LANES(m.v[i] ? a.v[i] : b.v[i])
TY_INLINE float powerOfTwo(int32_t n) {
  const uint32_t bits = static_cast<uint32_t>(n + 127) << 23;
  float f;
  std::memcpy(&f, &bits, sizeof f);
  return f;
}
TY_INLINE Vf scale2(Vf a, Vf n) {
  Vf r;
  for (int i = 0; i < W; i++) {
    // NaN has no whole number; any scale keeps it a NaN.
    const int32_t whole = n.v[i] == n.v[i] ? static_cast<int32_t>(n.v[i]) : 0;
    r.v[i] = a.v[i] * powerOfTwo(whole >> 1) * powerOfTwo(whole - (whole >> 1));
  }
  return r;
}
TY_INLINE void prefetch(const void*) {}
#undef TY_LANES

#endif

// Sums and maxima over the lanes, always in the same order: halves folded onto each other.
TY_INLINE float hsum(Vf a) {
  float lanes[W];
  store(lanes, a);
  TY_UNROLL
  for (int half = W / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  }
  return lanes[0];
}
TY_INLINE float hmax(Vf a) {
  float lanes[W];
  store(lanes, a);
  TY_UNROLL
  for (int half = W / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) lanes[i] = lanes[i] > lanes[i + half] ? lanes[i] : lanes[i + half];
  }
  return lanes[0];
}

// eˣ to about 1 ulp. Below -87.33, where results are no longer normal numbers, 0; above 88.73 infinity; NaN stays NaN.
// x = n·ln2 + r with |r| ≤ ln2/2; eʳ = 1 + r + r²·q(r), q interpolated at Chebyshev nodes.
TY_INLINE Vf vexp(Vf x) {
  const Vf clamped = vmin(set1(89.0f), vmax(set1(-87.5f), x));
  const Vf n = roundNearest(clamped * set1(1.44269504f));
  Vf r = fnma(n, set1(0.693145752f), clamped);  // ln2 with so few bits that n times it is exact
  r = fnma(n, set1(1.42860677e-6f), r);         // the rest of ln2
  Vf q = set1(0.00139269268f);
  q = fma(q, r, set1(0.00836377405f));
  q = fma(q, r, set1(0.0416665487f));
  q = fma(q, r, set1(0.166665733f));
  q = fma(q, r, set1(0.5f));
  const Vf p = fma(q, r * r, r) + set1(1.0f);
  return select(less(x, set1(-87.336544f)), zero(), scale2(p, n));
}

// Full vectors without masks, which are slow to store on some processors.
TY_INLINE Vf loadUpTo(const float* p, int64_t n) { return n >= W ? load(p) : loadn(p, n); }
TY_INLINE void storeUpTo(float* p, Vf a, int64_t n) {
  if (n >= W) {
    store(p, a);
  } else {
    storen(p, a, n);
  }
}

// Calls body(offset, lanes) over n elements: W lanes at a time, then once what is left.
template <class Body>
TY_INLINE void eachVector(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + W <= n; i += W) body(i, static_cast<int64_t>(W));
  if (i < n) body(i, n - i);
}

}  // namespace TY_ISA
}  // namespace trainyard
