#pragma once
#include <platform/launch.h>

#include "elementwise.h"

namespace trainyard {
namespace gpu {

template <class T>
void run(const DropoutCall<T>& c, Gpu& gpu) {
  gpu.launch<DropoutKernel<T>>(gridOver(c.rows * c.width), {c.x, c.residual, c.y, c.rows * c.width,
                                                            makeDropout(c.rng, c.stream, c.dropout)});
}

}  // namespace gpu
}  // namespace trainyard
