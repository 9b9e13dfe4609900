// A kernel over several tensors at once, of which each alone would leave most of a GPU without work. The kernel has
// part(t, args, block, blocks): what one of the blocks does that an array of its own would have.
#pragma once
#include "../layer/layer.h"

namespace trainyard {
namespace gpu {

template <class Kernel>
struct TensorList {
  static constexpr const char* name = Kernel::name;
  // What a kernel is told has 4 KiB of room.
  static constexpr int kMaxTensors =
      static_cast<int>((4096 - 16) / (sizeof(typename Kernel::Args) + sizeof(int64_t)));
  struct Args {
    typename Kernel::Args of[kMaxTensors];
    int64_t end[kMaxTensors];  // blocks of a tensor and of those before it
    int count;
  };
  TY_KERNEL static void run(Thread& t, const Args& a) {
    // The first whose end lies behind this block.
    int low = 0, high = a.count - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (a.end[middle] > t.block()) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    const int64_t before = low > 0 ? a.end[low - 1] : 0;
    Kernel::part(t, a.of[low], t.block() - before, a.end[low] - before);
  }
};

}  // namespace gpu
}  // namespace trainyard
