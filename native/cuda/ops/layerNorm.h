// Layer normalization over rows, forward and backward. A block takes a row, or each of its warps one that is short.
#pragma once
#include "../layer/layer.h"
#include "calls.h"
#include "pack.h"

namespace trainyard {
namespace gpu {

constexpr int kNormThreads = 128;
constexpr size_t kNormSharedBytes = 2 * kNormThreads / 32 * sizeof(float);

// `team` threads take a row: a warp, which adds up without a barrier, or all of the block.
template <int team>
TY_KERNEL int64_t teamRow(Thread& t) {
  return t.block() * (kNormThreads / team) + t.index() / team;
}
template <int team>
TY_KERNEL float teamSum(Thread& t, float x, Shared<float> scratch) {
  if constexpr (team == kWarp) {
    return warpSum(t, x);
  } else {
    return blockSum(t, x, scratch);
  }
}
// Eight numbers of a row and a thread at a time, `packs` of them, kept in registers: read once. Element of a pack.
template <int team>
TY_KERNEL int64_t packAt(Thread& t, int pack) {
  return 8 * (int64_t{pack} * team + t.index() % team);
}

// packs: 0 where rows are not aligned to 16 bytes, or too wide: then element by element, by a block.
template <class T, int packs, int team>
struct LayerNorm {
  static constexpr const char* name = "layerNorm";
  static constexpr int kThreads = kNormThreads, kMinBlocks = 1;
  struct Args {
    const T* x;
    const float* gamma;
    const float* beta;
    T* y;
    float* mean;
    float* rstd;
    int64_t rows, width;
    float eps;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    if constexpr (packs > 0) {
      wide(t, a);
    } else {
      byElement(t, a);
    }
  }

 private:
  TY_KERNEL static void wide(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = teamRow<team>(t);
    if (row >= a.rows) return;
    const T* from = a.x + row * a.width;
    float x[packs][8] = {}, sum = 0, squares = 0;
    TY_UNROLL
    for (int p = 0; p < packs; p++) {
      if (packAt<team>(t, p) >= a.width) continue;
      load8(from + packAt<team>(t, p), x[p]);
      TY_UNROLL
      for (int i = 0; i < 8; i++) sum += x[p][i];
    }
    const float mean = teamSum<team>(t, sum, scratch) / static_cast<float>(a.width);
    // The variance is taken from the differences: the difference of two large sums would lose it.
    TY_UNROLL
    for (int p = 0; p < packs; p++) {
      if (packAt<team>(t, p) >= a.width) continue;
      TY_UNROLL
      for (int i = 0; i < 8; i++) squares = fmaf(x[p][i] - mean, x[p][i] - mean, squares);
    }
    const float rstd = 1.0f / sqrtf(teamSum<team>(t, squares, scratch) / static_cast<float>(a.width) + a.eps);
    TY_UNROLL
    for (int p = 0; p < packs; p++) {
      if (packAt<team>(t, p) >= a.width) continue;
      float gamma[8], beta[8];
      load8(a.gamma + packAt<team>(t, p), gamma);
      load8(a.beta + packAt<team>(t, p), beta);
      TY_UNROLL
      for (int i = 0; i < 8; i++) x[p][i] = fmaf((x[p][i] - mean) * rstd, gamma[i], beta[i]);
      store8(x[p], a.y + row * a.width + packAt<team>(t, p));
    }
    if (t.index() % team == 0) {
      a.mean[row] = mean;
      a.rstd[row] = rstd;
    }
  }

  TY_KERNEL static void byElement(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = t.block();
    const T* x = a.x + row * a.width;
    T* y = a.y + row * a.width;
    float sum = 0;
    for (int64_t i = t.index(); i < a.width; i += t.threads()) sum += toFloat(x[i]);
    const float mean = blockSum(t, sum, scratch) / static_cast<float>(a.width);
    float squares = 0;
    for (int64_t i = t.index(); i < a.width; i += t.threads()) {
      const float d = toFloat(x[i]) - mean;
      squares += d * d;
    }
    const float rstd = 1.0f / sqrtf(blockSum(t, squares, scratch) / static_cast<float>(a.width) + a.eps);
    for (int64_t i = t.index(); i < a.width; i += t.threads())
      fromFloat((toFloat(x[i]) - mean) * rstd * a.gamma[i] + a.beta[i], y + i);
    if (t.index() == 0) {
      a.mean[row] = mean;
      a.rstd[row] = rstd;
    }
  }
};

// dx = (dy·gamma - mean(dy·gamma) - normal · mean(dy·gamma·normal)) · rstd
template <class T, int packs, int team>
struct LayerNormBackwardInput {
  static constexpr const char* name = "layerNormBackwardInput";
  static constexpr int kThreads = kNormThreads, kMinBlocks = 1;
  struct Args {
    const T* dy;
    const T* x;
    const float* gamma;
    const float* mean;
    const float* rstd;
    T* dx;
    int64_t rows, width;
    bool accumulate;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    if constexpr (packs > 0) {
      wide(t, a);
    } else {
      byElement(t, a);
    }
  }

