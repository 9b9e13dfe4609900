// Which kernels a call is, and over how many threads: compiled once for the GPU and once for the host that plays one.
#include "execute.h"

#include <stdexcept>

#include "../kernels/crossEntropy.h"
#include "../kernels/lowBit.h"
#include "../kernels/update.h"
#include "batches.h"
#include "launch.h"
#include "pager.h"

namespace trainyard {
namespace gpu {
namespace {

constexpr int kColumnThreads = 128;

template <class AdamWCall>
AdamWNumbers numbersOf(const AdamWCall& c) {
  return {static_cast<float>(c.beta1), static_cast<float>(1.0 - c.beta1), static_cast<float>(c.beta2),
          static_cast<float>(1.0 - c.beta2), static_cast<float>(c.eps), c.weightDecay, c.scalars, c.stats};
}

template <class AdamWCall>
LowBitArgs lowBitArgs(const AdamWCall& c, const QuantisationMap* mMap, const QuantisationMap* vMap, bool root) {
  return {c.p, c.g, c.mCodes, c.mScale, c.vCodes, c.vScale, c.elements,
          numbersOf(c), mMap, vMap, root};
}
LowBitArgs args8bit(const Adamw8bitCall& c, const Gpu& gpu) {
  return lowBitArgs(c, gpu.maps().signed8, gpu.maps().unsigned8, c.root != 0);
}

AdamW::Args adamwArgs(const AdamwCall& c) {
  return {c.p, c.g, c.m, c.v, c.elements, numbersOf(c)};
}
Grid adamwGrid(const AdamwCall& c) { return gridOverFours(c.elements); }

void adamw4bit(const Adamw4bitCall& c, Gpu& gpu) {
  const auto rows = static_cast<int64_t>(c.rows);
  const int64_t columns = rows ? c.elements / rows : 0;
  RankOneArgs a = {lowBitArgs(c, gpu.maps().signed4, gpu.maps().unsigned4, false), rows, columns, c.workspace,
                   rows ? c.workspace + rows + columns : nullptr};
  if (rows) {
    const int64_t blocks = ceilDiv(columns, kColumnThreads);
    gpu.launch<RankOneRows>({rows, 1, kColumnThreads, kColumnThreads / 32 * sizeof(float)}, a);
    gpu.launch<RankOneColumns>({blocks, kRankOneChunks, kColumnThreads, 0}, a);
    gpu.launch<RankOneColumnMaxima>({blocks, 1, kColumnThreads, 0}, a);
  }
  gpu.launch<AdamW4bit>(gridOverBlocks(ceilDiv(c.elements, kBlock4)), a);
  if (rows) gpu.launch<RankOneScales>(gridOver(rows + columns), a);
}

// Sums of the chunks of all tensors, as many as there is room for, then of the tensors.
void squaredSums(const Call* calls, size_t count, Gpu& gpu) {
  Batches<SquaresOfChunks> squares(gpu, kSquaresThreads, kSquaresSharedBytes);
  Batches<SumOfChunks> sums(gpu, 32, 0);
  int64_t used = 0;
  const auto launch = [&] {
    squares.launch();
    sums.launch();
    used = 0;
  };
  for (size_t i = 0; i < count; i++) {
    const auto c = SquaredSumCall::from(calls[i]);
    const int64_t chunks = ceilDiv(c.elements, kSquaresPerChunk);
    if (used + chunks > Gpu::kChunkSums || sums.isFull()) launch();
    float* const own = gpu.chunkSums() + used;
    squares.add({c.g, own, c.elements}, chunks);
    sums.add({own, c.squares + static_cast<int64_t>(c.index), chunks}, 1);
    used += chunks;
  }
  launch();
}

// Updates of parameters, in whichever order. Each of 4 bits has kernels of its own, over the same workspace.
void updates(const Call* calls, size_t count, Gpu& gpu) {
  Batches<AdamW> whole(gpu, gridOver(1).threads, 0);
  Batches<AdamW8bit> of8bits(gpu, kBlockWarps * 32, 0);
  for (size_t i = 0; i < count; i++) {
    switch (calls[i].kind) {
      case Kind::adamw: {
        const auto c = AdamwCall::from(calls[i]);
        whole.add(adamwArgs(c), adamwGrid(c).blocks);
        break;
      }
      case Kind::adamw8bit: {
        const auto c = Adamw8bitCall::from(calls[i]);
        of8bits.add(args8bit(c, gpu), gridOverBlocks(c.blocks).blocks);
        break;
      }
      default: execute(calls[i], gpu);
    }
  }
  whole.launch();
  of8bits.launch();
}

// Calls that are put there together are of one of these.
enum class Group { none, squares, updates, casts };

Group groupOf(const Call& call) {
  switch (call.kind) {
    // The sums of its chunks must have room.
    case Kind::squaredSum: return call.dims[0] <= Gpu::kChunkSums * kSquaresPerChunk ? Group::squares : Group::none;
    case Kind::adamw:
    case Kind::adamw8bit:
    case Kind::adamw4bit: return Group::updates;
    case Kind::cast: return Group::casts;
    default: return Group::none;
  }
}

}  // namespace

size_t together(const std::vector<Call>& calls, size_t at) {
  const Call& first = calls[at];
  if (groupOf(first) == Group::none) return 1;
  size_t end = at + 1;
  while (end < calls.size() && groupOf(calls[end]) == groupOf(first) && calls[end].precision == first.precision) end++;
  return end - at;
}

void executeTogether(const Call* calls, size_t count, Gpu& gpu) {
  switch (groupOf(*calls)) {
    case Group::squares: return squaredSums(calls, count, gpu);
    case Group::updates: return updates(calls, count, gpu);
    case Group::casts: break;
    case Group::none: throw std::logic_error("these calls are not put there together");
  }
  switch (calls->precision) {
    case Precision::f32: return castTogether<float>(calls, count, gpu);
    case Precision::bf16: return castTogether<Bf16>(calls, count, gpu);
    case Precision::f16: return castTogether<F16>(calls, count, gpu);
  }
}

void execute(const Call& call, Gpu& gpu) {
  switch (call.kind) {
    case Kind::sumLosses: {
      auto c = SumLossesCall::from(call);
      return gpu.launch<SumLosses>({1, 1, 32, 0}, {c.losses, c.total, c.rows, c.totalAccumulate});
    }
    case Kind::squaredSum: {
      auto c = SquaredSumCall::from(call);
      const int64_t chunks = ceilDiv(c.elements, kSquaresPerChunk);
      float* const out = c.squares + static_cast<int64_t>(c.index);
      const Grid grid = {chunks, 1, kSquaresThreads, kSquaresSharedBytes};
      if (chunks == 1) return gpu.launch<SquaresOfChunks>(grid, {c.g, out, c.elements});
      gpu.launch<SquaresOfChunks>(grid, {c.g, c.workspace, c.elements});
      return gpu.launch<SumOfChunks>({1, 1, 32, 0}, {c.workspace, out, chunks});
    }
    case Kind::clipFactor: {
      auto c = ClipFactorCall::from(call);
      return gpu.launch<ClipFactor>({1, 1, 32, 0}, {c.squares, c.scalars, c.stats, c.tensors, c.maxNorm});
    }
    case Kind::adamw: {
      auto c = AdamwCall::from(call);
      return gpu.launch<AdamW>(adamwGrid(c), adamwArgs(c));
    }
    case Kind::adamw8bit: {
      auto c = Adamw8bitCall::from(call);
      return gpu.launch<AdamW8bit>(gridOverBlocks(c.blocks), args8bit(c, gpu));
    }
    case Kind::adamw4bit: return adamw4bit(Adamw4bitCall::from(call), gpu);
    case Kind::pageIn:
    case Kind::pageOut: return copyWindow(call, gpu, Lane::compute);
    default: break;
  }
  switch (call.precision) {
    case Precision::f32: return executeReal<float>(call, gpu);
    case Precision::bf16: return executeReal<Bf16>(call, gpu);
    case Precision::f16: return executeReal<F16>(call, gpu);
  }
}

}  // namespace gpu
}  // namespace trainyard
