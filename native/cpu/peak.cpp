#include "peak.h"

#include <algorithm>
#include <chrono>

namespace trainyard {

namespace {

volatile float sink;

double secondsOf(float (*burst)(int64_t), int64_t iterations) {
  const auto start = std::chrono::steady_clock::now();
  sink = burst(iterations);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

void measurePeak(Pool& pool, float (*burst)(int64_t iterations), double flopsPerIteration, double* oneCore,
                 double* allThreads) {
  constexpr double kBurstSeconds = 5e-3;
  constexpr int kBursts = 30;
  int64_t iterations = 1 << 12;
  while (secondsOf(burst, iterations) < kBurstSeconds && iterations < int64_t{1} << 40) iterations *= 2;

  double best = 1e300, bestAll = 1e300;
  for (int i = 0; i < kBursts; i++) best = std::min(best, secondsOf(burst, iterations));
  // Several tasks a thread, so that one late thread does not decide the time.
  constexpr int64_t kTasksPerThread = 8;
  const int64_t tasks = pool.threads() * kTasksPerThread;
  for (int i = 0; i < kBursts; i++) {
    const auto start = std::chrono::steady_clock::now();
    pool.parallelFor(tasks, [&](int64_t, int) { sink = burst(iterations / kTasksPerThread); });
    bestAll = std::min(bestAll, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  *oneCore = static_cast<double>(iterations) * flopsPerIteration / best;
  const double done = static_cast<double>(tasks) * static_cast<double>(iterations / kTasksPerThread);
  *allThreads = done * flopsPerIteration / bestAll;
}

}  // namespace trainyard
