// A product of matrices is put into the GPU's lane here, and nowhere else: by own kernels, or by NVIDIA's library.
#pragma once
#include <type_traits>

#include <platform/launch.h>

#include "../ops/elementwise.h"
#include "gemm.h"
#include "products.h"
#include "tensorGemm.h"

namespace trainyard {
namespace gpu {

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
         (!g.bias || g.n <= Products::kMaxBias);
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
    if (rounds) gpu.launch<Cast<T>>(gridOverFours(g.n), {g.bias, static_cast<T*>(products->biasMemory()), g.n});
  });
}

template <class T, class Out, bool transposeA, bool transposeB>
void product(Gpu& gpu, ProductArgs<T, Out> g) {
  g.vectors = hasAlignedRows(g);
  productBy<transposeA, transposeB>(gpu, g, [&] { ownProduct<T, Out, transposeA, transposeB>(gpu, g); });
}

}  // namespace gpu
}  // namespace trainyard
