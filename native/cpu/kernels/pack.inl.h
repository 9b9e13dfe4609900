// Copies of matrix blocks in the order in which the micro-kernel reads them: panels of `width` rows of the (logical)
// matrix, k after k, so that the inner loop walks through memory once and in order.
#pragma once
#include <cstddef>

#include "../simd.h"

namespace trainyard {
namespace TY_ISA {

#if defined(__AVX2__)
// Transposes `rows` (6 or 8) rows of 8. Stores go in order and are 8 wide even where `stride` is 6: each covers what the
// one before wrote too much.
template <int rows>
TY_INLINE void transpose8(const float* source, int64_t ld, float* target, int64_t stride) {
  const __m256 none = _mm256_setzero_ps();
  const __m256 r0 = _mm256_loadu_ps(source), r1 = _mm256_loadu_ps(source + ld);
  const __m256 r2 = _mm256_loadu_ps(source + 2 * ld), r3 = _mm256_loadu_ps(source + 3 * ld);
  const __m256 r4 = _mm256_loadu_ps(source + 4 * ld), r5 = _mm256_loadu_ps(source + 5 * ld);
  const __m256 r6 = rows > 6 ? _mm256_loadu_ps(source + 6 * ld) : none;
  const __m256 r7 = rows > 7 ? _mm256_loadu_ps(source + 7 * ld) : none;
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

// One panel from rows that are contiguous along k: target[p·width + r] = source[r·ld + p], zero for r ≥ rows. May write
// two floats past the panel.
template <int width>
static void packAcross(const float* source, int64_t ld, int64_t rows, int64_t k, float* target) {
#if defined(__AVX2__)
  if ((width % 8 == 0 || width == 6) && rows == width) {
    constexpr int step = width == 6 ? 6 : 8;
    int64_t p = 0;
    for (; p + 8 <= k; p += 8) {
      for (int r = 0; r < width; r += step) {
        transpose8<step>(source + r * ld + p, ld, target + p * width + r, width);
      }
    }
    for (; p < k; p++) {
      for (int r = 0; r < width; r++) target[p * width + r] = source[r * ld + p];
    }
    return;
  }
#endif
  // Four steps of k at a time: the reads use what their cache line brings.
  for (int64_t p = 0; p < k; p += 4) {
    const int64_t end = p + 4 < k ? p + 4 : k;
    for (int r = 0; r < width; r++) {
      for (int64_t q = p; q < end; q++) target[q * width + r] = r < rows ? source[r * ld + q] : 0.0f;
    }
  }
}

// Panels from rows that are contiguous across the panel: target panel j holds source[p·ld + j·width + r] at p·width + r,
// zero past `columns`.
template <int width>
static void packAlong(const float* source, int64_t ld, int64_t columns, int64_t k, float* target) {
  const int64_t full = columns / width;
  for (int64_t p = 0; p < k; p++) {
    const float* row = source + p * ld;
    float* to = target + p * width;
    for (int64_t j = 0; j < full; j++, to += k * width) {
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
template <int width>
static void pack(bool across, const float* source, int64_t ld, int64_t rows, int64_t k, float* target) {
  if (!across) {
    packAlong<width>(source, ld, rows, k, target);
    return;
  }
  for (int64_t r = 0; r < rows; r += width) {
    const int64_t here = rows - r < width ? rows - r : width;
    packAcross<width>(source + r * ld, ld, here, k, target + r * k);
  }
}

}  // namespace TY_ISA
}  // namespace trainyard
