// Indices out of range that kernels note, where they can't say more: see native/cuda/ops/faults.h.
#pragma once
#include <cstdint>

namespace trainyard {

enum Fault : int32_t { kNoFault, kTokenFault, kPositionFault, kTargetFault, kRowFault, kSpanFault };

// Of what the index was.
inline const char* nameOf(Fault fault) {
  static const char* const names[] = {"", "token", "position", "target", "row", "span"};
  return names[fault];
}

}  // namespace trainyard
