#include <platform/launch.h>

#include "crossEntropy.h"
#include "plainCalls.h"

namespace trainyard {
namespace gpu {

void run(const SumLossesCall& c, Gpu& gpu) {
  gpu.launch<SumLosses>({1, 1, 32, 0}, {c.losses, c.total, c.rows, c.totalAccumulate});
}

}  // namespace gpu
}  // namespace trainyard
