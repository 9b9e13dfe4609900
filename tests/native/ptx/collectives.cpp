// What lanes of a warp do together: shuffles, votes and barriers.
#include "block.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

enum class Shuffle { up, down, butterfly, index };

// Operands: out, whether the source was in range, in, b, c, mask. As the manual's pseudocode has it: c holds a clamp in
// its bits 0-4 and a mask that splits the warp into segments in its bits 8-12.
template <Shuffle kind>
void shuffle(Warp& w, const Instruction& i) {
  uint32_t in[kLanes];
  std::memcpy(in, w.word(i, 2), sizeof in);
  uint32_t* inRange = w.word(i, 1);
  const auto *b = w.row<uint32_t>(i, 3), *c = w.row<uint32_t>(i, 4);
  uint32_t flags = 0, out[kLanes];
  w.each([&](int l) {
    const auto lane = static_cast<int32_t>(l);
    const auto bval = static_cast<int32_t>(b[l] & 0x1fu), cval = static_cast<int32_t>(c[l] & 0x1fu);
    const auto segment = static_cast<int32_t>(c[l] >> 8 & 0x1fu);
    const int32_t last = (lane & segment) | (cval & ~segment), first = lane & segment;
    int32_t source = 0;
    bool isIn = false;
    switch (kind) {
      case Shuffle::up:
        source = lane - bval;
        isIn = source >= last;
        break;
      case Shuffle::down:
        source = lane + bval;
        isIn = source <= last;
        break;
      case Shuffle::butterfly:
        source = lane ^ bval;
        isIn = source <= last;
        break;
      case Shuffle::index:
        source = first | (bval & ~segment);
        isIn = source <= last;
        break;
    }
    if (!isIn) source = lane;
    if (!(w.active >> source & 1u))
      w.block->fail(w, l, "it takes a number of lane " + std::to_string(source) + ", which takes no part");
    out[l] = in[source];
    flags |= static_cast<uint32_t>(isIn) << l;
  });
  auto* to = w.row<uint32_t>(i, 0);
  w.each([&](int lane) { to[lane] = out[lane]; });
  *inRange = (*inRange & ~w.active) | flags;
}

void ballot(Warp& w, const Instruction& i) {
  const uint32_t votes = *w.word(i, 1) & w.active;
  auto* out = w.row<uint32_t>(i, 0);
  w.each([&](int lane) { out[lane] = votes; });
}

template <bool areAll>
void vote(Warp& w, const Instruction& i) {
  const uint32_t votes = *w.word(i, 1) & w.active;
  const bool result = areAll ? votes == w.active : votes != 0;
  uint32_t* out = w.word(i, 0);
  *out = (*out & ~w.active) | (result ? w.active : 0u);
}

void warpBarrier(Warp& w, const Instruction&) {
  if (w.active != kAllLanes) w.block->fail(w, lowestLane(w.active), "a barrier of a part of a warp is not known here");
  w.block->warpBarrier(w);
}

}  // namespace

void addCollectives(Opcodes& o) {
  o["shfl.sync.up.b32"] = {"qiiii", shuffle<Shuffle::up>, nullptr, Flow::collective};
  o["shfl.sync.down.b32"] = {"qiiii", shuffle<Shuffle::down>, nullptr, Flow::collective};
  o["shfl.sync.bfly.b32"] = {"qiiii", shuffle<Shuffle::butterfly>, nullptr, Flow::collective};
  o["shfl.sync.idx.b32"] = {"qiiii", shuffle<Shuffle::index>, nullptr, Flow::collective};
  o["vote.sync.ballot.b32"] = {"ipi", ballot, nullptr, Flow::collective};
  o["vote.sync.all.pred"] = {"ppi", vote<true>, nullptr, Flow::collective};
  o["vote.sync.any.pred"] = {"ppi", vote<false>, nullptr, Flow::collective};
  o["bar.warp.sync"] = {"i", warpBarrier, nullptr, Flow::collective};
  o["bar.sync"] = {"n", nullptr, nullptr, Flow::barrier};
  o["barrier.sync"] = o["bar.sync"];
  o["barrier.cta.sync"] = o["bar.sync"];
  o["bra"] = {"t", nullptr, nullptr, Flow::branch};
  o["bra.uni"] = o["bra"];
  o["ret"] = {"", nullptr, nullptr, Flow::end};
  o["exit"] = o["ret"];
}

}  // namespace ptx
}  // namespace trainyard
