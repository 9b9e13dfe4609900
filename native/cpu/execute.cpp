#include "execute.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "../program/scalars.h"

namespace trainyard {
namespace {

// y = x · w + …, rows × in by in × out.
template <class T>
GemmArgs<T, T> forwardProduct(const T* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs) {
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
void linear(const LinearCall<T>& c, Pool& pool, const RealKernels<T>& k) {
  GemmArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
  g.epilogue.bias = c.b;
  g.epilogue.residual = c.residual;
  k.gemm(pool, g);
}

template <class T>
void linearGeluTanh(const LinearGeluTanhCall<T>& c, Pool& pool, const RealKernels<T>& k) {
  GemmArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
  g.epilogue.bias = c.b;
  g.epilogue.pre = c.pre;
  g.epilogue.activation = GemmActivation::geluTanh;
  k.gemm(pool, g);
}

template <class T>
void linearBackwardInput(const LinearBackwardInputCall<T>& c, Pool& pool, const RealKernels<T>& k) {
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
  g.accumulate = c.dxAccumulate;
  g.epilogue.geluGradPre = c.pre;
  k.gemm(pool, g);
}

template <class T>
void biasGradient(const LinearBackwardWeightCall<T>& c, Pool& pool, const RealKernels<T>& k) {
  const auto zeroFrom = static_cast<int64_t>(c.zeroFrom);
  const auto zeroTo = static_cast<int64_t>(c.zeroTo);
  k.columnSums(pool, c.dy, c.rows, zeroFrom, c.outputs, c.db, c.dbAccumulate);
  if (!c.dbAccumulate) std::fill(c.db + zeroFrom, c.db + zeroTo, 0.0f);
  k.columnSums(pool, c.dy + zeroTo, c.rows, c.outputs - zeroTo, c.outputs, c.db + zeroTo, c.dbAccumulate);
}

template <class T>
void linearBackwardWeight(const LinearBackwardWeightCall<T>& c, Pool& pool, const RealKernels<T>& k) {
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
  k.gemmToFloats(pool, g);
  if (c.db) biasGradient(c, pool, k);
}

// Indices come from data: one that is out of range must end the run, not write somewhere.
void requireIndices(const char* what, const int32_t* indices, int64_t n, int64_t least, int64_t end) {
  for (int64_t i = 0; i < n; i++) {
    if (indices[i] >= least && indices[i] < end) continue;
    throw std::out_of_range(std::string("the ") + what + " " + std::to_string(indices[i]) + " is not below " +
                            std::to_string(end));
  }
}

void requirePositions(int64_t position, int64_t time, int64_t context) {
  if (position >= 0 && position + time <= context) return;
  throw std::out_of_range("positions " + std::to_string(position) + " and the " + std::to_string(time - 1) +
                          " after it do not lie in a context of " + std::to_string(context));
}

// Of each row: the begin and the end of a stretch before it, and the begin of its own, in this order.
void requireSpans(const int32_t* spans, int64_t rows) {
  for (int64_t row = 0; row < rows; row++, spans += 3) {
    if (0 <= spans[0] && spans[0] <= spans[1] && spans[1] <= spans[2] && spans[2] <= row) continue;
    throw std::out_of_range("the spans of row " + std::to_string(row) + " are not in order");
  }
}

// Targets below 0 count nothing.
template <class HeadCall>
void requireTargets(const HeadCall& c) {
  requireIndices("target", c.targets, c.rows, INT32_MIN, static_cast<int64_t>(c.vocab));
}

// This device's memory is the host's: a page is a plain copy.
void copyMoments(const LowBitStates& to, const LowBitStates& from, int64_t elements, int64_t blocks) {
  const size_t codes = static_cast<size_t>(elements), scales = static_cast<size_t>(blocks) * sizeof(float);
  std::memcpy(to.mCodes, from.mCodes, codes);
  std::memcpy(to.mScale, from.mScale, scales);
  std::memcpy(to.vCodes, from.vCodes, codes);
  std::memcpy(to.vScale, from.vScale, scales);
}

// Of a call of any AdamW: what it has in its attributes, and what changes from step to step in `scalars`.
template <class AdamWCall>
AdamWNumbers numbersOf(const AdamWCall& c) {
  const float* s = c.scalars;
  return {s[kLearningRate], s[kBiasCorrection1], s[kBiasCorrection2], c.beta1, c.beta2, c.eps, c.weightDecay};
}

// A call whose arguments of type T are numbers of that type.
template <class T>
void executeReal(const Call& call, Pool& pool, const RealKernels<T>& k) {
  switch (call.kind) {
    case Kind::embed: {
      auto c = EmbedCall<T>::from(call);
      requireIndices("token", c.tokens, c.batch * c.time, 0, c.paddedVocab);
      requirePositions(c.position[0], c.time, c.context);
      return k.embed(pool, c.tokens, c.position[0], c.wte, c.wpe, c.x, c.batch, c.time, c.width);
    }
    case Kind::embedBackward: {
      auto c = EmbedBackwardCall<T>::from(call);
      requireIndices("token", c.tokens, c.batch * c.time, 0, c.paddedVocab);
      return k.embedBackward(pool, c.dx, c.tokens, c.dwte, c.dwpe, c.batch, c.time, c.width, c.paddedVocab, c.context,
                             c.dwteAccumulate, c.dwpeAccumulate);
    }
    case Kind::layerNorm: {
      auto c = LayerNormCall<T>::from(call);
      return k.layerNorm(pool, c.x, c.gamma, c.beta, c.y, c.mean, c.rstd, c.rows, c.width, static_cast<float>(c.eps));
    }
    case Kind::layerNormBackward: {
      auto c = LayerNormBackwardCall<T>::from(call);
      return k.layerNormBackward(pool, c.dy, c.x, c.gamma, c.mean, c.rstd, c.dx, c.dgamma, c.dbeta, c.workspace, c.rows,
                                 c.width, c.dxAccumulate, c.dgammaAccumulate, c.dbetaAccumulate);
    }
    case Kind::linear:
      return linear(LinearCall<T>::from(call), pool, k);
    case Kind::linearGeluTanh:
      return linearGeluTanh(LinearGeluTanhCall<T>::from(call), pool, k);
    case Kind::linearBackwardInput:
      return linearBackwardInput(LinearBackwardInputCall<T>::from(call), pool, k);
    case Kind::linearBackwardWeight:
      return linearBackwardWeight(LinearBackwardWeightCall<T>::from(call), pool, k);
    case Kind::attention: {
      auto c = AttentionCall<T>::from(call);
      return k.attention(pool, c.qkv, c.rng, c.y, c.lse, {c.batch, c.time, c.heads, c.headDim}, c.dropout, c.stream);
    }
    case Kind::attentionBackward: {
      auto c = AttentionBackwardCall<T>::from(call);
      return k.attentionBackward(pool, c.dy, c.qkv, c.y, c.lse, c.rng, c.dqkv, c.workspace,
                                 {c.batch, c.time, c.heads, c.headDim}, c.dropout, c.stream);
    }
    case Kind::cachedAttention: {
      auto c = CachedAttentionCall<T>::from(call);
      requirePositions(c.position[0], c.time, c.context);
      return k.cachedAttention(pool, c.qkv, c.position[0], c.kCache, c.vCache, c.y,
                               {c.batch, c.time, c.heads, c.headDim}, c.context);
    }
    case Kind::dropout: {
      auto c = DropoutCall<T>::from(call);
      return k.dropout(pool, c.x, c.rng, c.residual, c.y, c.rows * c.width, c.dropout, c.stream);
    }
    case Kind::head: {
      auto c = HeadCall<T>::from(call);
      return k.head(pool, c.x, c.wte, c.logits, c.rows, c.width, c.vocab);
    }
    case Kind::headCrossEntropy: {
      auto c = HeadCrossEntropyCall<T>::from(call);
      requireTargets(c);
      return k.headCrossEntropy(pool, c.x, c.wte, c.targets, c.losses, nullptr, nullptr, c.workspace, c.rows, c.width,
                                static_cast<int64_t>(c.vocab), c.paddedVocab, 0.0f, false, false);
    }
    case Kind::headCrossEntropyGrad: {
      auto c = HeadCrossEntropyGradCall<T>::from(call);
      requireTargets(c);
      return k.headCrossEntropy(pool, c.x, c.wte, c.targets, c.losses, c.dx, c.dwte, c.workspace, c.rows, c.width,
                                static_cast<int64_t>(c.vocab), c.paddedVocab, c.scalars[kLossGradient], c.dxAccumulate,
                                c.dwteAccumulate);
    }
    case Kind::cast: {
      auto c = CastCall<T>::from(call);
      return k.cast(pool, c.x, c.y, c.elements);
    }
    case Kind::embedPacked: {
      auto c = EmbedPackedCall<T>::from(call);
      requireIndices("token", c.tokens, c.rows, 0, c.paddedVocab);
      requireIndices("position", c.positions, c.rows, 0, c.context);
      return k.embedPacked(pool, c.tokens, c.positions, c.wte, c.wpe, c.x, c.rows, c.width);
    }
    case Kind::packedAttention: {
      auto c = PackedAttentionCall<T>::from(call);
      requireSpans(c.spans, c.rows);
      const auto heads = static_cast<int64_t>(c.heads);
      return k.packedAttention(pool, c.qkv, c.spans, c.y, c.rows, heads, c.width / heads);
    }
    case Kind::selectRows: {
      auto c = SelectRowsCall<T>::from(call);
      requireIndices("row", c.index, c.rows, 0, c.sourceRows);
      return k.selectRows(pool, c.x, c.index, c.y, c.rows, c.width);
    }
    default: throw std::logic_error("an op has no kernel");
  }
}

}  // namespace

void execute(const Call& call, Pool& pool, const KernelTable& k) {
  switch (call.kind) {
    case Kind::sumLosses: {
      auto c = SumLossesCall::from(call);
      const float sum = k.sumLosses(c.losses, c.rows);
      c.total[0] = c.totalAccumulate ? c.total[0] + sum : sum;
      return;
    }
    case Kind::squaredSum: {
      auto c = SquaredSumCall::from(call);
      c.squares[static_cast<int64_t>(c.index)] = k.squaredSum(pool, c.g, c.workspace, c.elements);
      return;
    }
    case Kind::clipFactor: {
      auto c = ClipFactorCall::from(call);
      return k.clipFactor(c.squares, c.tensors, c.scalars[kLossScale], c.maxNorm, c.stats);
    }
    case Kind::adamw: {
      auto c = AdamwCall::from(call);
      return k.adamw(pool, c.p, c.g, c.m, c.v, c.stats, c.elements, numbersOf(c));
    }
    case Kind::adamw8bit: {
      auto c = Adamw8bitCall::from(call);
      const LowBitStates states = {c.mCodes, c.mScale, c.vCodes, c.vScale};
      return k.adamw8bit(pool, c.p, c.g, states, c.stats, c.elements, c.root != 0, numbersOf(c));
    }
    case Kind::adamw4bit: {
      auto c = Adamw4bitCall::from(call);
      const LowBitStates states = {c.mCodes, c.mScale, c.vCodes, c.vScale};
      return k.adamw4bit(pool, c.p, c.g, states, c.stats, c.elements, static_cast<int64_t>(c.rows), c.workspace,
                         numbersOf(c));
    }
    case Kind::pageIn: {
      auto c = PageInCall::from(call);
      return copyMoments({c.mCodes, c.mScale, c.vCodes, c.vScale},
                         {const_cast<uint8_t*>(c.hostMCodes), const_cast<float*>(c.hostMScale),
                          const_cast<uint8_t*>(c.hostVCodes), const_cast<float*>(c.hostVScale)},
                         c.elements, c.blocks);
    }
    case Kind::pageOut: {
      auto c = PageOutCall::from(call);
      return copyMoments({c.hostMCodes, c.hostMScale, c.hostVCodes, c.hostVScale},
                         {const_cast<uint8_t*>(c.mCodes), const_cast<float*>(c.mScale),
                          const_cast<uint8_t*>(c.vCodes), const_cast<float*>(c.vScale)},
                         c.elements, c.blocks);
    }
    default: break;
  }
  switch (call.precision) {
    case Precision::f32: return executeReal<float>(call, pool, k.f32);
    case Precision::bf16: return executeReal<Bf16>(call, pool, k.bf16);
    case Precision::f16: return executeReal<F16>(call, pool, k.f16);
  }
}

}  // namespace trainyard
