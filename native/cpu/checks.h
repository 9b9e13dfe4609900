// What calls check of the indices that they are given, which come from data: one that is out of range must end the run, not
// write somewhere. All throw Failure, and none is inlined into kernels, which allocate nothing.
#pragma once
#include <cstdint>

namespace trainyard {

// what: as failures call it. All lie in least … end - 1.
void requireIndices(const char* what, const int32_t* indices, int64_t n, int64_t lower, int64_t end);
void requirePositions(int64_t position, int64_t time, int64_t context);
// Of each row: the begin and the end of a stretch before it, and the begin of its own, in this order.
void requireSpans(const int32_t* spans, int64_t rows);

}  // namespace trainyard
