// Copies of matrix blocks in the order in which the micro-kernel reads them: panels of `width` rows of the (logical)
// matrix, k after k, so that the inner loop walks through memory once and in order. A panel consists of units of 32 bits:
// a float for each step of k, or two bfloat16 of two steps where the processor multiplies such pairs.
#pragma once
#include <cstddef>

#include "../simd.h"
#include "../simdHalf.h"

namespace trainyard {
namespace TY_ISA {

#if defined(__AVX2__)
TY_INLINE __m256 widen8(__m128i h, Bf16) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}
TY_INLINE __m256 widen8(__m128i h, F16) { return _mm256_cvtph_ps(h); }
#endif

// Units of one step of k.
template <class T>
struct FloatUnits {
  using Type = T;
  static constexpr int kSteps = 1;

  // Of n columns of the row at `p`; `buffer` has room for them.
  static const float* row(const T* p, const T*, int64_t n, float* buffer) {
    convert(p, buffer, n);
    return buffer;
  }
  static float one(const T* p, int64_t) { return toFloat(*p); }
#if defined(__AVX2__)
  // The eight units that begin at `p`.
  static __m256 load8(const T* p) { return widen8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)), T{}); }
#endif
};

template <>
struct FloatUnits<float> {
  using Type = float;
  static constexpr int kSteps = 1;
  static const float* row(const float* p, const float*, int64_t, float*) { return p; }
  static float one(const float* p, int64_t) { return *p; }
#if defined(__AVX2__)
  static __m256 load8(const float* p) { return _mm256_loadu_ps(p); }
#endif
};

#if defined(__AVX512BF16__)
// Units of two steps of k, the first in the lower half.
struct PairUnits {
  using Type = Bf16;
  static constexpr int kSteps = 2;

  // next: the row of the second step; null where there is none
  static const float* row(const Bf16* p, const Bf16* next, int64_t n, float* buffer) {
    eachVector(n, [&](int64_t i, int64_t lanes) {
      const Mask m = firstLanes(lanes);
      const __m512i first = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, p + i));
      const __m256i second = next ? _mm256_maskz_loadu_epi16(m, next + i) : _mm256_setzero_si256();
      const __m512i pairs = _mm512_or_si512(first, _mm512_slli_epi32(_mm512_cvtepu16_epi32(second), 16));
      _mm512_mask_storeu_epi32(buffer + i, m, pairs);
    });
    return buffer;
  }
  // steps: 1 where the second lies past the end
  static float one(const Bf16* p, int64_t steps) {
    return floatOf(p[0].bits | (steps > 1 ? static_cast<uint32_t>(p[1].bits) << 16 : 0u));
  }
  static __m256 load8(const Bf16* p) {
    return _mm256_castsi256_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
};
#endif

