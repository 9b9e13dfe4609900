// Linear layers and their gradients, as matrix products.
#pragma once
#include "../gemm/columnSums.inl.h"
#include "../gemm/gemm.inl.h"
#include "../pool.h"

namespace trainyard {
namespace TY_ISA {

// y = x · w + …, rows × in by in × out.
template <class T>
static GemmArgs<T, T> forwardProduct(const T* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs) {
  GemmArgs<T, T> g;
  g.m = rows;
  g.n = outputs;
  g.k = inputs;
  g.a = x;
  g.lda = inputs;
  g.b = w;
  g.ldb = outputs;
  g.c = y;
  g.ldc = outputs;
  return g;
}

template <class T>
static void run(const LinearCall<T>& c, Pool& pool) {
  GemmArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
  g.epilogue.bias = c.b;
  g.epilogue.residual = c.residual;
  gemm(pool, g);
}

template <class T>
static void run(const LinearGeluTanhCall<T>& c, Pool& pool) {
  GemmArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
  g.epilogue.bias = c.b;
  g.epilogue.pre = c.pre;
  g.epilogue.activation = GemmActivation::geluTanh;
  gemm(pool, g);
}

// dx = dy · wᵀ, of either kind of call.
template <class T, class InputCall>
static GemmArgs<T, T> backwardProduct(const InputCall& c) {
  GemmArgs<T, T> g;
  g.transposeB = true;
  g.m = c.rows;
  g.n = c.inputs;
  g.k = c.outputs;
  g.a = c.dy;
  g.lda = c.outputs;
  g.b = c.w;
  g.ldb = c.outputs;
  g.c = c.dx;
  g.ldc = c.inputs;
  return g;
}

template <class T>
static void run(const LinearBackwardInputCall<T>& c, Pool& pool) {
  GemmArgs<T, T> g = backwardProduct<T>(c);
  g.accumulate = c.dxAccumulate;
  gemm(pool, g);
}

template <class T>
static void run(const LinearBackwardInputGeluTanhCall<T>& c, Pool& pool) {
  GemmArgs<T, T> g = backwardProduct<T>(c);
  g.epilogue.geluGradPre = c.pre;
  gemm(pool, g);
}

template <class T>
static void biasGradient(const LinearBackwardWeightCall<T>& c, Pool& pool) {
  const auto zeroFrom = static_cast<int64_t>(c.zeroFrom);
  const auto zeroTo = static_cast<int64_t>(c.zeroTo);
  columnSums(pool, c.dy, c.rows, zeroFrom, c.outputs, c.db, c.dbAccumulate);
  if (!c.dbAccumulate && zeroTo > zeroFrom)
    std::memset(c.db + zeroFrom, 0, static_cast<size_t>(zeroTo - zeroFrom) * sizeof(float));
  columnSums(pool, c.dy + zeroTo, c.rows, c.outputs - zeroTo, c.outputs, c.db + zeroTo, c.dbAccumulate);
}

template <class T>
static void run(const LinearBackwardWeightCall<T>& c, Pool& pool) {
  GemmArgs<T, float> g;
  g.transposeA = true;
  g.m = c.inputs;
  g.n = c.outputs;
  g.k = c.rows;
  g.a = c.x;
  g.lda = c.inputs;
  g.b = c.dy;
  g.ldb = c.outputs;
  g.c = c.dw;
  g.ldc = c.outputs;
  g.accumulate = c.dwAccumulate;
  gemm(pool, g);
  if (c.db) biasGradient(c, pool);
}

}  // namespace TY_ISA
}  // namespace trainyard
