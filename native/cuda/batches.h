// Launches of a kernel over several tensors at once: see ops/tensorList.h.
#pragma once
#include "ops/tensorList.h"
#include "gpu.h"
#include <platform/launch.h>

namespace trainyard {
namespace gpu {

template <class Kernel>
class Batches {
 public:
  // threads, sharedBytes: of a block.
  Batches(Gpu& gpu, int threads, size_t sharedBytes) : gpu_(gpu), threads_(threads), sharedBytes_(sharedBytes) {}

  bool isFull() const { return args_.count == TensorList<Kernel>::kMaxTensors; }
  // Takes a tensor that would have so many blocks of its own, and launches those before it when it finds no room.
  void add(const typename Kernel::Args& args, int64_t blocks) {
    if (isFull()) launch();
    blocks_ += blocks;
    args_.of[args_.count] = args;
    args_.end[args_.count++] = blocks_;
  }

  void launch() {
    if (args_.count > 0) gpu_.launch<TensorList<Kernel>>({blocks_, 1, threads_, sharedBytes_}, args_);
    args_ = {};
    blocks_ = 0;
  }

 private:
  Gpu& gpu_;
  int threads_;
  size_t sharedBytes_;
  typename TensorList<Kernel>::Args args_{};
  int64_t blocks_ = 0;
};

}  // namespace gpu
}  // namespace trainyard
