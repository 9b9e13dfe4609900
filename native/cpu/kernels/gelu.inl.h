#include "../simd.h"

namespace trainyard {
namespace TY_ISA {

// GELU with the tanh approximation (Hendrycks & Gimpel 2016): 0.5 x (1 + tanh u), u = √(2/π) (x + 0.044715 x³).
// 0.5 (1 + tanh u) is 1 / (1 + e^(-2u)): no cancellation where x is negative, and one exponential.
TY_INLINE Vf geluGate(Vf x, Vf squared) {
  const Vf minusTwoU = x * fma(squared, set1(-0.0713548163f), set1(-1.59576912f));
  return set1(1.0f) / (set1(1.0f) + vexp(minusTwoU));
}

TY_INLINE Vf geluTanh(Vf x) { return x * geluGate(x, x * x); }

// Its derivative: s + x s (1 - s) 2u', with s the gate and u' = √(2/π) (1 + 3·0.044715 x²).
TY_INLINE Vf geluTanhGrad(Vf x) {
  const Vf squared = x * x;
  const Vf gate = geluGate(x, squared);
  const Vf twoSlope = fma(squared, set1(0.214064449f), set1(1.59576912f));
  return fma(x * twoSlope, gate * (set1(1.0f) - gate), gate);
}

}  // namespace TY_ISA
}  // namespace trainyard
