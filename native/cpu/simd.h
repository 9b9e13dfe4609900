// Vectors of floats, one implementation for each instruction set. Included only by files that are compiled once for
// each of them, inside that instruction set's own namespace: the linker must never merge functions of two of them.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#endif

namespace trainyard {
namespace TY_ISA {

#if defined(__AVX512F__)

constexpr int W = 16;
struct Vf {
  __m512 v;
};
static inline __mmask16 firstLanes(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
static inline Vf load(const float* p) { return {_mm512_loadu_ps(p)}; }
static inline void store(float* p, Vf a) { _mm512_storeu_ps(p, a.v); }
// The first n < W lanes; the others are 0, and not touched in memory.
static inline Vf loadn(const float* p, int64_t n) { return {_mm512_maskz_loadu_ps(firstLanes(n), p)}; }
static inline void storen(float* p, Vf a, int64_t n) { _mm512_mask_storeu_ps(p, firstLanes(n), a.v); }
static inline Vf set1(float x) { return {_mm512_set1_ps(x)}; }
static inline Vf operator+(Vf a, Vf b) { return {_mm512_add_ps(a.v, b.v)}; }
static inline Vf operator-(Vf a, Vf b) { return {_mm512_sub_ps(a.v, b.v)}; }
static inline Vf operator*(Vf a, Vf b) { return {_mm512_mul_ps(a.v, b.v)}; }
static inline Vf operator/(Vf a, Vf b) { return {_mm512_div_ps(a.v, b.v)}; }
// a·b + c and c - a·b with one rounding.
static inline Vf fma(Vf a, Vf b, Vf c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
static inline Vf fnma(Vf a, Vf b, Vf c) { return {_mm512_fnmadd_ps(a.v, b.v, c.v)}; }
// When one is NaN, the second is the answer.
static inline Vf vmax(Vf a, Vf b) { return {_mm512_max_ps(a.v, b.v)}; }
static inline Vf vmin(Vf a, Vf b) { return {_mm512_min_ps(a.v, b.v)}; }
static inline Vf vsqrt(Vf a) { return {_mm512_sqrt_ps(a.v)}; }
static inline Vf roundNearest(Vf a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// x · 2^n for a whole n
static inline Vf scale2(Vf x, Vf n) { return {_mm512_scalef_ps(x.v, n.v)}; }

#elif defined(__AVX2__)

constexpr int W = 8;
struct Vf {
  __m256 v;
};
static inline __m256i firstLanes(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Vf load(const float* p) { return {_mm256_loadu_ps(p)}; }
static inline void store(float* p, Vf a) { _mm256_storeu_ps(p, a.v); }
static inline Vf loadn(const float* p, int64_t n) { return {_mm256_maskload_ps(p, firstLanes(n))}; }
static inline void storen(float* p, Vf a, int64_t n) { _mm256_maskstore_ps(p, firstLanes(n), a.v); }
static inline Vf set1(float x) { return {_mm256_set1_ps(x)}; }
static inline Vf operator+(Vf a, Vf b) { return {_mm256_add_ps(a.v, b.v)}; }
static inline Vf operator-(Vf a, Vf b) { return {_mm256_sub_ps(a.v, b.v)}; }
static inline Vf operator*(Vf a, Vf b) { return {_mm256_mul_ps(a.v, b.v)}; }
static inline Vf operator/(Vf a, Vf b) { return {_mm256_div_ps(a.v, b.v)}; }
static inline Vf fma(Vf a, Vf b, Vf c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
static inline Vf fnma(Vf a, Vf b, Vf c) { return {_mm256_fnmadd_ps(a.v, b.v, c.v)}; }
static inline Vf vmax(Vf a, Vf b) { return {_mm256_max_ps(a.v, b.v)}; }
static inline Vf vmin(Vf a, Vf b) { return {_mm256_min_ps(a.v, b.v)}; }
static inline Vf vsqrt(Vf a) { return {_mm256_sqrt_ps(a.v)}; }
static inline Vf roundNearest(Vf a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
static inline Vf scale2(Vf x, Vf n) {
  // Two steps, so that neither power leaves the range of exponents.
  __m256i whole = _mm256_cvtps_epi32(n.v);
  __m256i half = _mm256_srai_epi32(whole, 1);
  __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  __m256 a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  __m256 b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return {_mm256_mul_ps(_mm256_mul_ps(x.v, a), b)};
}

#else  // portable: fixed arrays that a compiler turns into what vectors there are (NEON, SSE)

constexpr int W = 8;
struct Vf {
  float v[W];
};
#define TY_EACH(expression)                \
  Vf r;                                    \
  for (int i = 0; i < W; i++) r.v[i] = (expression); \
  return r
static inline Vf load(const float* p) {
  Vf r;
  std::memcpy(r.v, p, sizeof r.v);
  return r;
}
static inline void store(float* p, Vf a) { std::memcpy(p, a.v, sizeof a.v); }
static inline Vf loadn(const float* p, int64_t n) {
  Vf r{};
  for (int64_t i = 0; i < n; i++) r.v[i] = p[i];
  return r;
}
static inline void storen(float* p, Vf a, int64_t n) {
  for (int64_t i = 0; i < n; i++) p[i] = a.v[i];
}
static inline Vf set1(float x) { TY_EACH(x); }
static inline Vf operator+(Vf a, Vf b) { TY_EACH(a.v[i] + b.v[i]); }
static inline Vf operator-(Vf a, Vf b) { TY_EACH(a.v[i] - b.v[i]); }
static inline Vf operator*(Vf a, Vf b) { TY_EACH(a.v[i] * b.v[i]); }
static inline Vf operator/(Vf a, Vf b) { TY_EACH(a.v[i] / b.v[i]); }
static inline Vf fma(Vf a, Vf b, Vf c) { TY_EACH(a.v[i] * b.v[i] + c.v[i]); }
static inline Vf fnma(Vf a, Vf b, Vf c) { TY_EACH(c.v[i] - a.v[i] * b.v[i]); }
static inline Vf vmax(Vf a, Vf b) { TY_EACH(a.v[i] > b.v[i] ? a.v[i] : b.v[i]); }
static inline Vf vmin(Vf a, Vf b) { TY_EACH(a.v[i] < b.v[i] ? a.v[i] : b.v[i]); }
static inline Vf vsqrt(Vf a) { TY_EACH(sqrtf(a.v[i])); }
static inline Vf roundNearest(Vf a) { TY_EACH(nearbyintf(a.v[i])); }
static inline Vf scale2(Vf x, Vf n) { TY_EACH(ldexpf(x.v[i], n.v[i] == n.v[i] ? static_cast<int>(n.v[i]) : 0)); }
#undef TY_EACH

#endif

static inline Vf zero() { return set1(0.0f); }

// Lanes are added in pairs, halving: the same order for every caller.
static inline float hsum(Vf a) {
  float t[W];
  store(t, a);
  for (int half = W / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i++) t[i] += t[i + half];
  }
  return t[0];
}

static inline float hmax(Vf a) {
  float t[W];
  store(t, a);
  float most = t[0];
  for (int i = 1; i < W; i++) most = t[i] > most ? t[i] : most;
  return most;
}

// e^x to about 1 unit in the last place: x = n·ln 2 + r, a Taylor polynomial of degree 7 in r, |r| ≤ ln 2 / 2.
// Below -87 the answer runs out to 0, above 88.7 to infinity; NaN stays NaN.
static inline Vf vexp(Vf x) {
  x = vmax(set1(-104.0f), vmin(set1(89.0f), x));
  Vf n = roundNearest(x * set1(1.44269504088896341f));
  Vf r = fnma(n, set1(0.693359375f), x);
  r = fnma(n, set1(-2.12194440e-4f), r);
  Vf p = set1(1.0f / 5040);
  p = fma(p, r, set1(1.0f / 720));
  p = fma(p, r, set1(1.0f / 120));
  p = fma(p, r, set1(1.0f / 24));
  p = fma(p, r, set1(1.0f / 6));
  p = fma(p, r, set1(0.5f));
  p = fma(p, r * r, r);
  return scale2(p + set1(1.0f), n);
}

// Calls body(offset, lanes) over n elements: W lanes at a time, then once what is left.
template <class Body>
static inline void eachVector(int64_t n, const Body& body) {
  int64_t i = 0;
  for (; i + W <= n; i += W) body(i, static_cast<int64_t>(W));
  if (i < n) body(i, n - i);
}

static inline Vf loadUpTo(const float* p, int64_t n) { return n == W ? load(p) : loadn(p, n); }
static inline void storeUpTo(float* p, Vf a, int64_t n) {
  if (n == W) store(p, a);
  else storen(p, a, n);
}

}  // namespace TY_ISA
}  // namespace trainyard
