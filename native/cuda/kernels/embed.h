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

// dwte[token] += dx and dwpe[column] += dx. A thread owns a column of both tables and takes the rows in order, so that
// sums come out the same each time.
template <class T>
struct EmbedBackward {
  static constexpr const char* name = "embedBackward";
  struct Args {
    const T* dx;
    const int32_t* tokens;
    float* dwte;
    float* dwpe;
    int64_t rows, time, width, vocab;
    int32_t* faults;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    const int64_t column = t.block() * t.threads() + t.index();
    if (column >= a.width) return;
    for (int64_t row = 0; row < a.rows; row++) {
      const float d = toFloat(a.dx[row * a.width + column]);
      const int64_t token = checkedIndex(t, a.tokens[row], 0, a.vocab, kTokenFault, a.faults);
      a.dwte[token * a.width + column] += d;
      a.dwpe[row % a.time * a.width + column] += d;
    }
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
