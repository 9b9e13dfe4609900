// The memory of a GPU: stretches of the host's that kernels may reach.
#pragma once
#include <cstdint>
#include <map>

#include "shadow.h"

namespace trainyard {
namespace ptx {

struct Range {
  uint64_t begin = 0, bytes = 0;
  Shadow shadow;
};

class Memory {
 public:
  void add(const void* begin, size_t bytes) {
    Range& added = ranges_[reinterpret_cast<uint64_t>(begin)];
    added.begin = reinterpret_cast<uint64_t>(begin);
    added.bytes = bytes;
    added.shadow.resize(bytes);
  }
  void remove(const void* begin) { ranges_.erase(reinterpret_cast<uint64_t>(begin)); }
  // The one that all of these bytes lie in, or null.
  Range* find(uint64_t address, uint64_t bytes) {
    auto behind = ranges_.upper_bound(address);
    if (behind == ranges_.begin()) return nullptr;
    Range& segment = (--behind)->second;
    const uint64_t offset = address - segment.begin;
    return offset < segment.bytes && bytes <= segment.bytes - offset ? &segment : nullptr;
  }
  void forget() {
    for (auto& segment : ranges_) segment.second.shadow.forget();
  }

 private:
  std::map<uint64_t, Range> ranges_;
};

}  // namespace ptx
}  // namespace trainyard
