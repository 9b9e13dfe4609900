// Programs as they come from JavaScript: see electron/engine/devices/encode.ts.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "calls.h"

namespace trainyard {

// The calls of a program. resolve(arena, offset): the address of a buffer; null where the arena is below 0.
template <class Resolve>
std::vector<Call> decodeProgram(const double* code, size_t length, const Resolve& resolve) {
  std::vector<Call> calls;
  size_t at = 0;
  auto next = [&]() -> double {
    if (at >= length) throw std::out_of_range("the program is cut off");
    return code[at++];
  };
  while (at < length) {
    auto kind = static_cast<int>(next());
    if (kind < 0 || kind >= kKindCount) throw std::out_of_range("the program has a call of an unknown kind");
    const KindInfo& info = kKinds[kind];
    Call call{};
    call.kind = static_cast<Kind>(kind);
    const double precision = next();
    if (!(precision >= 0 && precision < kPrecisionCount)) {
      throw std::out_of_range("the program has a call of an unknown precision");
    }
    call.precision = static_cast<Precision>(static_cast<int>(precision));
    call.accumulate = static_cast<uint32_t>(next());
    for (int i = 0; i < info.args; i++) {
      double arena = next();
      call.args[i] = resolve(arena, next());
    }
    double arena = next();
    call.workspace = resolve(arena, next());
    for (int i = 0; i < info.dims; i++) call.dims[i] = static_cast<int64_t>(next());
    for (int i = 0; i < info.attrs; i++) call.attrs[i] = next();
    calls.push_back(call);
  }
  return calls;
}

}  // namespace trainyard
