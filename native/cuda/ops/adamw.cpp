#include "adamw.h"

#include <vector>

#include "../batches.h"
#include "plainCalls.h"

namespace trainyard {
namespace gpu {

namespace {

AdamW::Args argsOf(const AdamwCall& c) { return {c.p, c.g, c.m, c.v, c.elements, numbersOf(c)}; }

}  // namespace

void run(const AdamwCall& c, Gpu& gpu) { gpu.launch<AdamW>(gridOverFours(c.elements), argsOf(c)); }

void runFused(const std::vector<AdamwCall>& calls, Gpu& gpu) {
  Batches<AdamW> batches(gpu, gridOver(1).threads, 0);
  for (const AdamwCall& c : calls) batches.add(argsOf(c), gridOverFours(c.elements).blocks);
  batches.launch();
}

}  // namespace gpu
}  // namespace trainyard
