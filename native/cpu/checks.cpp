#include "checks.h"

#include "../common/failure.h"

namespace trainyard {

void requireIndices(const char* what, const int32_t* indices, int64_t n, int64_t lower, int64_t end) {
  for (int64_t i = 0; i < n; i++) {
    if (indices[i] >= lower && indices[i] < end) continue;
    throw Failure(Code::indexOutOfRange, {{"what", what}, {"index", number(indices[i])}, {"end", number(end)}});
  }
}

void requirePositions(int64_t position, int64_t time, int64_t context) {
  if (position >= 0 && position + time <= context) return;
  throw Failure(Code::positionsOutOfRange,
                {{"position", number(position)}, {"more", number(time - 1)}, {"context", number(context)}});
}

void requireSpans(const int32_t* spans, int64_t rows) {
  for (int64_t row = 0; row < rows; row++, spans += 3) {
    if (0 <= spans[0] && spans[0] <= spans[1] && spans[1] <= spans[2] && spans[2] <= row) continue;
    throw Failure(Code::spansOutOfOrder, {{"row", number(row)}});
  }
}

}  // namespace trainyard
