// GELU by itself: where it stands behind or before a matrix product, the product does it.
#pragma once
#include "elementwise.h"
#include "gelu.h"

namespace trainyard {
namespace gpu {

template <class T>
struct GeluTanh {
  static constexpr const char* name = "geluTanh";
  struct Args {
    const T* x;
    T* y;
    int64_t elements;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.elements, [&](int64_t i) { fromFloat(geluTanh(toFloat(a.x[i])), a.y + i); });
  }
};

// dx = (or +=) dy · gelu'(x)
template <class T>
struct GeluTanhBackward {
  static constexpr const char* name = "geluTanhBackward";
  struct Args {
    const T* dy;
    const T* x;
    T* dx;
    int64_t elements;
    bool add;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    eachElement(t, a.elements, [&](int64_t i) {
      const float own = toFloat(a.dy[i]) * geluTanhGrad(toFloat(a.x[i]));
      fromFloat(a.add ? toFloat(a.dx[i]) + own : own, a.dx + i);
    });
  }
};

}  // namespace gpu
}  // namespace trainyard
