// Working weights from master weights.
#pragma once
#include <vector>

#include "../batches.h"
#include "elementwise.h"

namespace trainyard {
namespace gpu {

template <class T>
void run(const CastCall<T>& c, Gpu& gpu) {
  gpu.launch<Cast<T>>(gridOverFours(c.elements), {c.x, c.y, c.elements});
}

template <class T>
void runFused(const std::vector<CastCall<T>>& calls, Gpu& gpu) {
  Batches<Cast<T>> batches(gpu, gridOver(1).threads, 0);
  for (const CastCall<T>& c : calls) batches.add({c.x, c.y, c.elements}, gridOverFours(c.elements).blocks);
  batches.launch();
}

}  // namespace gpu
}  // namespace trainyard
