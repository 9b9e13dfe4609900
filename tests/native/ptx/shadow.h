// What is known of memory besides what it holds: who read and wrote it since when, so that two accesses that nothing
// orders are found, whatever order they came in.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

namespace trainyard {
namespace ptx {

// Barriers of any kind, and beginnings of blocks and launches, are counted by one clock: what happened in between has
// the same stamp. Blocks run one behind the other, so stamps tell them apart.
struct Now {
  uint32_t stamp = 1;
  uint32_t launch = 1;   // its beginning
  uint32_t block = 1;    // its beginning
  uint32_t barrier = 1;  // the block's last
};

// A thread that has access to memory.
struct Actor {
  uint16_t thread = 0;
  uint32_t warpBarrier = 0;  // its warp's last
  uint32_t at = 0;           // the instruction
  int warp() const { return thread / 32; }
  uint32_t lane() const { return 1u << (thread % 32); }
};

// Of a granule: a stretch of bytes of which every access of a kernel takes all or none.
struct Cell {
  static constexpr uint16_t kAtomic = 0x8000, kSeveral = 0x7fff;

  uint32_t writeStamp = 0, writeAt = 0;
  uint32_t readStamp = 0, readAt = 0;
  uint32_t earlierRead = 0;  // the stamp of one by an earlier block of the launch
  uint32_t readWarps = 0;    // since the block's last barrier, a bit each
  uint32_t readLanes = 0;    // of the warp that read last, since its last barrier
  uint16_t writer = 0;       // kSeveral: more than one, by atomic operations
  uint16_t pending = 0;      // one more than the thread whose copy has not arrived

  // `since`: when the memory came to be shared, by the block's threads (its beginning) or by those of the launch.
  bool isWrittenBefore(const Now& now, uint32_t since, const Actor& actor, bool isByWarp) const {
    if (writeStamp < since) return true;
    if (writeStamp < now.block) return false;
    if (writeStamp < now.barrier) return true;
    const uint16_t by = writer & kSeveral;
    if (by == actor.thread && !isByWarp) return true;
    return by / 32 == actor.warp() && writeStamp < actor.warpBarrier;
  }
  bool isReadBefore(const Now& now, uint32_t since, const Actor& actor) const {
    if (earlierRead >= since) return false;
    if (readStamp < since) return true;
    if (readStamp < now.block) return false;
    if (readStamp < now.barrier) return true;
    if (readWarps & ~(1u << actor.warp())) return false;
    return readStamp < actor.warpBarrier || (readLanes & ~actor.lane()) == 0;
  }
  void read(const Now& now, uint32_t since, const Actor& actor, uint32_t lanes) {
    if (readStamp < now.block && readStamp >= since) earlierRead = readStamp;
    if (readStamp < now.barrier) readWarps = readLanes = 0;
    const uint32_t own = 1u << actor.warp();
    if (readWarps != own || readStamp < actor.warpBarrier) readLanes = 0;
    readLanes |= lanes;
    readWarps |= own;
    readStamp = now.stamp;
    readAt = actor.at;
  }
  // What reads came before has been ordered before this, and so before all that is ordered behind it.
  void write(const Now& now, const Actor& actor) {
    writer = actor.thread;
    writeStamp = now.stamp;
    writeAt = actor.at;
    readStamp = earlierRead = 0;
  }
  void writeAtomically(const Now& now, uint32_t since, const Actor& actor) {
    const bool isOld = writeStamp < since || (writer & kAtomic) == 0;
    // One of an earlier block is kept: nothing that comes is ordered behind it.
    if (!isOld && writeStamp < now.block) return;
    const bool isShared = !isOld && writeStamp >= now.barrier && (writer & kSeveral) != actor.thread;
    write(now, actor);
    writer = static_cast<uint16_t>((isShared ? kSeveral : actor.thread) | kAtomic);
  }
};

// Cells of a stretch of memory, made where they are first asked for.
class Shadow {
 public:
  void resize(size_t bytes) { chunks_.resize((bytes + kChunk - 1) / kChunk); }
  // Cells of up to 16 bytes that are aligned to their own size lie in one chunk.
  Cell* cells(size_t granuleIndex) {
    std::unique_ptr<Cell[]>& chunk = chunks_[granuleIndex / kChunk];
    if (!chunk) chunk = std::make_unique<Cell[]>(kChunk);
    return chunk.get() + granuleIndex % kChunk;
  }
  void forget() {
    for (auto& chunk : chunks_) chunk.reset();
  }

 private:
  static constexpr size_t kChunk = 4096;
  std::vector<std::unique_ptr<Cell[]>> chunks_;
};

}  // namespace ptx
}  // namespace trainyard
