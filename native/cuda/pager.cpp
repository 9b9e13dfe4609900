#include "pager.h"

namespace trainyard {
namespace gpu {
namespace {

template <class T>
void copyPart(Gpu& gpu, Stream stream, T* to, const T* from, int64_t elements) {
  gpu.enqueueCopy(to, from, static_cast<size_t>(elements) * sizeof(T), stream);
}

}  // namespace

void copyWindow(const PageInCall& c, Gpu& gpu, Stream stream) {
  copyPart(gpu, stream, c.mCodes, c.hostMCodes, c.elements);
  copyPart(gpu, stream, c.mScale, c.hostMScale, c.blocks);
  copyPart(gpu, stream, c.vCodes, c.hostVCodes, c.elements);
  copyPart(gpu, stream, c.vScale, c.hostVScale, c.blocks);
}

void copyWindow(const PageOutCall& c, Gpu& gpu, Stream stream) {
  copyPart(gpu, stream, c.hostMCodes, c.mCodes, c.elements);
  copyPart(gpu, stream, c.hostMScale, c.mScale, c.blocks);
  copyPart(gpu, stream, c.hostVCodes, c.vCodes, c.elements);
  copyPart(gpu, stream, c.hostVScale, c.vScale, c.blocks);
}

bool Pager::take(const Call& call) {
  if (call.kind == Kind::pageIn || call.kind == Kind::pageOut) {
    gpu_.await(Stream::copies, gpu_.mark(Stream::compute));
    copying_ = true;
    if (call.kind == Kind::pageIn) {
      const PageInCall c = PageInCall::from(call);
      copyWindow(c, gpu_, Stream::copies);
      filled_[c.mCodes] = gpu_.mark(Stream::copies);
    } else {
      const PageOutCall c = PageOutCall::from(call);
      copyWindow(c, gpu_, Stream::copies);
      filled_.erase(c.mCodes);
    }
    return true;
  }
  if (!usesWindow(call)) finish();
  return false;
}

bool Pager::usesWindow(const Call& call) {
  for (int i = 0; i < kKinds[static_cast<int>(call.kind)].args; i++) {
    const auto filled = filled_.find(call.args[i]);
    if (filled == filled_.end()) continue;
    gpu_.await(Stream::compute, filled->second);
    return true;
  }
  return false;
}

void Pager::finish() {
  if (!copying_) return;
  gpu_.await(Stream::compute, gpu_.mark(Stream::copies));
  copying_ = false;
  filled_.clear();
}

}  // namespace gpu
}  // namespace trainyard