#if defined(__AVX2__)
// Transposes `rows` (6 or 8) rows of 8. Stores go in order and are 8 wide even where `stride` is 6: each covers what the
// one before wrote too much.
template <int rows, class Units>
TY_INLINE void transpose8(const typename Units::Type* source, int64_t ld, float* target, int64_t stride) {
  const __m256 none = _mm256_setzero_ps();
  const __m256 r0 = Units::load8(source), r1 = Units::load8(source + ld);
  const __m256 r2 = Units::load8(source + 2 * ld), r3 = Units::load8(source + 3 * ld);
  const __m256 r4 = Units::load8(source + 4 * ld), r5 = Units::load8(source + 5 * ld);
  const __m256 r6 = rows > 6 ? Units::load8(source + 6 * ld) : none;
  const __m256 r7 = rows > 7 ? Units::load8(source + 7 * ld) : none;
  const __m256 p0 = _mm256_unpacklo_ps(r0, r1), p1 = _mm256_unpackhi_ps(r0, r1);
  const __m256 p2 = _mm256_unpacklo_ps(r2, r3), p3 = _mm256_unpackhi_ps(r2, r3);
  const __m256 p4 = _mm256_unpacklo_ps(r4, r5), p5 = _mm256_unpackhi_ps(r4, r5);
  const __m256 p6 = _mm256_unpacklo_ps(r6, r7), p7 = _mm256_unpackhi_ps(r6, r7);
  const auto low = [](__m256 a, __m256 b) {
    return _mm256_castpd_ps(_mm256_unpacklo_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
  };
  const auto high = [](__m256 a, __m256 b) {
    return _mm256_castpd_ps(_mm256_unpackhi_pd(_mm256_castps_pd(a), _mm256_castps_pd(b)));
  };
  const __m256 q0 = low(p0, p2), q1 = high(p0, p2), q2 = low(p1, p3), q3 = high(p1, p3);
  const __m256 q4 = low(p4, p6), q5 = high(p4, p6), q6 = low(p5, p7), q7 = high(p5, p7);
  _mm256_storeu_ps(target, _mm256_permute2f128_ps(q0, q4, 0x20));
  _mm256_storeu_ps(target + stride, _mm256_permute2f128_ps(q1, q5, 0x20));
  _mm256_storeu_ps(target + 2 * stride, _mm256_permute2f128_ps(q2, q6, 0x20));
  _mm256_storeu_ps(target + 3 * stride, _mm256_permute2f128_ps(q3, q7, 0x20));
  _mm256_storeu_ps(target + 4 * stride, _mm256_permute2f128_ps(q0, q4, 0x31));
  _mm256_storeu_ps(target + 5 * stride, _mm256_permute2f128_ps(q1, q5, 0x31));
  _mm256_storeu_ps(target + 6 * stride, _mm256_permute2f128_ps(q2, q6, 0x31));
  _mm256_storeu_ps(target + 7 * stride, _mm256_permute2f128_ps(q3, q7, 0x31));
}
#endif

// One panel from rows that are contiguous along k: unit p of row r goes to target[p·width + r], zero for r ≥ rows. May
// write two floats past the panel.
template <int width, class Units>
static void packAcross(const typename Units::Type* source, int64_t ld, int64_t rows, int64_t k, float* target) {
  constexpr int64_t kSteps = Units::kSteps;
  const int64_t units = (k + kSteps - 1) / kSteps;
#if defined(__AVX2__)
  if ((width % 8 == 0 || width == 6) && rows == width) {
    constexpr int step = width == 6 ? 6 : 8;
    int64_t p = 0;
    for (; (p + 8) * kSteps <= k; p += 8) {
      for (int r = 0; r < width; r += step) {
        transpose8<step, Units>(source + r * ld + p * kSteps, ld, target + p * width + r, width);
      }
    }
    for (; p < units; p++) {
      for (int r = 0; r < width; r++) target[p * width + r] = Units::one(source + r * ld + p * kSteps, k - p * kSteps);
    }
    return;
  }
#endif
  // Four units at a time: the reads use what their cache line brings.
  for (int64_t p = 0; p < units; p += 4) {
    const int64_t end = p + 4 < units ? p + 4 : units;
    for (int r = 0; r < width; r++) {
      for (int64_t q = p; q < end; q++) {
        target[q * width + r] = r < rows ? Units::one(source + r * ld + q * kSteps, k - q * kSteps) : 0.0f;
      }
    }
  }
}

// More columns are never packed at once.
constexpr int64_t kMaxPackedColumns = 1024;

// Panels from rows that are contiguous across the panel: unit p of column j·width + r goes to panel j, at p·width + r;
// zero past `columns`.
template <int width, class Units>
static void packAlong(const typename Units::Type* source, int64_t ld, int64_t columns, int64_t k, float* target) {
  constexpr int64_t kSteps = Units::kSteps;
  const int64_t units = (k + kSteps - 1) / kSteps;
  const int64_t full = columns / width;
  float buffer[kMaxPackedColumns];
  for (int64_t p = 0; p < units; p++) {
    const auto* first = source + p * kSteps * ld;
    const float* row = Units::row(first, p * kSteps + 1 < k ? first + ld : nullptr, columns, buffer);
    float* to = target + p * width;
    for (int64_t j = 0; j < full; j++, to += units * width) {
      if (width % W == 0) {
        TY_UNROLL
        for (int r = 0; r < width; r += W) store(to + r, load(row + j * width + r));
      } else {
        TY_UNROLL
        for (int r = 0; r < width; r++) to[r] = row[j * width + r];
      }
    }
    for (int64_t r = full * width; r < columns; r++) to[r - full * width] = row[r];
    if (columns > full * width) {
      for (int64_t r = columns; r < (full + 1) * width; r++) to[r - full * width] = 0.0f;
    }
  }
}

// Packs `rows` logical rows and k steps into panels of `width`. across: the matrix is rows × k; else it is k × rows.
template <int width, class Units>
static void pack(bool across, const typename Units::Type* source, int64_t ld, int64_t rows, int64_t k, float* target) {
  if (!across) {
    packAlong<width, Units>(source, ld, rows, k, target);
    return;
  }
  const int64_t units = (k + Units::kSteps - 1) / Units::kSteps;
  for (int64_t r = 0; r < rows; r += width) {
    const int64_t here = rows - r < width ? rows - r : width;
    packAcross<width, Units>(source + r * ld, ld, here, k, target + r * units);
  }
}

}  // namespace TY_ISA
}  // namespace trainyard
