// GELU with the tanh approximation (Hendrycks & Gimpel 2016): 0.5 x (1 + tanh u), u = √(2/π) (x + 0.044715 x³). With
// e = e^(-2|u|), which neither overflows nor cancels: 0.5 (1 + tanh u) is 1 / (1 + e) for u ≥ 0, else e / (1 + e).
#pragma once
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

struct GeluGate {
  float gate;   // s = 0.5 (1 + tanh u)
  float slope;  // ds/d(2u) = s (1 - s)
};

TY_KERNEL GeluGate geluGate(float x) {
  const float e = exp2Fast(fabsf(x) * fmaf(x * x, -0.102943240f, -2.30220820f));
  const float positive = inverseFast(1.0f + e), negative = e * positive;
  return {x < 0.0f ? negative : positive, negative * positive};
}

TY_KERNEL float geluTanh(float x) { return x * geluGate(x).gate; }

// Its derivative: s + x s (1 - s) 2u', with u' = √(2/π) (1 + 3·0.044715 x²).
TY_KERNEL float geluTanhGrad(float x) {
  const GeluGate g = geluGate(x);
  return fmaf(x * fmaf(x * x, 0.214064449f, 1.59576912f), g.slope, g.gate);
}

}  // namespace gpu
}  // namespace trainyard
