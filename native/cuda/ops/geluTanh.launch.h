#pragma once
#include <platform/launch.h>

#include "geluTanh.h"

namespace trainyard {
namespace gpu {

template <class T>
void run(const GeluTanhCall<T>& c, Gpu& gpu) {
  const int64_t elements = c.rows * c.width;
  gpu.launch<GeluTanh<T>>(gridOver(elements), {c.x, c.y, elements});
}

template <class T>
void run(const GeluTanhBackwardCall<T>& c, Gpu& gpu) {
  const int64_t elements = c.rows * c.width;
  gpu.launch<GeluTanhBackward<T>>(gridOver(elements), {c.dy, c.x, c.dx, elements, c.dxAccumulate});
}

}  // namespace gpu
}  // namespace trainyard
