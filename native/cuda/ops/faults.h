// Indices that come from data: one that is out of range must end the run, not write somewhere. A kernel notes it in a
// word that the host looks at when the program has ended, and goes on with an index that does no harm.
#pragma once
#include "../../common/faults.h"
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

// The index, or 0 when it does not lie in least … end - 1.
TY_KERNEL int64_t checkedIndex(Thread& t, int64_t index, int64_t lower, int64_t end, Fault fault, int32_t* faults) {
  if (index >= lower && index < end) return index;
  t.atomicMax(faults, static_cast<int32_t>(fault));
  return 0;
}

}  // namespace gpu
}  // namespace trainyard
