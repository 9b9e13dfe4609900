#pragma once
#include "simd.h"

namespace trainyard {
namespace TY_ISA {

// GELU with the tanh approximation (Hendrycks & Gimpel 2016): 0.5 x (1 + tanh u), u = √(2/π) (x + 0.044715 x³).
// With e = e^(-2|u|), which neither overflows nor cancels: 0.5 (1 + tanh u) is 1 / (1 + e) for u ≥ 0, else e / (1 + e).
struct GeluGate {
  Vf gate;   // s = 0.5 (1 + tanh u)
  Vf slope;  // ds/d(2u) = s (1 - s)
};

TY_INLINE GeluGate geluGate(Vf x, Vf squared) {
  const Vf size = vabs(x);
  const Vf e = vexp(size * fma(squared, set1(-0.0713548163f), set1(-1.59576912f)));
  const Vf positive = set1(1.0f) / (set1(1.0f) + e);
  const Vf negative = e * positive;
  return {select(less(x, zero()), negative, positive), negative * positive};
}

TY_INLINE Vf geluTanh(Vf x) { return x * geluGate(x, x * x).gate; }

// Its derivative: s + x s (1 - s) 2u', with u' = √(2/π) (1 + 3·0.044715 x²).
TY_INLINE Vf geluTanhGrad(Vf x) {
  const Vf squared = x * x;
  const GeluGate g = geluGate(x, squared);
  const Vf twoSlope = fma(squared, set1(0.214064449f), set1(1.59576912f));
  return fma(x * twoSlope, g.slope, g.gate);
}

}  // namespace TY_ISA
}  // namespace trainyard
