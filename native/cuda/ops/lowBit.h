// AdamW whose events are kept in 8 or 4 bits. An update sees the exact new events; only what is kept is rounded. A
// warp takes a block of elements that share a scale.
#pragma once
#include "../../common/quantize.h"
#include "adamw.h"

namespace trainyard {
namespace gpu {

constexpr int kBlockWarps = 8;

inline Grid gridOverBlocks(int64_t blocks) { return {ceilDiv(blocks, kBlockWarps), 1, kBlockWarps * 32, 0}; }

struct LowBitArgs {
  float* p;
  const float* g;
  uint8_t* mCodes;
  float* mScale;
  uint8_t* vCodes;
  float* vScale;
  int64_t elements;
  AdamWNumbers numbers;
  const QuantizationMap* mMap;  // in the device's memory
  const QuantizationMap* vMap;
  bool root;  // codes and scales of v are those of its square root
};

TY_KERNEL uint8_t toCode(const QuantizationMap& map, float x) {
  const uint8_t base = map.base[floatBits(x) >> 16];
  return static_cast<uint8_t>(base + (map.middles[base] < x ? 1 : 0));
}

TY_KERNEL uint8_t code4(const uint8_t* packed, int64_t i) {
  return static_cast<uint8_t>(packed[i >> 1] >> ((i & 1) * 4) & 15);
}

TY_KERNEL float normalized(float x, float scale) { return scale == 0.0f ? x : x / scale; }

struct AdamW8bit {
  static constexpr const char* name = "adamw8bit";
  using Args = LowBitArgs;
  TY_KERNEL static void run(Thread& t, const Args& a) { part(t, a, t.block(), t.blocks()); }
  TY_KERNEL static void part(Thread& t, const Args& a, int64_t threadBlock, int64_t) {
    const int64_t block = threadBlock * t.warps() + t.warp(), first = block * kBlock8;
    if (skips(a.numbers) || first >= a.elements) return;
    const AdamWFactors factors = AdamWFactors::of(a.numbers);
    constexpr int kEach = kBlock8 / 32;
    const float mOld = a.mScale[block], vOld = a.vScale[block];
    float m[kEach], v[kEach], mMax = 0, vMax = 0;
    for (int j = 0; j < kEach; j++) {
      const int64_t i = first + 32 * j + t.lane();
      m[j] = v[j] = 0;
      if (i >= a.elements) continue;
      m[j] = a.mMap->values[a.mCodes[i]] * mOld;
      v[j] = a.vMap->values[a.vCodes[i]] * vOld;
      if (a.root) v[j] *= v[j];
      a.p[i] = factors.update(a.p[i], a.g[i], m[j], v[j]);
      if (a.root) v[j] = sqrtf(v[j]);
      mMax = fmaxf(mMax, fabsf(m[j]));
      vMax = fmaxf(vMax, fabsf(v[j]));
    }
    mMax = warpMax(t, mMax);
    vMax = warpMax(t, vMax);
    // Every lane has read the old scales before one of them writes the new ones.
    t.syncWarp();
    if (t.lane() == 0) {
      a.mScale[block] = mMax;
      a.vScale[block] = vMax;
    }
    for (int j = 0; j < kEach; j++) {
      const int64_t i = first + 32 * j + t.lane();
      if (i >= a.elements) continue;
      a.mCodes[i] = toCode(*a.mMap, normalized(m[j], mMax));
      a.vCodes[i] = toCode(*a.vMap, normalized(v[j], vMax));
    }
  }
};

struct RankOneArgs {
  LowBitArgs of;
  int64_t rows, columns;
  float* scales;   // the new ones: rows, then columns
  float* partial;  // kRankOneChunks × columns
};

// The second moment of an element before the step.
TY_KERNEL float rankOneMoment(const RankOneArgs& a, int64_t row, int64_t column) {
  const float scale = fminf(a.of.vScale[row], a.of.vScale[a.rows + column]);
  return a.of.vMap->values[code4(a.of.vCodes, row * a.columns + column)] * scale;
}

// The largest new second moment of every row: a block takes a row.
struct RankOneRows {
  static constexpr const char* name = "rankOneRows";
  using Args = RankOneArgs;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    if (skips(a.of.numbers)) return;
    const AdamWFactors factors = AdamWFactors::of(a.of.numbers);
    const int64_t row = t.block();
    float largest = 0;
    for (int64_t c = t.index(); c < a.columns; c += t.threads()) {
      const int64_t i = row * a.columns + c;
      largest = fmaxf(largest, factors.moment2(a.of.g[i], rankOneMoment(a, row, c)));
    }
    largest = blockMax(t, largest, t.shared<float>(0));
    if (t.index() == 0) a.scales[row] = largest;
  }
};

// The largest of every column in a chunk of rows. Blocks: columns; blocksY: chunks.
struct RankOneColumns {
  static constexpr const char* name = "rankOneColumns";
  using Args = RankOneArgs;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t c = t.block() * t.threads() + t.index();
    if (skips(a.of.numbers) || c >= a.columns) return;
    const AdamWFactors factors = AdamWFactors::of(a.of.numbers);
    const int64_t chunkRows = (a.rows + kRankOneChunks - 1) / kRankOneChunks;
    const int64_t first = t.blockY() * chunkRows;
    const int64_t end = first + chunkRows < a.rows ? first + chunkRows : a.rows;
    float largest = 0;
    for (int64_t row = first; row < end; row++) {
      const int64_t i = row * a.columns + c;
      largest = fmaxf(largest, factors.moment2(a.of.g[i], rankOneMoment(a, row, c)));
    }
    a.partial[t.blockY() * a.columns + c] = largest;
  }
};

