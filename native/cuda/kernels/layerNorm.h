// Layer normalisation over rows, forward and backward. A block takes a row.
#pragma once
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

constexpr int kNormThreads = 128;
constexpr size_t kNormSharedBytes = 2 * kNormThreads / 32 * sizeof(float);
// Rows whose partial sums of dgamma and dbeta are taken together; layerNormRowsPerChunk in the op's declaration.
constexpr int64_t kNormRowsPerChunk = 32;

template <class T>
struct LayerNorm {
  static constexpr const char* name = "layerNorm";
  struct Args {
    const T* x;
    const float* gamma;
    const float* beta;
    T* y;
    float* mean;
    float* rstd;
    int64_t width;
    float eps;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const Shared<float> scratch = t.shared<float>(0);
    const int64_t row = t.block();
    const T* x = a.x + row * a.width;
    T* y = a.y + row * a.width;
    float sum = 0;
    for (int64_t i = t.index(); i < a.width; i += t.threads()) sum += toFloat(x[i]);
    const float mean = blockSum(t, sum, scratch) / static_cast<float>(a.width);
    // The variance is taken from the differences: the difference of two large sums would lose it.
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
template <class T>
struct LayerNormBackwardInput {
  static constexpr const char* name = "layerNormBackwardInput";
  struct Args {
    const T* dy;
    const T* x;
    const float* gamma;
    const float* mean;
    const float* rstd;
    T* dx;
    int64_t width;
    bool accumulate;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
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
    const int64_t first = t.blockY() * kNormRowsPerChunk;
    const int64_t end = first + kNormRowsPerChunk < a.rows ? first + kNormRowsPerChunk : a.rows;
    float gamma = 0, beta = 0;
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
