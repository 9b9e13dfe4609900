// Matrix products in float32 with a fused end.
#pragma once
#include <cstdint>

namespace trainyard {

enum class GemmActivation : int32_t { none, geluTanh };

// What happens to the sum before it is stored, in this order.
struct GemmEpilogue {
  const float* bias = nullptr;         // n floats: added to every row
  const float* residual = nullptr;     // m × n with ldc: added; may not overlap C
  float* pre = nullptr;                // m × n with ldc: the value so far is stored here too
  GemmActivation activation = GemmActivation::none;
  const float* geluGradPre = nullptr;  // m × n with ldc: the value is multiplied by gelu'(geluGradPre)
};

// C[m × n] = (or +=) op(A)·op(B), row-major, with the distances between rows in floats.
//   transposeA false: A is m × k; true: A is k × m.    transposeB false: B is k × n; true: B is n × k.
// Neither A nor B overlaps C. For each element of C the additions come in an order that depends on k and the
// instruction set only: not on the threads, nor on the tile in which it lies.
struct GemmArgs {
  bool transposeA = false, transposeB = false;
  int64_t m = 0, n = 0, k = 0;
  const float* a = nullptr;
  int64_t lda = 0;
  const float* b = nullptr;
  int64_t ldb = 0;
  float* c = nullptr;
  int64_t ldc = 0;
  bool accumulate = false;  // the epilogue is empty then
  GemmEpilogue epilogue;
};

}  // namespace trainyard