struct RankOneColumnMaxima {
  static constexpr const char* name = "rankOneColumnMaxima";
  using Args = RankOneArgs;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t c = t.block() * t.threads() + t.index();
    if (skips(a.of.numbers) || c >= a.columns) return;
    float largest = 0;
    for (int64_t chunk = 0; chunk < kRankOneChunks; chunk++) largest = fmaxf(largest, a.partial[chunk * a.columns + c]);
    a.scales[a.rows + c] = largest;
  }
};

// vScale = scales
struct RankOneScales {
  static constexpr const char* name = "rankOneScales";
  using Args = RankOneArgs;
  TY_KERNEL static void run(Thread& t, const Args& a) {
    if (skips(a.of.numbers)) return;
    eachElement(t, a.rows + a.columns, [&](int64_t i) { a.of.vScale[i] = a.scales[i]; });
  }
};

// `rows` 0: a vector, whose second moment has a scale a block as the first one has.
struct AdamW4bit {
  static constexpr const char* name = "adamw4bit";
  using Args = RankOneArgs;
  TY_KERNEL static void run(Thread& t, const Args& r) {
    const LowBitArgs& a = r.of;
    const int64_t block = t.block() * t.warps() + t.warp(), first = block * kBlock4;
    if (skips(a.numbers) || first >= a.elements) return;
    const AdamWFactors factors = AdamWFactors::of(a.numbers);
    constexpr int kEach = kBlock4 / 32;
    const float mOld = a.mScale[block], vOld = r.rows ? 0.0f : a.vScale[block];
    float m[kEach], v[kEach], mMax = 0, vMax = 0;
    // Neighbors share a byte: a lane takes some in a row.
    const int64_t own = first + kEach * t.lane();
    int64_t row[kEach], column[kEach];
    row[0] = r.rows ? own / r.columns : 0;
    column[0] = r.rows ? own % r.columns : 0;
    for (int j = 1; j < kEach; j++) {
      const bool isNext = column[j - 1] + 1 == r.columns;
      row[j] = row[j - 1] + (isNext ? 1 : 0);
      column[j] = isNext ? 0 : column[j - 1] + 1;
    }
    static_assert(kEach == 4, "a lane's elements are read by one access");
    const bool isWhole = own + kEach <= a.elements;
    Pack<float> p{}, g{};
    if (isWhole) {
      p = *reinterpret_cast<const Pack<float>*>(a.p + own);
      g = *reinterpret_cast<const Pack<float>*>(a.g + own);
    }
    for (int j = 0; j < kEach; j++) {
      const int64_t i = own + j;
      m[j] = v[j] = 0;
      if (i >= a.elements) continue;
      m[j] = a.mMap->values[code4(a.mCodes, i)] * mOld;
      v[j] = r.rows ? rankOneMoment(r, row[j], column[j]) : a.vMap->values[code4(a.vCodes, i)] * vOld;
      if (!isWhole) {
        p.at[j] = a.p[i];
        g.at[j] = a.g[i];
      }
      p.at[j] = factors.update(p.at[j], g.at[j], m[j], v[j]);
      if (!isWhole) a.p[i] = p.at[j];
      mMax = fmaxf(mMax, fabsf(m[j]));
      vMax = fmaxf(vMax, fabsf(v[j]));
    }
    if (isWhole) *reinterpret_cast<Pack<float>*>(a.p + own) = p;
    mMax = warpMax(t, mMax);
    vMax = warpMax(t, vMax);
    // Every lane has read the old scales before one of them writes the new ones.
    t.syncWarp();
    if (t.lane() == 0) {
      a.mScale[block] = mMax;
      if (!r.rows) a.vScale[block] = vMax;
    }
    for (int j = 0; j < kEach; j += 2) {
      if (own + j >= a.elements) continue;
      int mByte = 0, vByte = 0;
      for (int k = 0; k < 2 && own + j + k < a.elements; k++) {
        float scale = vMax;
        if (r.rows) scale = fminf(r.scales[row[j + k]], r.scales[r.rows + column[j + k]]);
        mByte |= toCode(*a.mMap, normalized(m[j + k], mMax)) << (4 * k);
        vByte |= toCode(*a.vMap, normalized(v[j + k], scale)) << (4 * k);
      }
      a.mCodes[(own + j) / 2] = static_cast<uint8_t>(mByte);
      a.vCodes[(own + j) / 2] = static_cast<uint8_t>(vByte);
    }
  }
};

}  // namespace gpu
}  // namespace trainyard
