// Copies of an optimizer's states between the host's memory and windows of the device's, beside what is computed.
#pragma once
#include <unordered_map>

#include "calls.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

// Goes through the calls of a program in their order. Copies have a stream of their own: one into a window waits for all
// that is computed before it, since memory is used again; the update of a window waits for its copy alone, so that the
// next window is filled meanwhile; one out of a window waits for that update; everything else waits for all copies.
class Pager {
 public:
  explicit Pager(Gpu& gpu) : gpu_(gpu) {}

  // Puts a call that pages into the copies' stream. Otherwise returns false, and the call may be put into the other.
  bool take(const Call& call);
  // Whether copies have been put there that not everything behind them waits for.
  bool isCopying() const { return copying_; }
  // Everything behind it waits for all copies.
  void finish();

 private:
  // Whether a call uses a window that is filled, whose copy it waits for then.
  bool usesWindow(const Call& call);

  Gpu& gpu_;
  bool copying_ = false;                        // since the streams last met
  std::unordered_map<const void*, int> filled_;  // the mark behind the copy into a window
};

// The copies of a call that pages, in whichever stream.
void copyWindow(const PageInCall& c, Gpu& gpu, Stream stream);
void copyWindow(const PageOutCall& c, Gpu& gpu, Stream stream);

}  // namespace gpu
}  // namespace trainyard
