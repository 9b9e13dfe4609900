// Matrix products with a fused end. Operands are floats or numbers of 16 bits; sums are floats.
#pragma once
#include <cstdint>

namespace trainyard {

enum class GemmActivation : int32_t { none, geluTanh };

// What happens to the sum before it is stored, in this order.
template <class C>
struct GemmEpilogue {
  const float* bias = nullptr;     // n floats: added to every row
  const C* residual = nullptr;     // m × n with ldc: added; may not overlap C
  C* pre = nullptr;                // m × n with ldc: the value so far is stored here too
  GemmActivation activation = GemmActivation::none;
  const C* geluGradPre = nullptr;  // m × n with ldc: the value is multiplied by gelu'(geluGradPre)
};

// C[m × n] = (or +=) op(A)·op(B), row-major, with the distances between rows in elements.
//   transposeA false: A is m × k; true: A is k × m.    transposeB false: B is k × n; true: B is n × k.
// Neither A nor B overlaps C. C is of the operands' type or float. For each element of C the additions come in an order
// that depends on the instruction set, on k, and on whether C has very few rows: not on the threads, nor on the tile in
// which it lies.
template <class T, class C>
struct GemmArgs {
  bool transposeA = false, transposeB = false;
  int64_t m = 0, n = 0, k = 0;
  const T* a = nullptr;
  int64_t lda = 0;
  const T* b = nullptr;
  int64_t ldb = 0;
  C* c = nullptr;
  int64_t ldc = 0;
  bool accumulate = false;  // the epilogue is empty then
  GemmEpilogue<C> epilogue;
};

}  // namespace trainyard
