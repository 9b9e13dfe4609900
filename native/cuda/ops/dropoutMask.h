#pragma once
#include "../../common/philox.h"
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

// 0, or 1 / (1 - p) where the element is kept.
TY_KERNEL float dropoutMask(const Dropout& d, uint64_t element) {
  uint32_t words[4];
  philoxBlock(d, element / 4, words);
  const uint32_t even = element % 4 < 2 ? words[0] : words[2], odd = element % 4 < 2 ? words[1] : words[3];
  return (element % 2 == 0 ? even : odd) >= d.threshold ? d.scale : 0.0f;
}

}  // namespace gpu
}  // namespace trainyard
