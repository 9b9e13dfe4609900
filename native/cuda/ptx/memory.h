// The memory of a GPU: stretches of the host's that kernels may reach.
#pragma once
#include <cstdint>
#include <map>

#include "shadow.h"

namespace trainyard {
namespace ptx {

struct Stretch {
  uint64_t begin = 0, bytes = 0;
  Shadow shadow;
};

class Memory {
 public:
  void add(const void* begin, size_t bytes) {
    Stretch& added = stretches_[reinterpret_cast<uint64_t>(begin)];
    added.begin = reinterpret_cast<uint64_t>(begin);
    added.bytes = bytes;
    added.shadow.resize(bytes);
  }
  void remove(const void* begin) { stretches_.erase(reinterpret_cast<uint64_t>(begin)); }
  // The one that all of these bytes lie in, or null.
  Stretch* find(uint64_t address, uint64_t bytes) {
    auto behind = stretches_.upper_bound(address);
    if (behind == stretches_.begin()) return nullptr;
    Stretch& stretch = (--behind)->second;
    const uint64_t offset = address - stretch.begin;
    return offset < stretch.bytes && bytes <= stretch.bytes - offset ? &stretch : nullptr;
  }
  void forget() {
    for (auto& stretch : stretches_) stretch.second.shadow.forget();
  }

 private:
  std::map<uint64_t, Stretch> stretches_;
};

}  // namespace ptx
}  // namespace trainyard
