// AdamW whose moments are kept in 8 or 4 bits. An update sees the exact new moments; only what is kept is rounded.
#pragma once
#include "../../common/quantize.h"
#include "../pool.h"
#include "../simd.h"
#include "adamw.inl.h"

namespace trainyard {
namespace TY_ISA {

constexpr int64_t kBlocksPerTask = 64;

// Moments in few bits: codes (one a byte, or two) and the scales of blocks, rows or columns.
struct LowBitStates {
  uint8_t* mCodes;
  float* mScale;
  uint8_t* vCodes;
  float* vScale;
};

static float largest(const float* x, int64_t n) {
  Vf top = zero();
  eachVector(n, [&](int64_t i, int64_t lanes) { top = vmax(top, vabs(loadUpTo(x + i, lanes))); });
  float lanes[W];
  store(lanes, top);
  float result = 0;
  for (int i = 0; i < W; i++) result = lanes[i] > result ? lanes[i] : result;
  return result;
}

static void divide(float* x, float by, int64_t n) {
  if (by == 0.0f) return;
  const Vf divisor = set1(by);
  eachVector(n, [&](int64_t i, int64_t lanes) { storeUpTo(x + i, loadUpTo(x + i, lanes) / divisor, lanes); });
}

static void toCodes(const QuantizationMap& map, const float* x, uint8_t* codes, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    const uint8_t base = map.base[bits >> 16];
    codes[i] = static_cast<uint8_t>(base + (map.middles[base] < x[i] ? 1 : 0));
  }
}

static void fromCodes(const QuantizationMap& map, const uint8_t* codes, float scale, float* x, int64_t n) {
  for (int64_t i = 0; i < n; i++) x[i] = map.values[codes[i]] * scale;
}

// Two codes a byte, the element with the even number in the lower half.
static void unpack4(const uint8_t* packed, int64_t first, int64_t n, uint8_t* codes) {
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = first + i;
    codes[i] = static_cast<uint8_t>(packed[at >> 1] >> ((at & 1) * 4) & 15);
  }
}

// `packed` begins with the first code.
static void pack4(const uint8_t* codes, int64_t n, uint8_t* packed) {
  for (int64_t i = 0; i < n; i += 2) {
    packed[i >> 1] = static_cast<uint8_t>(codes[i] | (i + 1 < n ? codes[i + 1] << 4 : 0));
  }
}

// Updates n parameters; m and v hold the old moments and get the new ones.
static void updateBlock(const AdamWFactors& f, float* p, const float* g, float* m, float* v, int64_t n) {
  eachVector(n, [&](int64_t i, int64_t lanes) {
    Vf moment1 = loadUpTo(m + i, lanes), moment2 = loadUpTo(v + i, lanes);
    const Vf value = f.update(loadUpTo(p + i, lanes), loadUpTo(g + i, lanes), moment1, moment2);
    storeUpTo(p + i, value, lanes);
    storeUpTo(m + i, moment1, lanes);
    storeUpTo(v + i, moment2, lanes);
  });
}

// Body(block, first element, number of elements) for every block, many to a task.
template <class Body>
static void eachBlock(Pool& pool, int64_t elements, int64_t size, const Body& body) {
  const int64_t blocks = (elements + size - 1) / size;
  pool.parallelFor((blocks + kBlocksPerTask - 1) / kBlocksPerTask, [&](int64_t task, int) {
    const int64_t end = (task + 1) * kBlocksPerTask < blocks ? (task + 1) * kBlocksPerTask : blocks;
    for (int64_t block = task * kBlocksPerTask; block < end; block++) {
      const int64_t first = block * size;
      body(block, first, elements - first < size ? elements - first : size);
    }
  });
}

