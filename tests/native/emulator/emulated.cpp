#include "emulated.h"

#include <algorithm>
#include <bitset>

namespace trainyard {
namespace gpu {

float toFloat(Bf16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

void fromFloat(float x, Bf16* out) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (x != x) {
    out->bits = static_cast<uint16_t>(bits >> 16 | 0x40u);
    return;
  }
  // To the nearest, ties to even: what is cut off is rounded by adding just under, or just, half.
  out->bits = static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float toFloat(F16 x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16, exponent = x.bits >> 10 & 31u, fraction = x.bits & 1023u;
  if (exponent == 0) {
    const float size = static_cast<float>(fraction) * 0x1p-24f;
    return sign ? -size : size;
  }
  if (exponent == 31 && fraction != 0) return sign ? -NAN : NAN;
  const uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112u) << 23 | fraction << 13;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

void fromFloat(float x, F16* out) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const float size = std::fabs(x);
  if (x != x) {
    out->bits = static_cast<uint16_t>(sign | 0x7e00u);
  } else if (size >= 65520.0f) {
    out->bits = static_cast<uint16_t>(sign | 0x7c00u);
  } else if (size < 0x1p-14f) {
    // Subnormal: what is added has the steps of 2^-24, to which the sum is rounded, ties to even.
    const float sum = size + 0.5f;
    uint32_t steps;
    std::memcpy(&steps, &sum, sizeof steps);
    out->bits = static_cast<uint16_t>(sign | (steps - 0x3f000000u));
  } else {
    // 10 bits of fraction are left, ties to even; a carry goes into the exponent by itself.
    const uint32_t magnitude = bits & 0x7fffffffu;
    const uint32_t rounded = (magnitude + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    out->bits = static_cast<uint16_t>(sign | (rounded - (112u << 10)));
  }
}

// To the nearest, ties away from zero; a carry goes into the exponent by itself.
uint32_t roundTf32(uint32_t bits) { return (bits >> 23 & 255u) == 255u ? bits : (bits + 0x1000u) & ~0x1fffu; }

float tensorCoreFloat(uint32_t bits) {
  bits &= ~0x1fffu;
  float out;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

void storeWords(const uint32_t* words, int count, void* to) {
  const auto bytes = static_cast<size_t>(count) * sizeof *words;
  if (reinterpret_cast<uintptr_t>(to) % bytes != 0)
    throw KernelError("what is stored at once is not aligned to " + std::to_string(bytes) + " bytes");
  std::memcpy(to, words, bytes);
}

Block::Block(Order order, uint64_t seed) : order_(order), random_(seed * 0x9e3779b97f4a7c15u + 1) {}
Block::~Block() = default;

uint64_t Block::randomBits() {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  return random_;
}

void Block::run(const char* kernel, const Grid& grid, const std::function<void(Thread&)>& body) {
  if (grid.threads <= 0 || grid.threads % 32 != 0 || grid.threads > 1024)
    throw KernelError(std::string(kernel) + ": " + std::to_string(grid.threads) + " threads make no block");
  // What a GPU has for a block (sm_86 and sm_89: 99 KiB).
  if (grid.sharedBytes > 99 * 1024)
    throw KernelError(std::string(kernel) + ": " + std::to_string(grid.sharedBytes) + " bytes of shared memory");
  kernel_ = kernel;
  grid_ = grid;
  while (threads_.size() < static_cast<size_t>(grid.threads)) threads_.push_back(std::make_unique<ThreadState>());
  std::vector<int64_t> blocks(static_cast<size_t>(grid.blocks * grid.blocksY));
  for (size_t i = 0; i < blocks.size(); i++) blocks[i] = static_cast<int64_t>(i);
  if (order_ == Order::reverse) std::reverse(blocks.begin(), blocks.end());
  if (order_ == Order::random || order_ == Order::warpAhead) {
    for (size_t i = blocks.size(); i > 1; i--) std::swap(blocks[i - 1], blocks[randomBits() % i]);
  }
  for (int64_t b : blocks) runBlock(body, b % grid.blocks, b / grid.blocks);
}

void Block::runBlock(const std::function<void(Thread&)>& body, int64_t x, int64_t y) {
  blockX_ = x;
  blockY_ = y;
  // Whatever the block before left is no value that a kernel may count on.
  memory_.assign(grid_.sharedBytes, 0xcb);
  cells_.assign((grid_.sharedBytes + 1) / 2, Cell());
  warps_.assign(static_cast<size_t>(grid_.threads / 32), Warp());
  epoch_ = 1;
  atBarrier_ = 0;
  alive_ = grid_.threads;
  error_.clear();
  for (uint64_t& word : ready_) word = 0;
  for (int i = 0; i < grid_.threads; i++) {
    ThreadState& state = *threads_[static_cast<size_t>(i)];
    set(i, State::ready);
    state.groups.clear();
    state.open.clear();
    state.fiber.begin([this, i, x, y, &body, &state] {
      try {
        Thread thread(*this, i, x, y);
        body(thread);
        if (!state.open.empty() || !state.groups.empty()) fail(i, "it ends with copies that it has not waited for");
      } catch (const std::exception& e) {
        if (error_.empty()) error_ = e.what();
      }
      set(i, State::ended);
      alive_--;
    });
  }
  while (alive_ > 0) {
    const int thread = next();
    if (thread < 0) {
      if (atBarrier_ == alive_ && alive_ == grid_.threads) {
        // All have arrived.
        epoch_++;
        atBarrier_ = 0;
        for (int i = 0; i < grid_.threads; i++) set(i, State::ready);
        continue;
      }
      throw KernelError(std::string(kernel_) + ", block " + std::to_string(x) + "," + std::to_string(y) + ": " +
                        std::to_string(atBarrier_) + " of " + std::to_string(grid_.threads) +
                        " threads wait at a barrier that the others never reach");
    }
    threads_[static_cast<size_t>(thread)]->fiber.resume();
    if (!error_.empty()) throw KernelError(error_);
  }
}

void Block::set(int thread, State state) {
  threads_[static_cast<size_t>(thread)]->state = state;
  const uint64_t bit = uint64_t{1} << (thread % 64);
  if (state == State::ready) {
    ready_[thread / 64] |= bit;
  } else {
    ready_[thread / 64] &= ~bit;
  }
}

namespace {

int countBits(uint64_t bits) { return static_cast<int>(std::bitset<64>(bits).count()); }

// The number of the bit that so many others are below.
int bitAt(uint64_t bits, int below) {
  int at = 0;
  for (int half = 32; half > 0; half /= 2) {
    const uint64_t lower = bits >> at & ((uint64_t{1} << half) - 1);
    const int count = countBits(lower);
    if (below >= count) {
      below -= count;
      at += half;
    }
  }
  return at;
}

}  // namespace

int Block::next() {
  const int words = (grid_.threads + 63) / 64;
  int n = 0;
  for (int w = 0; w < words; w++) n += countBits(ready_[w]);
  if (n == 0) return -1;
  const auto at = [&](int below) {
    int w = 0;
    for (int count = countBits(ready_[0]); below >= count; count = countBits(ready_[++w])) below -= count;
    return 64 * w + bitAt(ready_[w], below);
  };
  switch (order_) {
    case Order::forward: return at(0);
    case Order::reverse: return at(n - 1);
    case Order::random: return at(static_cast<int>(randomBits() % static_cast<uint64_t>(n)));
    case Order::warpAhead: {
      const int warp = at(n - 1) / 32;
      const int count = countBits(ready_[warp / 2] >> warp % 2 * 32 & 0xffffffffu);
      return at(n - count + static_cast<int>(randomBits() % static_cast<uint64_t>(count)));
    }
  }
  return at(0);
}

void Block::wait(int thread, State state) {
  ThreadState& self = *threads_[static_cast<size_t>(thread)];
  set(thread, state);
  while (self.state == state) self.fiber.leave();
}

void Block::sync(int thread) {
  atBarrier_++;
  wait(thread, State::atBarrier);
}

const unsigned char* Block::meet(int thread, const void* value, size_t bytes, Meeting meeting) {
  Warp& warp = warps_[static_cast<size_t>(thread / 32)];
  if (warp.arrived > 0 && warp.meeting != meeting) fail(thread, "its warp is at a barrier, and one lane at an exchange");
  warp.meeting = meeting;
  // The slots of the turn before may still be read by lanes that are behind.
  unsigned char* slots = warp.slots[warp.turn & 1u];
  std::memcpy(slots + 64 * (thread % 32), value, bytes);
  if (++warp.arrived < 32) {
    wait(thread, State::atMeeting);
    return slots;
  }
  warp.arrived = 0;
  warp.turn++;
  for (int i = thread / 32 * 32; i < thread / 32 * 32 + 32; i++) {
    if (threads_[static_cast<size_t>(i)]->state == State::atMeeting) set(i, State::ready);
  }
  return slots;
}

void Block::syncWarp(int thread) {
  Warp& warp = warps_[static_cast<size_t>(thread / 32)];
  const uint32_t before = warp.epoch;
  meet(thread, &thread, sizeof thread, Meeting::barrier);
  // By the first that goes on; the others go on before the warp can meet again.
  if (warp.epoch == before) warp.epoch++;
}

void Block::access(int thread, size_t byte, size_t bytes, bool isWrite) {
  if (byte + bytes > memory_.size())
    fail(thread, "it reaches byte " + std::to_string(byte) + " of " + std::to_string(memory_.size()));
  if (byte % bytes != 0) fail(thread, "byte " + std::to_string(byte) + " is not aligned to " + std::to_string(bytes));
  const uint32_t warpEpoch = warps_[static_cast<size_t>(thread / 32)].epoch;
  const auto ofOwnWarp = [&](int other) { return other / 32 == thread / 32; };
  for (size_t c = byte / 2; c < (byte + bytes + 1) / 2; c++) {
    Cell& cell = cells_[c];
    const auto wrong = [&](const std::string& what) { fail(thread, "byte " + std::to_string(2 * c) + what); };
    if (cell.pending >= 0) wrong(" awaits a copy of thread " + std::to_string(cell.pending));
    if (!isWrite && !cell.written) wrong(" is read and was never written");
    const bool recentWrite = cell.writer >= 0 && cell.writer != thread && cell.writeEpoch == epoch_ &&
                             !(ofOwnWarp(cell.writer) && cell.writeWarpEpoch < warpEpoch);
    if (recentWrite)
      wrong(std::string(" is ") + (isWrite ? "written" : "read") + " without a barrier behind the write of thread " +
            std::to_string(cell.writer));
    const uint32_t own = 1u << (thread / 32);
    if (!isWrite) {
      if (cell.readEpoch != epoch_) {
        cell.reader = thread;
        cell.readers = 0;
      } else if (cell.reader != thread) {
        cell.reader = -2;
      }
      cell.readers |= own;
      cell.readEpoch = epoch_;
      cell.readWarpEpoch = warpEpoch;
      continue;
    }
    if (cell.readEpoch == epoch_ && cell.reader != thread) {
      const bool byOthers = (cell.readers & ~own) != 0 || cell.readWarpEpoch >= warpEpoch;
      if (byOthers) wrong(" is written without a barrier behind reads of other threads");
    }
    cell.written = true;
    cell.writer = thread;
    cell.writeEpoch = epoch_;
    cell.writeWarpEpoch = warpEpoch;
  }
}

void Block::copyAsync(int thread, size_t byte, const void* from, int bytes) {
  access(thread, byte, 16, true);
  if (bytes < 0 || bytes > 16) fail(thread, "a copy has " + std::to_string(bytes) + " bytes");
  if (bytes > 0 && reinterpret_cast<uintptr_t>(from) % 16 != 0) fail(thread, "a copy's source is not aligned to 16 bytes");
  Copy copy{byte, {}};
  if (bytes > 0) std::memcpy(copy.data, from, static_cast<size_t>(bytes));
  for (size_t c = byte / 2; c < byte / 2 + 8; c++) cells_[c].pending = thread;
  std::memset(memory_.data() + byte, 0xcb, 16);
  threads_[static_cast<size_t>(thread)]->open.push_back(copy);
}

void Block::loadMatrices(int thread, size_t row, uint32_t (&out)[4]) {
  if (row % 16 != 0) fail(thread, "a row of a matrix is not aligned to 16 bytes");
  const unsigned char* slots = exchange(thread, &row, sizeof row);
  const int lane = thread % 32;
  for (int q = 0; q < 4; q++) {
    size_t byte;
    std::memcpy(&byte, slots + 64 * (8 * q + lane / 4), sizeof byte);
    byte += static_cast<size_t>(lane % 4 * 4);
    access(thread, byte, 4, false);
    std::memcpy(&out[q], memory_.data() + byte, 4);
  }
}

void Block::loadMatricesTransposed(int thread, size_t row, uint32_t (&out)[4]) {
  if (row % 16 != 0) fail(thread, "a row of a matrix is not aligned to 16 bytes");
  const unsigned char* slots = exchange(thread, &row, sizeof row);
  const int lane = thread % 32;
  for (int q = 0; q < 4; q++) {
    uint16_t numbers[2];
    for (int i = 0; i < 2; i++) {
      size_t byte;
      std::memcpy(&byte, slots + 64 * (8 * q + lane % 4 * 2 + i), sizeof byte);
      byte += static_cast<size_t>(lane / 4 * 2);
      access(thread, byte, 2, false);
      std::memcpy(&numbers[i], memory_.data() + byte, 2);
    }
    out[q] = numbers[0] | static_cast<uint32_t>(numbers[1]) << 16;
  }
}

void Block::commitCopies(int thread) {
  ThreadState& self = *threads_[static_cast<size_t>(thread)];
  self.groups.push_back(std::move(self.open));
  self.open.clear();
}

void Block::waitCopies(int thread, int newest) {
  ThreadState& self = *threads_[static_cast<size_t>(thread)];
  // As late as is allowed: those that need not have arrived have not.
  while (self.groups.size() > static_cast<size_t>(newest)) {
    for (const Copy& copy : self.groups.front()) {
      for (size_t c = copy.byte / 2; c < copy.byte / 2 + 8; c++) cells_[c].pending = -1;
      access(thread, copy.byte, 16, true);
      std::memcpy(memory_.data() + copy.byte, copy.data, 16);
    }
    self.groups.erase(self.groups.begin());
  }
}

void Block::fail(int thread, const std::string& what) const {
  throw KernelError(std::string(kernel_) + ", block " + std::to_string(blockX_) + "," + std::to_string(blockY_) +
                    ", thread " + std::to_string(thread) + ": " + what);
}

}  // namespace gpu
}  // namespace trainyard
