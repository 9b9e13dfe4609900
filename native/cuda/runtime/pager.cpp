#include "pager.h"

namespace trainyard {
namespace gpu {
namespace {

struct Moments {
  uint8_t* mCodes;
  float* mScale;
  uint8_t* vCodes;
  float* vScale;
};

void copyMoments(Gpu& gpu, Lane lane, const Moments& to, const Moments& from, int64_t elements, int64_t blocks) {
  const auto codes = static_cast<size_t>(elements), scales = static_cast<size_t>(blocks) * sizeof(float);
  gpu.copyInLane(to.mCodes, from.mCodes, codes, lane);
  gpu.copyInLane(to.mScale, from.mScale, scales, lane);
  gpu.copyInLane(to.vCodes, from.vCodes, codes, lane);
  gpu.copyInLane(to.vScale, from.vScale, scales, lane);
}

template <class A, class B, class C, class D>
Moments moments(A* mCodes, B* mScale, C* vCodes, D* vScale) {
  return {const_cast<uint8_t*>(mCodes), const_cast<float*>(mScale), const_cast<uint8_t*>(vCodes),
          const_cast<float*>(vScale)};
}

}  // namespace

void copyWindow(const Call& call, Gpu& gpu, Lane lane) {
  if (call.kind == Kind::pageIn) {
    const auto c = PageInCall::from(call);
    copyMoments(gpu, lane, moments(c.mCodes, c.mScale, c.vCodes, c.vScale),
                moments(c.hostMCodes, c.hostMScale, c.hostVCodes, c.hostVScale), c.elements, c.blocks);
  } else {
    const auto c = PageOutCall::from(call);
    copyMoments(gpu, lane, moments(c.hostMCodes, c.hostMScale, c.hostVCodes, c.hostVScale),
                moments(c.mCodes, c.mScale, c.vCodes, c.vScale), c.elements, c.blocks);
  }
}

bool Pager::take(const Call& call) {
  if (call.kind == Kind::pageIn || call.kind == Kind::pageOut) {
    gpu_.await(Lane::copies, gpu_.mark(Lane::compute));
    copyWindow(call, gpu_, Lane::copies);
    copying_ = true;
    if (call.kind == Kind::pageIn) filled_[PageInCall::from(call).mCodes] = gpu_.mark(Lane::copies);
    return true;
  }
  if (call.kind == Kind::adamw8bit) {
    const auto filled = filled_.find(Adamw8bitCall::from(call).mCodes);
    if (filled != filled_.end()) {
      gpu_.await(Lane::compute, filled->second);
      return false;
    }
  }
  finish();
  return false;
}

void Pager::finish() {
  if (!copying_) return;
  gpu_.await(Lane::compute, gpu_.mark(Lane::copies));
  copying_ = false;
  filled_.clear();
}

}  // namespace gpu
}  // namespace trainyard
