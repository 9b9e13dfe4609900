#include "update.h"

#include <vector>

#include "../batches.h"
#include "plainCalls.h"

namespace trainyard {
namespace gpu {

void run(const SquaredSumCall& c, Gpu& gpu) {
  const int64_t chunks = ceilDiv(c.elements, kSquaresPerChunk);
  float* const out = c.squares + static_cast<int64_t>(c.index);
  const Grid grid = {chunks, 1, kSquaresThreads, kSquaresSharedBytes};
  if (chunks == 1) return gpu.launch<SquaresOfChunks>(grid, {c.g, out, c.elements});
  gpu.launch<SquaresOfChunks>(grid, {c.g, c.workspace, c.elements});
  gpu.launch<SumOfChunks>({1, 1, 32, 0}, {c.workspace, out, chunks});
}

// Sums of the chunks of all tensors, as many as there is room for, then of the tensors.
void runFused(const std::vector<SquaredSumCall>& calls, Gpu& gpu) {
  Batches<SquaresOfChunks> squares(gpu, kSquaresThreads, kSquaresSharedBytes);
  Batches<SumOfChunks> sums(gpu, 32, 0);
  int64_t used = 0;
  const auto launch = [&] {
    squares.launch();
    sums.launch();
    used = 0;
  };
  for (const SquaredSumCall& c : calls) {
    const int64_t chunks = ceilDiv(c.elements, kSquaresPerChunk);
    if (chunks > Gpu::kChunkSums) {
      run(c, gpu);
      continue;
    }
    if (used + chunks > Gpu::kChunkSums || sums.isFull()) launch();
    float* const own = gpu.chunkSums() + used;
    squares.add({c.g, own, c.elements}, chunks);
    sums.add({own, c.squares + static_cast<int64_t>(c.index), chunks}, 1);
    used += chunks;
  }
  launch();
}

void run(const ClipFactorCall& c, Gpu& gpu) {
  gpu.launch<ClipFactor>({1, 1, 32, 0}, {c.squares, c.scalars, c.stats, c.tensors, c.maxNorm});
}

}  // namespace gpu
}  // namespace trainyard
