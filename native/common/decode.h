// Programs as they come from JavaScript: see electron/engine/devices/native/encode.ts.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <vector>

#include "arenas.h"
#include "calls.h"

namespace trainyard {

// The calls of a program over some arenas. Throws std::out_of_range when it is no program over them.
inline std::vector<Call> decodeProgram(const double* code, size_t length, const Arenas& arenas) {
  std::vector<Call> calls;
  size_t at = 0;
  const auto next = [&]() -> double {
    if (at >= length) throw std::out_of_range("the program is cut off");
    return code[at++];
  };
  const auto place = [&] {
    const double arena = next();
    return arenas.place(arena, next());
  };
  while (at < length) {
    const auto kind = static_cast<int>(next());
    if (kind < 0 || kind >= kKindCount) throw std::out_of_range("the program has a call of an unknown kind");
    const KindInfo& info = kKinds[kind];
    Call call{};
    call.kind = static_cast<Kind>(kind);
    const double precision = next();
    if (!(precision >= 0 && precision < kPrecisionCount))
      throw std::out_of_range("the program has a call of an unknown precision");
    call.precision = static_cast<Precision>(static_cast<int>(precision));
    call.accumulate = static_cast<uint32_t>(next());
    for (int i = 0; i < info.args; i++) call.args[i] = place();
    call.workspace = place();
    for (int i = 0; i < info.dims; i++) call.dims[i] = static_cast<int64_t>(next());
    for (int i = 0; i < info.attrs; i++) call.attrs[i] = next();
    calls.push_back(call);
  }
  return calls;
}

}  // namespace trainyard
