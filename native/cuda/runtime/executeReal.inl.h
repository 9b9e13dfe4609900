// Calls whose arguments of type T are numbers of that type: which kernels they are, and over how many threads.
#include <cmath>
#include <stdexcept>
#include <type_traits>

#include "../../program/scalars.h"
#include "../kernels/attention.h"
#include "../kernels/crossEntropy.h"
#include "../kernels/elementwise.h"
#include "../kernels/embed.h"
#include "../kernels/gemm.h"
#include "../kernels/layerNorm.h"
#include "../kernels/rowAttention.h"
#include "../kernels/tensorAttention.h"
#include "../kernels/tensorGemm.h"
#include "../kernels/tensorRowAttention.h"
#include "batches.h"
#include "execute.h"
#include "launch.h"

namespace trainyard {
namespace gpu {
namespace {

constexpr int kColumnThreads = 128;

// Whether tiles of 128 × 128 are faster than those of 64 × 64, of which four do the same work less well: by how often all
// processors must be filled.
inline bool largeTiles(int64_t m, int64_t n, int64_t processors) {
  constexpr double kSmallEfficiency = 0.7;
  const auto turns = [&](int64_t side) {
    return static_cast<double>(ceilDiv(ceilDiv(m, side) * ceilDiv(n, side), processors));
  };
  return 4 * turns(128) <= turns(64) / kSmallEfficiency;
}

template <class Kernel, class Args>
void launchTensorGemm(Gpu& gpu, const Args& g, int64_t side) {
  gpu.launch<Kernel>({ceilDiv(g.m, side), ceilDiv(g.n, side), Kernel::kThreads, Kernel::kSharedBytes}, g);
}

template <class T, class Out, bool transposeA, bool transposeB>
void ownProduct(Gpu& gpu, const ProductArgs<T, Out>& g) {
  const bool usesTensorCores = sizeof(T) == 2 || gpu.tf32();
  if (usesTensorCores && hasAlignedOperands(g.a, g.lda, g.b, g.ldb)) {
    return largeTiles(g.m, g.n, gpu.processors())
               ? launchTensorGemm<TensorGemm<T, Out, transposeA, transposeB, 128>>(gpu, g, 128)
               : launchTensorGemm<TensorGemm<T, Out, transposeA, transposeB, 64>>(gpu, g, 64);
  }
  gpu.launch<Gemm<T, Out, transposeA, transposeB>>({ceilDiv(g.m, kTile), ceilDiv(g.n, kTile), kTileThreads,
                                                    kGemmSharedBytes}, g);
}

template <class T>
constexpr BlasType blasTypeOf = sizeof(T) == 4 ? BlasType::f32
                                : std::is_same<T, F16>::value ? BlasType::f16
                                                              : BlasType::bf16;

// Whether NVIDIA's library is asked for a product: it adds one matrix at most, and not behind GELU.
template <class T, class Out>
bool suitsLibrary(const ProductArgs<T, Out>& g) {
  const int added = (g.residual ? 1 : 0) + (g.accumulate ? 1 : 0);
  const bool finishes = g.pre || g.geluGradPre;
  return hasAlignedOperands(g.a, g.lda, g.b, g.ldb) && g.vectors && added <= (finishes ? 0 : 1) &&
         (!g.bias || g.n <= Products::kMostBias);
}

inline Grid castGrid(int64_t elements) { return gridOverFours(elements); }

template <class T>
void castTo(Gpu& gpu, const float* x, T* y, int64_t elements) {
  gpu.launch<Cast<T>>(castGrid(elements), {x, y, elements});
}

// own: by own kernels.
template <bool transposeA, bool transposeB, class T, class Out, class Own>
void productBy(Gpu& gpu, const ProductArgs<T, Out>& g, const Own& own) {
  Products* products = gpu.products();
  if (!products || !suitsLibrary(g)) return own();
  BlasProduct p{blasTypeOf<T>, blasTypeOf<Out>, transposeA, transposeB, gpu.tf32(), g.m, g.n, g.k};
  p.a = g.a;
  p.lda = g.lda;
  p.b = g.b;
  p.ldb = g.ldb;
  p.d = g.c;
  p.ldd = g.ldc;
  p.c = g.accumulate ? static_cast<const void*>(g.c) : g.residual;
  p.finish = g.pre ? BlasFinish::gelu : g.geluGradPre ? BlasFinish::geluGrad : BlasFinish::none;
  p.aux = g.pre ? g.pre : const_cast<T*>(g.geluGradPre);
  p.bias = g.bias;
  // The library takes a bias in the result's own type.
  const bool rounds = g.bias && sizeof(Out) == 2;
  if (rounds) p.bias = products->biasMemory();
  products->run(p, own, [&] {
    if (rounds) castTo(gpu, g.bias, static_cast<T*>(products->biasMemory()), g.n);
  });
}

template <class T, class Out, bool transposeA, bool transposeB>
void product(Gpu& gpu, ProductArgs<T, Out> g) {
  g.vectors = hasAlignedRows(g);
  productBy<transposeA, transposeB>(gpu, g, [&] { ownProduct<T, Out, transposeA, transposeB>(gpu, g); });
}

// y = x · w, rows × in by in × out.
template <class T>
ProductArgs<T, T> forwardProduct(const T* x, const T* w, T* y, int64_t rows, int64_t inputs, int64_t outputs) {
  return {rows, outputs, inputs, x, inputs, w, outputs, y, outputs};
}

template <class T>
void linearBackwardInput(const LinearBackwardInputCall<T>& c, Gpu& gpu) {
  ProductArgs<T, T> g = {c.rows, c.inputs, c.outputs, c.dy, c.outputs, c.w, c.outputs, c.dx, c.inputs};
  g.geluGradPre = c.pre;
  g.accumulate = c.dxAccumulate;
  product<T, T, false, true>(gpu, g);
}

template <class T>
void linearBackwardWeight(const LinearBackwardWeightCall<T>& c, Gpu& gpu) {
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

// Calls body(std::integral_constant, std::integral_constant) with how often a team of threads takes eight numbers of a row, 0
// where it can't, and how large the team is.
template <class Body>
void withTeams(int64_t width, const Body& body) {
  constexpr std::integral_constant<int, kWarp> warp{};
  constexpr std::integral_constant<int, kNormThreads> block{};
  constexpr std::integral_constant<int, 0> none{};
  constexpr std::integral_constant<int, 1> one{};
  constexpr std::integral_constant<int, 2> two{};
  constexpr std::integral_constant<int, 4> four{};
  if (width % 8 != 0 || width > 4 * 8 * kNormThreads) return body(none, block);
  if (width <= 8 * kWarp) return body(one, warp);
  if (width <= 2 * 8 * kWarp) return body(two, warp);
  if (width <= 4 * 8 * kWarp) return body(four, warp);
  width <= 2 * 8 * kNormThreads ? body(two, block) : body(four, block);
}

template <class T>
void layerNormBackward(const LayerNormBackwardCall<T>& c, Gpu& gpu) {
  const int64_t chunks = ceilDiv(c.rows, kNormRowsPerChunk), columns = ceilDiv(c.width, kColumnThreads);
  // Before dx, which may lie where nothing else is read, but never dy or x.
  gpu.launch<LayerNormBackwardChunks<T>>({columns, chunks, kColumnThreads, 0},
                                         {c.dy, c.x, c.mean, c.rstd, c.workspace, c.rows, c.width});
  gpu.launch<LayerNormBackwardSum>({columns, 1, kColumnThreads, 0}, {c.workspace, c.dgamma, c.dbeta, chunks, c.width,
                                                                     c.dgammaAccumulate, c.dbetaAccumulate});
  withTeams(c.width, [&](auto packs, auto team) {
    using Kernel = LayerNormBackwardInput<T, decltype(packs)::value, decltype(team)::value>;
    const int64_t blocks = ceilDiv(c.rows, kNormThreads / decltype(team)::value);
    gpu.launch<Kernel>({blocks, 1, kNormThreads, kNormSharedBytes},
                       {c.dy, c.x, c.gamma, c.mean, c.rstd, c.dx, c.rows, c.width, c.dxAccumulate});
  });
}

// dx = (or +=) dlogits · wte: many terms and few tiles, so that parts of the sums are taken apart. Numbers of 16 bits take
// the lower half of the rows of logits that they replace: the parts have the upper one.
template <class T>
void headInput(Gpu& gpu, ProductArgs<T, T> g, float* logits, int64_t stride) {
  // By shape alone: the order of a sum's terms must not depend on the GPU.
  constexpr int64_t kTerms = 4096;
  constexpr int side = 128;
  const int64_t parts = ceilDiv(g.k, kTerms), room = stride / 2 / 8 * 8;
  g.vectors = hasAlignedRows(g);
  const bool apart = sizeof(T) == 2 && parts > 1 && g.n % 8 == 0 && parts * g.n <= room;
  if (!apart || !hasAlignedOperands(g.a, g.lda, g.b, g.ldb)) return product<T, T, false, false>(gpu, g);
  productBy<false, false>(gpu, g, [&] {
    if constexpr (sizeof(T) == 2) {
      float* const sums = logits + (stride - room);
      ProductArgs<T, float> part = {g.m, g.n, g.k, g.a, g.lda, g.b, g.ldb, sums, stride};
      part.vectors = hasAlignedRows(part);
      using Parts = TensorGemmParts<T, side>;
      gpu.launch<Parts>({ceilDiv(g.m, side), parts * ceilDiv(g.n, side), Parts::kThreads, Parts::kSharedBytes},
                        {part, kTerms, g.n});
      gpu.launch<SumParts<T>>(gridOver(g.m * g.n), {sums, stride, g.n, parts, g.c, g.m, g.n, g.accumulate});
    }
  });
}

// Logits of a chunk of rows, their losses, and what follows from them; chunk after chunk over the same workspace.
template <class T, class HeadCall>
void headLosses(const HeadCall& c, Gpu& gpu, int64_t vocab, T* dx, float* dwte, const float* scale, bool addDx,
                bool addDwte) {
  // Padding gets logits that nobody reads, and a gradient of 0, so that tiles are whole.
  const auto padded = static_cast<int64_t>(c.paddedVocab);
  const int64_t stride = ceilDiv(padded, 16) * 16;
  const T* dlogits = reinterpret_cast<const T*>(c.workspace);
  const auto ld = stride * static_cast<int64_t>(sizeof(float) / sizeof(T));
  for (int64_t first = 0; first < c.rows; first += kHeadRowsPerChunk) {
    const int64_t rows = c.rows - first < kHeadRowsPerChunk ? c.rows - first : kHeadRowsPerChunk;
    const T* x = c.x + first * c.width;
    product<T, float, false, true>(gpu, {rows, padded, c.width, x, c.width, c.wte, c.width, c.workspace, stride});
    gpu.launch<CrossEntropy<T>>({rows, 1, kLossThreads, kLossSharedBytes},
                                {c.workspace, stride, c.targets + first, c.losses + first, vocab, scale, gpu.faults()});
    if (!dx) continue;
    ProductArgs<T, T> toInput = {rows, c.width, vocab, dlogits, ld, c.wte, c.width, dx + first * c.width, c.width};
    toInput.accumulate = addDx;
    headInput(gpu, toInput, c.workspace, stride);
    ProductArgs<T, float> toWeight = {padded, c.width, rows, dlogits, ld, x, c.width, dwte, c.width};
    toWeight.accumulate = addDwte || first > 0;
    product<T, float, true, false>(gpu, toWeight);
  }
}

// Calls body(std::integral_constant) with the smallest vector length that holds a head.
template <class Body>
void withHeadDim(int64_t headDim, const Body& body) {
  if (headDim <= 32) return body(std::integral_constant<int, 32>());
  if (headDim <= 64) return body(std::integral_constant<int, 64>());
  if (headDim <= kMaxHeadDim) return body(std::integral_constant<int, kMaxHeadDim>());
  throw std::logic_error("heads are too wide");
}

template <class T, class AttentionCall>
AttentionArgs<T> attentionArgs(const AttentionCall& c) {
  AttentionArgs<T> a{};
  a.qkv = c.qkv;
  a.time = c.time;
  a.heads = c.heads;
  a.headDim = c.headDim;
  a.scale = 1.0f / std::sqrt(static_cast<float>(c.headDim));
  a.drops = c.dropout > 0;
  a.dropout = dropoutNumbers(c.rng, c.stream, c.dropout);
  return a;
}

// Whether heads of 16-bit numbers can be copied 16 bytes at a time, for tensor cores.
inline bool suitsTensorCores(int64_t headDim) { return headDim % 8 == 0; }

// Below so many rows tensor cores would mostly multiply nothing.
constexpr int64_t kFewRows = 16;

// Calls body(std::integral_constant) with the width of tiles that hold a head.
template <class Body>
void withTile(int64_t headDim, const Body& body) {
  if (headDim <= 64) return body(std::integral_constant<int, 64>());
  if (headDim <= kMaxHeadDim) return body(std::integral_constant<int, kMaxHeadDim>());
  throw std::logic_error("heads are too wide");
}

// The same, and whether it drops.
template <class Body>
void withTiles(int64_t headDim, bool drops, const Body& body) {
  withTile(headDim, [&](auto size) { drops ? body(size, std::true_type()) : body(size, std::false_type()); });
}

// Calls body(std::integral_constant) with how many lanes read a head's vector, 8 numbers each; 0 where they can't.
template <class Body>
void withLanes(int64_t headDim, const Body& body) {
  if (headDim % 8 != 0) return body(std::integral_constant<int, 0>());
  if (headDim <= 32) return body(std::integral_constant<int, 4>());
  if (headDim <= 64) return body(std::integral_constant<int, 8>());
  if (headDim <= kMaxHeadDim) return body(std::integral_constant<int, 16>());
  throw std::logic_error("heads are too wide");
}

template <class Kernel, class T, int D, class Args>
void launchTensorRows(Gpu& gpu, const Args& a, int64_t heads, int64_t rows) {
  const int64_t blocks = heads * ceilDiv(rows, kTensorAttentionRows);
  gpu.launch<Kernel>({blocks, 1, Kernel::kThreads, kTensorRowsBytes<T, D>}, a);
}

template <class T>
void attention(const AttentionCall<T>& c, Gpu& gpu) {
  AttentionArgs<T> a = attentionArgs<T>(c);
  a.lse = c.lse;
  a.y = c.y;
  const int64_t heads = c.batch * c.heads;
  if constexpr (sizeof(T) == 2) {
    if (suitsTensorCores(c.headDim)) {
      return withTiles(c.headDim, a.drops, [&](auto size, auto drops) {
        using Kernel = TensorAttentionForward<T, decltype(size)::value, decltype(drops)::value>;
        const int64_t blocks = heads * ceilDiv(c.time, kTensorAttentionRows);
        gpu.launch<Kernel>({blocks, 1, Kernel::kThreads, Kernel::kSharedBytes}, a);
      });
    }
  }
  withHeadDim(c.headDim, [&](auto size) {
    using Kernel = AttentionForward<T, decltype(size)::value>;
    gpu.launch<Kernel>({ceilDiv(c.time, kAttentionRows), heads, kAttentionThreads, Kernel::sharedBytes}, a);
  });
}

template <class T>
void attentionBackward(const AttentionBackwardCall<T>& c, Gpu& gpu) {
  const int64_t heads = c.batch * c.heads;
  using Delta = AttentionDelta<T>;
  gpu.launch<Delta>({ceilDiv(c.time, Delta::kQueries), heads, 32 * Delta::kQueries, 0},
                    {c.dy, c.y, c.workspace, c.time, c.heads, c.headDim});
  AttentionArgs<T> a = attentionArgs<T>(c);
  a.dy = c.dy;
  a.delta = c.workspace;
  a.lse = const_cast<float*>(c.lse);
  a.dqkv = c.dqkv;
  if constexpr (sizeof(T) == 2) {
    if (suitsTensorCores(c.headDim)) {
      const int64_t blocks = heads * ceilDiv(c.time, kTensorAttentionRows);
      return withTiles(c.headDim, a.drops, [&](auto size, auto drops) {
        using Queries = TensorAttentionBackwardQueries<T, decltype(size)::value, decltype(drops)::value>;
        using Keys = TensorAttentionBackwardKeys<T, decltype(size)::value, decltype(drops)::value>;
        gpu.launch<Queries>({blocks, 1, Queries::kThreads, Queries::kSharedBytes}, a);
        gpu.launch<Keys>({blocks, 1, Keys::kThreads, Keys::kSharedBytes}, a);
      });
    }
  }
  const int64_t blocks = ceilDiv(c.time, kAttentionRows);
  withHeadDim(c.headDim, [&](auto size) {
    using Queries = AttentionBackwardQueries<T, decltype(size)::value>;
    using Keys = AttentionBackwardKeys<T, decltype(size)::value>;
    gpu.launch<Queries>({blocks, heads, kAttentionThreads, Queries::sharedBytes}, a);
    gpu.launch<Keys>({blocks, heads, kAttentionThreads, Keys::sharedBytes}, a);
  });
}

}  // namespace

template <class T>
void executeReal(const Call& call, Gpu& gpu) {
  switch (call.kind) {
    case Kind::embed: {
      auto c = EmbedCall<T>::from(call);
      const int64_t rows = c.batch * c.time;
      return gpu.launch<Embed<T>>(gridOver(rows * c.width), {c.tokens, c.position, nullptr, c.wte, c.wpe, c.x, rows, c.time,
                                                             c.width, c.paddedVocab, c.context, gpu.faults()});
    }
    case Kind::embedPacked: {
      auto c = EmbedPackedCall<T>::from(call);
      return gpu.launch<Embed<T>>(gridOver(c.rows * c.width), {c.tokens, nullptr, c.positions, c.wte, c.wpe, c.x, c.rows, 1,
                                                               c.width, c.paddedVocab, c.context, gpu.faults()});
    }
    case Kind::embedBackward: {
      auto c = EmbedBackwardCall<T>::from(call);
      const auto zero = [&](float* at, int64_t rows) {
        gpu.zeroInLane(at, static_cast<size_t>(rows * c.width) * sizeof(float));
      };
      if (!c.dwteAccumulate) zero(c.dwte, c.paddedVocab);
      if (!c.dwpeAccumulate) zero(c.dwpe, c.context);
      const int64_t rows = c.batch * c.time, columns = ceilDiv(c.width, kColumnThreads);
      gpu.launch<PositionGradient<T>>({c.time, columns, kColumnThreads, 0}, {c.dx, c.dwpe, c.batch, c.time, c.width});
      using Tokens = TokenGradient<T>;
      return gpu.launch<Tokens>({rows, columns, 32 * Tokens::kWarps, Tokens::kSharedBytes},
                                {c.dx, c.tokens, c.dwte, rows, c.width, c.paddedVocab, gpu.faults()});
    }
    case Kind::layerNorm: {
      auto c = LayerNormCall<T>::from(call);
      return withTeams(c.width, [&](auto packs, auto team) {
        using Kernel = LayerNorm<T, decltype(packs)::value, decltype(team)::value>;
        const int64_t blocks = ceilDiv(c.rows, kNormThreads / decltype(team)::value);
        gpu.launch<Kernel>({blocks, 1, kNormThreads, kNormSharedBytes},
                           {c.x, c.gamma, c.beta, c.y, c.mean, c.rstd, c.rows, c.width, static_cast<float>(c.eps)});
      });
    }
    case Kind::layerNormBackward: return layerNormBackward(LayerNormBackwardCall<T>::from(call), gpu);
    case Kind::linear: {
      auto c = LinearCall<T>::from(call);
      ProductArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
      g.bias = c.b;
      g.residual = c.residual;
      return product<T, T, false, false>(gpu, g);
    }
    case Kind::linearGeluTanh: {
      auto c = LinearGeluTanhCall<T>::from(call);
      ProductArgs<T, T> g = forwardProduct(c.x, c.w, c.y, c.rows, c.inputs, c.outputs);
      g.bias = c.b;
      g.pre = c.pre;
      return product<T, T, false, false>(gpu, g);
    }
    case Kind::linearBackwardInput: return linearBackwardInput(LinearBackwardInputCall<T>::from(call), gpu);
    case Kind::linearBackwardWeight: return linearBackwardWeight(LinearBackwardWeightCall<T>::from(call), gpu);
    case Kind::attention: return attention(AttentionCall<T>::from(call), gpu);
    case Kind::attentionBackward: return attentionBackward(AttentionBackwardCall<T>::from(call), gpu);
    case Kind::cachedAttention: {
      auto c = CachedAttentionCall<T>::from(call);
      const CachedAttentionArgs<T> a = {c.qkv,  c.position, c.kCache, c.vCache, c.y,        c.batch,
                                        c.time, c.heads,    c.headDim, c.context, gpu.faults()};
      gpu.launch<FillCache<T>>(gridOver(c.batch * c.time * c.heads * c.headDim), a);
      if constexpr (sizeof(T) == 2) {
        if (suitsTensorCores(c.headDim) && c.time >= kFewRows) {
          return withTile(c.headDim, [&](auto size) {
            launchTensorRows<TensorCachedAttention<T, decltype(size)::value>, T, decltype(size)::value>(
                gpu, a, c.batch * c.heads, c.time);
          });
        }
      }
      return withLanes(c.headDim, [&](auto lanes) {
        using Kernel = CachedAttention<T, decltype(lanes)::value>;
        gpu.launch<Kernel>({c.batch * c.time, c.heads, kRowThreads, rowAttentionBytes(c.context)}, a);
      });
    }
    case Kind::packedAttention: {
      auto c = PackedAttentionCall<T>::from(call);
      const auto heads = static_cast<int64_t>(c.heads);
      const PackedAttentionArgs<T> a = {c.qkv, c.spans, c.y, c.rows, heads, c.width / heads, gpu.faults()};
      if constexpr (sizeof(T) == 2) {
        if (suitsTensorCores(a.headDim) && c.rows >= kFewRows) {
          return withTile(a.headDim, [&](auto size) {
            launchTensorRows<TensorPackedAttention<T, decltype(size)::value>, T, decltype(size)::value>(gpu, a, heads,
                                                                                                         c.rows);
          });
        }
      }
      return withLanes(a.headDim, [&](auto lanes) {
        using Kernel = PackedAttention<T, decltype(lanes)::value>;
        gpu.launch<Kernel>({c.rows, heads, kRowThreads, rowAttentionBytes(c.rows)}, a);
      });
    }
    case Kind::selectRows: {
      auto c = SelectRowsCall<T>::from(call);
      return gpu.launch<SelectRows<T>>(gridOver(c.rows * c.width),
                                       {c.x, c.index, c.y, c.rows, c.width, c.sourceRows, gpu.faults()});
    }
    case Kind::dropout: {
      auto c = DropoutCall<T>::from(call);
      return gpu.launch<DropoutKernel<T>>(gridOver(c.rows * c.width), {c.x, c.residual, c.y, c.rows * c.width,
                                                                       dropoutNumbers(c.rng, c.stream, c.dropout)});
    }
    case Kind::head: {
      auto c = HeadCall<T>::from(call);
      return product<T, float, false, true>(gpu, {c.rows, c.vocab, c.width, c.x, c.width, c.wte, c.width, c.logits, c.vocab});
    }
    case Kind::headCrossEntropy: {
      auto c = HeadCrossEntropyCall<T>::from(call);
      return headLosses<T>(c, gpu, static_cast<int64_t>(c.vocab), nullptr, nullptr, nullptr, false, false);
    }
    case Kind::headCrossEntropyGrad: {
      auto c = HeadCrossEntropyGradCall<T>::from(call);
      return headLosses<T>(c, gpu, static_cast<int64_t>(c.vocab), c.dx, c.dwte, c.scalars + kLossGradient, c.dxAccumulate,
                           c.dwteAccumulate);
    }
    case Kind::cast: {
      auto c = CastCall<T>::from(call);
      return castTo(gpu, c.x, c.y, c.elements);
    }
    default: throw std::logic_error("an op has no kernel");
  }
}

template <class T>
void castTogether(const Call* calls, size_t count, Gpu& gpu) {
  Batches<Cast<T>> batches(gpu, gridOver(1).threads, 0);
  for (size_t i = 0; i < count; i++) {
    const auto c = CastCall<T>::from(calls[i]);
    batches.add({c.x, c.y, c.elements}, castGrid(c.elements).blocks);
  }
  batches.launch();
}

}  // namespace gpu
}  // namespace trainyard
