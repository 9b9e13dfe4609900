#include "lowBit.h"

#include <vector>

#include "../batches.h"
#include "plainCalls.h"

namespace trainyard {
namespace gpu {

namespace {

template <class AdamWCall>
LowBitArgs argsOf(const AdamWCall& c, const QuantizationMap* mMap, const QuantizationMap* vMap, bool root) {
  return {c.p, c.g, c.mCodes, c.mScale, c.vCodes, c.vScale, c.elements, numbersOf(c), mMap, vMap, root};
}
LowBitArgs argsOf(const Adamw8bitCall& c, const Gpu& gpu) {
  return argsOf(c, gpu.maps().signed8, gpu.maps().unsigned8, c.root != 0);
}

}  // namespace

void run(const Adamw8bitCall& c, Gpu& gpu) { gpu.launch<AdamW8bit>(gridOverBlocks(c.blocks), argsOf(c, gpu)); }

void runFused(const std::vector<Adamw8bitCall>& calls, Gpu& gpu) {
  Batches<AdamW8bit> batches(gpu, kBlockWarps * 32, 0);
  for (const Adamw8bitCall& c : calls) batches.add(argsOf(c, gpu), gridOverBlocks(c.blocks).blocks);
  batches.launch();
}

void run(const Adamw4bitCall& c, Gpu& gpu) {
  const auto rows = static_cast<int64_t>(c.rows);
  const int64_t columns = rows ? c.elements / rows : 0;
  RankOneArgs a = {argsOf(c, gpu.maps().signed4, gpu.maps().unsigned4, false), rows, columns, c.workspace,
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

// Each has kernels of its own, over the same workspace.
void runFused(const std::vector<Adamw4bitCall>& calls, Gpu& gpu) {
  for (const Adamw4bitCall& c : calls) run(c, gpu);
}

}  // namespace gpu
}  // namespace trainyard
