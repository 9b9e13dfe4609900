// Measures how fast this machine multiplies and adds: the denominator of every share that a benchmark prints.
#pragma once
#include <cstdint>

#include "pool.h"

namespace trainyard {

// burst(n) performs n × flopsPerIteration floating-point operations on independent accumulators and returns something
// that depends on all of them. Rates are in FLOP/s, the best of several bursts of a few milliseconds.
void measurePeak(Pool& pool, float (*burst)(int64_t iterations), double flopsPerIteration, double* oneCore,
                 double* allThreads);

}  // namespace trainyard
