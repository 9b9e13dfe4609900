// Linear layers and their gradients.
#pragma once
#include "../gemm/launch.h"

namespace trainyard {
namespace gpu {

// y = x · w, rows × in by in × out.
template <class T>
ProductArgs<T, T> forwardProduct(const T* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs) {
  return {rows, outputs, inputs, x, inputs, w, outputs, y, outputs};
}

template <class T>
void run(const LinearBackwardInputCall<T>& c, Gpu& gpu) {
  ProductArgs<T, T> g = {c.rows, c.inputs, c.outputs, c.dy, c.outputs, c.w, c.outputs, c.dx, c.inputs};
  g.accumulate = c.dxAccumulate;
  product<T, T, false, true>(gpu, g);
}

template <class T>
void run(const LinearBackwardInputGeluTanhCall<T>& c, Gpu& gpu) {
  ProductArgs<T, T> g = {c.rows, c.inputs, c.outputs, c.dy, c.outputs, c.w, c.outputs, c.dx, c.inputs};
  g.geluGradPre = c.pre;
  product<T, T, false, true>(gpu, g);
}

template <class T>
void run(const LinearBackwardWeightCall<T>& c, Gpu& gpu) {
  ProductArgs<T, float> g = {c.inputs, c.outputs, c.rows, c.x, c.inputs, c.dy, c.outputs, c.dw, c.outputs};
  g.accumulate = c.dwAccumulate;
  product<T, float, true, false>(gpu, g);
  if (!c.db) return;
  const auto sums = [&](auto kernel) {
    using Sums = decltype(kernel);
    gpu.launch<Sums>({ceilDiv(c.outputs, Sums::kColumns), 1, 32 * Sums::kWarps, Sums::kSharedBytes},
                     {c.dy, c.rows, c.outputs, c.outputs, c.db, static_cast<int64_t>(c.zeroFrom),
                      static_cast<int64_t>(c.zeroTo), c.dbAccumulate});
  };
  c.outputs % 8 == 0 && isAligned16(c.dy) ? sums(WideColumnSums<T>()) : sums(ColumnSums<T>());
}

template <class T>
void run(const LinearCall<T>& c, Gpu& gpu) {
  ProductArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
  g.bias = c.b;
  g.residual = c.residual;
  product<T, T, false, false>(gpu, g);
}

template <class T>
void run(const LinearGeluTanhCall<T>& c, Gpu& gpu) {
  ProductArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
  g.bias = c.b;
  g.pre = c.pre;
  product<T, T, false, false>(gpu, g);
}

}  // namespace gpu
}  // namespace trainyard
