// Token and position embeddings, and rows that are picked.
#pragma once
#include "elementwise.h"
#include "faults.h"

namespace trainyard {
namespace gpu {

// x[row] = wte[token] + wpe[position]; positions of a sequence follow `position`, or are given one by one.
template <class T>
struct Embed {
  static constexpr const char* name = "embed";
  struct Args {
    const int32_t* tokens;
    const int32_t* position;   // of the first column, or null
    const int32_t* positions;  // of each row, where there is no first
    const T* wte;
    const T* wpe;
    T* x;
    int64_t rows, time, width, vocab, context;
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.rows * a.width, [&](int64_t i) {
      const int64_t row = i / a.width, column = i % a.width;
      const int64_t place = a.position ? a.position[0] + row % a.time : a.positions[row];
      const int64_t token = checkedIndex(t, a.tokens[row], 0, a.vocab, kTokenFault, a.faults);
      const int64_t position = checkedIndex(t, place, 0, a.context, kPositionFault, a.faults);
      fromFloat(toFloat(a.wte[token * a.width + column]) + toFloat(a.wpe[position * a.width + column]), a.x + i);
    });
  }
};

// x[row] = wte[token]
template <class T>
struct EmbedTokens {
  static constexpr const char* name = "embedTokens";
  struct Args {
    const int32_t* tokens;
    const T* wte;
    T* x;
    int64_t rows, width, vocab;
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.rows * a.width, [&](int64_t i) {
      const int64_t token = checkedIndex(t, a.tokens[i / a.width], 0, a.vocab, kTokenFault, a.faults);
      a.x[i] = a.wte[token * a.width + i % a.width];
    });
  }
};

// dwpe[position] += Σ dx over the sequences. Blocks: positions; blocksY: columns.
template <class T>
struct PositionGradient {
  static constexpr const char* name = "positionGradient";
  struct Args {
    const T* dx;
    float* dwpe;
    int64_t batch, time, width;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t column = t.blockY() * t.threads() + t.index(), position = t.block();
    if (column >= a.width) return;
    float sum = a.dwpe[position * a.width + column];
    for (int64_t b = 0; b < a.batch; b++) sum += toFloat(a.dx[(b * a.time + position) * a.width + column]);
    a.dwpe[position * a.width + column] = sum;
  }
};

// dwte[token] += Σ dx over the rows with that token. The block of the first such row takes them all, one behind the
// other, so that sums come out the same each time; those of the others have nothing to do. Blocks: rows; blocksY: columns.
template <class T>
struct TokenGradient {
  static constexpr const char* name = "tokenGradient";
  static constexpr int kWarps = 4;
  static constexpr size_t kSharedBytes = kWarps * sizeof(uint32_t);
  struct Args {
    const T* dx;
    const int32_t* tokens;
    float* dwte;
    int64_t rows, width, vocab;
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t own = t.block(), column = t.blockY() * t.threads() + t.index();
    const int32_t token = a.tokens[own];
    const int64_t row = checkedIndex(t, token, 0, a.vocab, kTokenFault, a.faults);
    const Shared<uint32_t> found = t.shared<uint32_t>(0);
    bool isLater = false;
    for (int64_t first = 0; first < own && !isLater; first += t.threads())
      isLater = anyOf(t, first + t.index() < own && a.tokens[first + t.index()] == token, found);
    if (isLater) return;
    float sum = column < a.width ? a.dwte[row * a.width + column] : 0.0f;
    for (int64_t first = own; first < a.rows; first += t.threads()) {
      if (!anyOf(t, first + t.index() < a.rows && a.tokens[first + t.index()] == token, found)) continue;
      for (int w = 0; w < kWarps; w++) {
        for (uint32_t bits = found[w], i = 0; bits != 0; bits >>= 1, i++) {
          if ((bits & 1u) == 0 || column >= a.width) continue;
          sum += toFloat(a.dx[(first + 32 * w + i) * a.width + column]);
        }
      }
    }
    if (column < a.width) a.dwte[row * a.width + column] = sum;
  }

 private:
  // Whether `x` holds in any thread; `found` has a bit of each.
  TY_KERNEL static bool anyOf(Thread& t, bool x, Shared<uint32_t> found) {
    const uint32_t bits = t.ballot(x);
    // All have done with what was found before.
    t.sync();
    if (t.lane() == 0) found[t.warp()] = bits;
    t.sync();
    uint32_t all = 0;
    for (int w = 0; w < kWarps; w++) all |= found[w];
    return all != 0;
  }
};

// y[row] = x[index[row]]
template <class T>
struct SelectRows {
  static constexpr const char* name = "selectRows";
  struct Args {
    const T* x;
    const int32_t* index;
    T* y;
    int64_t rows, width, sourceRows;
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.rows * a.width, [&](int64_t i) {
      const int64_t row = checkedIndex(t, a.index[i / a.width], 0, a.sourceRows, kRowFault, a.faults);
      a.y[i] = a.x[row * a.width + i % a.width];
    });
  }
};

}  // namespace gpu
}  // namespace trainyard