// root: codes and scales of v are those of its square root.
static void adamw8bit(Pool& pool, float* p, const float* g, const LowBitStates& s, const float* stats, int64_t n,
                      bool root, const AdamWNumbers& numbers) {
  if (stats[kNonFinite] != 0.0f) return;
  const AdamWFactors factors(numbers, stats[kClipFactor]);
  const QuantizationMap &mMap = signedMap8(), &vMap = unsignedMap8();
  eachBlock(pool, n, kBlock8, [&](int64_t block, int64_t first, int64_t count) {
    float m[kBlock8], v[kBlock8];
    fromCodes(mMap, s.mCodes + first, s.mScale[block], m, count);
    fromCodes(vMap, s.vCodes + first, s.vScale[block], v, count);
    if (root) eachVector(count, [&](int64_t i, int64_t lanes) {
      const Vf x = loadUpTo(v + i, lanes);
      storeUpTo(v + i, x * x, lanes);
    });
    updateBlock(factors, p + first, g + first, m, v, count);
    if (root) eachVector(count, [&](int64_t i, int64_t lanes) {
      storeUpTo(v + i, vsqrt(loadUpTo(v + i, lanes)), lanes);
    });
    divide(m, s.mScale[block] = largest(m, count), count);
    divide(v, s.vScale[block] = largest(v, count), count);
    toCodes(mMap, m, s.mCodes + first, count);
    toCodes(vMap, v, s.vCodes + first, count);
  });
}

// Vectors: both moments in blocks.
static void adamw4bitBlocks(Pool& pool, float* p, const float* g, const LowBitStates& s, const AdamWFactors& factors,
                            int64_t n) {
  const QuantizationMap &mMap = signedMap4(), &vMap = unsignedMap4();
  eachBlock(pool, n, kBlock4, [&](int64_t block, int64_t first, int64_t count) {
    float m[kBlock4], v[kBlock4];
    uint8_t codes[kBlock4];
    unpack4(s.mCodes, first, count, codes);
    fromCodes(mMap, codes, s.mScale[block], m, count);
    unpack4(s.vCodes, first, count, codes);
    fromCodes(vMap, codes, s.vScale[block], v, count);
    updateBlock(factors, p + first, g + first, m, v, count);
    divide(m, s.mScale[block] = largest(m, count), count);
    divide(v, s.vScale[block] = largest(v, count), count);
    toCodes(mMap, m, codes, count);
    pack4(codes, count, s.mCodes + first / 2);
    toCodes(vMap, v, codes, count);
    pack4(codes, count, s.vCodes + first / 2);
  });
}

// The scales of n elements of a matrix from the element `first` on: the smaller of the row's and the column's.
static void rankOneScales(const float* rowScale, const float* columnScale, int64_t columns, int64_t first, int64_t n,
                          float* out) {
  for (int64_t done = 0; done < n;) {
    const int64_t row = (first + done) / columns, column = (first + done) % columns;
    const int64_t count = columns - column < n - done ? columns - column : n - done;
    const Vf ofRow = set1(rowScale[row]);
    float* const at = out + done;
    const float* const ofColumns = columnScale + column;
    eachVector(count, [&](int64_t i, int64_t lanes) {
      storeUpTo(at + i, vmin(loadUpTo(ofColumns + i, lanes), ofRow), lanes);
    });
    done += count;
  }
}

// The largest new second moment of every row and column, into `scales` (rows, then columns).
// partial: kRankOneChunks × columns floats.
static void rankOneMaxima(Pool& pool, const float* g, const LowBitStates& s, const AdamWFactors& factors, int64_t rows,
                          int64_t columns, float* scales, float* partial) {
  constexpr int64_t kSegment = 512;
  const QuantizationMap& map = unsignedMap4();
  const int64_t chunkRows = (rows + kRankOneChunks - 1) / kRankOneChunks;
  const int64_t chunks = (rows + chunkRows - 1) / chunkRows;
  pool.parallelFor(chunks, [&](int64_t chunk, int) {
    float* const columnMax = partial + chunk * columns;
    for (int64_t c = 0; c < columns; c++) columnMax[c] = 0;
    const int64_t end = (chunk + 1) * chunkRows < rows ? (chunk + 1) * chunkRows : rows;
    for (int64_t row = chunk * chunkRows; row < end; row++) {
      float rowMax = 0;
      for (int64_t c = 0; c < columns; c += kSegment) {
        const int64_t count = columns - c < kSegment ? columns - c : kSegment;
        const int64_t first = row * columns + c;
        uint8_t codes[kSegment];
        float v[kSegment], scale[kSegment];
        unpack4(s.vCodes, first, count, codes);
        fromCodes(map, codes, 1.0f, v, count);
        rankOneScales(s.vScale, s.vScale + rows, columns, first, count, scale);
        eachVector(count, [&](int64_t i, int64_t lanes) {
          const Vf old = loadUpTo(v + i, lanes) * loadUpTo(scale + i, lanes);
          const Vf now = factors.moment2(loadUpTo(g + first + i, lanes), old);
          storeUpTo(v + i, now, lanes);
          storeUpTo(columnMax + c + i, vmax(loadUpTo(columnMax + c + i, lanes), now), lanes);
        });
        const float here = largest(v, count);
        rowMax = here > rowMax ? here : rowMax;
      }
      scales[row] = rowMax;
    }
  });
  for (int64_t c = 0; c < columns; c++) scales[rows + c] = 0;
  for (int64_t chunk = 0; chunk < chunks; chunk++) {
    float* const all = scales + rows;
    const float* const some = partial + chunk * columns;
    eachVector(columns, [&](int64_t i, int64_t lanes) {
      storeUpTo(all + i, vmax(loadUpTo(all + i, lanes), loadUpTo(some + i, lanes)), lanes);
    });
  }
}

