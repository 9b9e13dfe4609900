// What sessions of every device do alike: they decode programs over their arenas, number them, and forget all of it at once.
#pragma once
#include <utility>
#include <vector>

#include "arenas.h"
#include "decode.h"

namespace trainyard {

// Program: what a device keeps of one, made from its calls; it has them as `calls`.
template <class Program>
class Programs {
 public:
  Arenas& arenas() { return arenas_; }
  const Arenas& arenas() const { return arenas_; }

  // From the flat form that electron/engine/devices/native/encode.ts writes. Returns its number.
  template <class Make>
  int add(const double* code, size_t length, const Make& make) {
    programs_.push_back(make(decodeProgram(code, length, arenas_)));
    return static_cast<int>(programs_.size()) - 1;
  }
  // Throws std::out_of_range when there is no such program.
  const Program& at(int program) const { return programs_.at(static_cast<size_t>(program)); }
  // The memory itself is given back by whoever took it.
  void clear() {
    programs_.clear();
    arenas_.clear();
  }

 private:
  Arenas arenas_;
  std::vector<Program> programs_;
};

}  // namespace trainyard