 private:
  TY_KERNEL static void wide(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = teamRow<team>(t), base = row * a.width;
    if (row >= a.rows) return;
    const float mean = a.mean[row], rstd = a.rstd[row];
    // dy·gamma, and normal
    float scaled[packs][8] = {}, normal[packs][8] = {}, sum = 0, dot = 0;
    TY_UNROLL
    for (int p = 0; p < packs; p++) {
      if (packAt<team>(t, p) >= a.width) continue;
      float gamma[8];
      load8(a.gamma + packAt<team>(t, p), gamma);
      load8(a.dy + base + packAt<team>(t, p), scaled[p]);
      load8(a.x + base + packAt<team>(t, p), normal[p]);
      TY_UNROLL
      for (int i = 0; i < 8; i++) {
        scaled[p][i] *= gamma[i];
        normal[p][i] = (normal[p][i] - mean) * rstd;
        sum += scaled[p][i];
        dot = fmaf(scaled[p][i], normal[p][i], dot);
      }
    }
    const float meanSum = teamSum<team>(t, sum, scratch) / static_cast<float>(a.width);
    const float meanDot = teamSum<team>(t, dot, scratch) / static_cast<float>(a.width);
    TY_UNROLL
    for (int p = 0; p < packs; p++) {
      if (packAt<team>(t, p) >= a.width) continue;
      T* to = a.dx + base + packAt<team>(t, p);
      float old[8] = {};
      if (a.accumulate) load8(to, old);
      TY_UNROLL
      for (int i = 0; i < 8; i++) {
        const float value = (scaled[p][i] - meanSum - normal[p][i] * meanDot) * rstd;
        scaled[p][i] = a.accumulate ? value + old[i] : value;
      }
      store8(scaled[p], to);
    }
  }

  TY_KERNEL static void byElement(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = t.block();
    const T* dy = a.dy + row * a.width;
    const T* x = a.x + row * a.width;
    T* dx = a.dx + row * a.width;
    const float mean = a.mean[row], rstd = a.rstd[row];
    float sum = 0, dot = 0;
    for (int64_t i = t.index(); i < a.width; i += t.threads()) {
      const float scaled = toFloat(dy[i]) * a.gamma[i];
      sum += scaled;
      dot += scaled * ((toFloat(x[i]) - mean) * rstd);
    }
    const float meanSum = blockSum(t, sum, scratch) / static_cast<float>(a.width);
    const float meanDot = blockSum(t, dot, scratch) / static_cast<float>(a.width);
    for (int64_t i = t.index(); i < a.width; i += t.threads()) {
      const float normal = (toFloat(x[i]) - mean) * rstd;
      const float value = (toFloat(dy[i]) * a.gamma[i] - meanSum - normal * meanDot) * rstd;
      fromFloat(a.accumulate ? value + toFloat(dx[i]) : value, dx + i);
    }
  }
};

// The partial sums of dgamma and dbeta of a chunk of rows: a thread takes a column. Blocks: columns; blocksY: chunks.
template <class T>
struct LayerNormBackwardChunks {
  static constexpr const char* name = "layerNormBackwardChunks";
  struct Args {
    const T* dy;
    const T* x;
    const float* mean;
    const float* rstd;
    float* partial;  // chunks × 2 × width
    int64_t rows, width;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t column = t.block() * t.threads() + t.index();
    if (column >= a.width) return;
    const int64_t first = t.blockY() * kLayerNormRowsPerChunk;
    const int64_t end = first + kLayerNormRowsPerChunk < a.rows ? first + kLayerNormRowsPerChunk : a.rows;
    float gamma = 0, beta = 0;
    TY_UNROLL_BY(8)
    for (int64_t row = first; row < end; row++) {
      const float d = toFloat(a.dy[row * a.width + column]);
      gamma += d * ((toFloat(a.x[row * a.width + column]) - a.mean[row]) * a.rstd[row]);
      beta += d;
    }
    float* out = a.partial + t.blockY() * 2 * a.width + column;
    out[0] = gamma;
    out[a.width] = beta;
  }
};

struct LayerNormBackwardSum {
  static constexpr const char* name = "layerNormBackwardSum";
  struct Args {
    const float* partial;
    float* dgamma;
    float* dbeta;
    int64_t chunks, width;
    bool addGamma, addBeta;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t column = t.block() * t.threads() + t.index();
    if (column >= a.width) return;
    float gamma = a.addGamma ? a.dgamma[column] : 0.0f, beta = a.addBeta ? a.dbeta[column] : 0.0f;
    TY_UNROLL_BY(8)
    for (int64_t chunk = 0; chunk < a.chunks; chunk++) {
      gamma += a.partial[chunk * 2 * a.width + column];
      beta += a.partial[chunk * 2 * a.width + a.width + column];
    }
    a.dgamma[column] = gamma;
    a.dbeta[column] = beta;
  }
};

}  // namespace gpu
}  // namespace trainyard