// Matrices: the second moment's scale is the smaller of its row's and its column's largest, which must be known first.
// workspace: rows + columns + kRankOneChunks × columns floats
static void adamw4bitRankOne(Pool& pool, float* p, const float* g, const LowBitStates& s, const AdamWFactors& factors,
                             int64_t rows, int64_t columns, float* workspace) {
  float* const scales = workspace;
  rankOneMaxima(pool, g, s, factors, rows, columns, scales, workspace + rows + columns);
  const QuantizationMap &mMap = signedMap4(), &vMap = unsignedMap4();
  eachBlock(pool, rows * columns, kBlock4, [&](int64_t block, int64_t first, int64_t count) {
    float m[kBlock4], v[kBlock4], scale[kBlock4];
    uint8_t codes[kBlock4];
    unpack4(s.mCodes, first, count, codes);
    fromCodes(mMap, codes, s.mScale[block], m, count);
    unpack4(s.vCodes, first, count, codes);
    fromCodes(vMap, codes, 1.0f, v, count);
    rankOneScales(s.vScale, s.vScale + rows, columns, first, count, scale);
    eachVector(count, [&](int64_t i, int64_t lanes) {
      storeUpTo(v + i, loadUpTo(v + i, lanes) * loadUpTo(scale + i, lanes), lanes);
    });
    updateBlock(factors, p + first, g + first, m, v, count);
    divide(m, s.mScale[block] = largest(m, count), count);
    toCodes(mMap, m, codes, count);
    pack4(codes, count, s.mCodes + first / 2);
    rankOneScales(scales, scales + rows, columns, first, count, scale);
    eachVector(count, [&](int64_t i, int64_t lanes) {
      const Vf by = loadUpTo(scale + i, lanes);
      const Vf safe = select(less(zero(), by), by, set1(1.0f));
      storeUpTo(v + i, loadUpTo(v + i, lanes) / safe, lanes);
    });
    toCodes(vMap, v, codes, count);
    pack4(codes, count, s.vCodes + first / 2);
  });
  memcpy(s.vScale, scales, static_cast<size_t>(rows + columns) * sizeof(float));
}

// rows 0: a vector.
static void adamw4bit(Pool& pool, float* p, const float* g, const LowBitStates& s, const float* stats, int64_t n,
                      int64_t rows, float* workspace, const AdamWNumbers& numbers) {
  if (stats[kNonFinite] != 0.0f) return;
  const AdamWFactors factors(numbers, stats[kClipFactor]);
  if (rows == 0) return adamw4bitBlocks(pool, p, g, s, factors, n);
  adamw4bitRankOne(pool, p, g, s, factors, rows, n / rows, workspace);
}

static void run(const Adamw8bitCall& c, Pool& pool) {
  adamw8bit(pool, c.p, c.g, {c.mCodes, c.mScale, c.vCodes, c.vScale}, c.stats, c.elements, c.root != 0, numbersOf(c));
}

static void run(const Adamw4bitCall& c, Pool& pool) {
  adamw4bit(pool, c.p, c.g, {c.mCodes, c.mScale, c.vCodes, c.vScale}, c.stats, c.elements, static_cast<int64_t>(c.rows),
            c.workspace, numbersOf(c));
}

}  // namespace TY_ISA
}  // namespace trainyard
