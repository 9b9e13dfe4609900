#pragma once
#include <platform/launch.h>

#include "rotary.h"

namespace trainyard {
namespace gpu {

template <class T>
void run(const RotaryCall<T>& c, Gpu& gpu) {
  const int64_t rows = c.batch * c.time;
  const auto heads = static_cast<int64_t>(c.heads);
  gpu.launch<Rotary<T>>(gridOver(rows * heads * (c.headDim / 2)),
                        {c.x, c.table, rows, c.time, c.width, heads, c.headDim, c.inverse != 0 ? -1.0f : 1.0f});
}

}  // namespace gpu
}  // namespace trainyard
