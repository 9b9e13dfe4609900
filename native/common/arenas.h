// The arenas of a session: stretches of a device's memory, in which the buffers of its programs have their places.
#pragma once
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace trainyard {

// A part of an arena.
struct Range {
  int arena;
  size_t offset, bytes;
};

class Arenas {
 public:
  struct Arena {
    uint8_t* data;
    size_t bytes;
  };

  void add(uint8_t* data, size_t bytes) { arenas_.push_back({data, bytes}); }
  void clear() { arenas_.clear(); }
  bool isEmpty() const { return arenas_.empty(); }
  const std::vector<Arena>& all() const { return arenas_; }

  // The sum of them.
  size_t bytes() const {
    size_t total = 0;
    for (const Arena& arena : arenas_) total += arena.bytes;
    return total;
  }

  // Of a buffer as a program names it; null where the arena is below 0. Throws std::out_of_range.
  void* place(double arena, double offset) const {
    if (arena < 0) return nullptr;
    const auto index = static_cast<size_t>(arena);
    if (index >= arenas_.size() || static_cast<size_t>(offset) >= arenas_[index].bytes)
      throw std::out_of_range("a buffer lies outside its arena");
    return arenas_[index].data + static_cast<size_t>(offset);
  }

  // Throws std::out_of_range when it goes past the end of its arena.
  uint8_t* at(const Range& range) const {
    const Arena& arena = arenas_.at(static_cast<size_t>(range.arena));
    if (range.offset > arena.bytes || range.bytes > arena.bytes - range.offset)
      throw std::out_of_range("a copy goes past the end of its arena");
    return arena.data + range.offset;
  }

 private:
  std::vector<Arena> arenas_;
};

}  // namespace trainyard
