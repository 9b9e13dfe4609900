// The layer that kernels are written over (native/cuda/layer/layer.h), on the host. Threads of a block are fibers of one
// host thread, so that a run is repeated exactly, and what one of them does in between barriers comes in whatever order is
// asked for. It tells what no GPU tells: races in shared memory, reads of what was never written or has not arrived,
// barriers that not all threads reach.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "common/half.h"
#include "cuda/layer/grid.h"
#include "fiber.h"

#define TY_KERNEL inline
#define TY_UNROLL
#define TY_UNROLL_BY(turns)

namespace trainyard {
namespace gpu {

inline float toFloat(float x) { return x; }
float toFloat(F16 x);
float toFloat(Bf16 x);

uint32_t roundTf32(uint32_t bits);
// What a tensor core takes of a float: the bits of fraction beyond 10 are not looked at.
float tensorCoreFloat(uint32_t bits);

inline uint32_t floatBits(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

// Those of CUDA's implementation, each by what comes nearest.
inline float exp2Fast(float x) { return x < -126.0f ? 0.0f : exp2f(x); }
inline float inverseFast(float x) { return 1.0f / x; }

inline void fromFloat(float x, float* out) { *out = x; }
void fromFloat(float x, F16* out);
void fromFloat(float x, Bf16* out);

// By one access, which must be aligned as a whole. Throws KernelError.
void storeWords(const uint32_t* words, int count, void* to);
template <int count>
void storeWords(const uint32_t (&words)[count], void* to) {
  storeWords(words, count, to);
}

// Which thread goes on, of those that can.
enum class Order {
  forward,    // the first
  reverse,    // the last
  random,     // any
  warpAhead,  // the last warp as far as it gets, then the one before it
};

// A mistake of a kernel: it names the threads, and the byte of shared memory.
class KernelError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};


class Block;

// An element of shared memory, whose reads and writes are watched.
template <class T>
class Ref {
 public:
  Ref(Block& block, int thread, size_t byte) : block_(block), thread_(thread), byte_(byte) {}
  operator T() const;
  Ref& operator=(T value);
  Ref& operator=(const Ref& other) { return *this = static_cast<T>(other); }
  Ref(const Ref&) = default;
  Ref& operator+=(T value) { return *this = static_cast<T>(*this) + value; }

 private:
  Block& block_;
  int thread_;
  size_t byte_;
};

template <class T>
struct Shared {
  Block* block;
  int thread;
  size_t byte;
  Ref<T> operator[](int i) const { return Ref<T>(*block, thread, byte + static_cast<size_t>(i) * sizeof(T)); }
  Shared operator+(int n) const { return {block, thread, byte + static_cast<size_t>(n) * sizeof(T)}; }
};

class Thread;

// The threads of a block and their shared memory; one block after another uses it.
class Block {
 public:
  Block(Order order, uint64_t seed);
  ~Block();

  // Runs all blocks of a grid, in an order of its own. Throws KernelError.
  void run(const char* kernel, const Grid& grid, const std::function<void(Thread&)>& body);

  // What threads ask for.
  void sync(int thread);
  void syncWarp(int thread);
  // Gives a value of up to 64 bytes to the lanes of one's warp. Returns 32 slots of 64 bytes. No barrier for memory.
  const unsigned char* exchange(int thread, const void* value, size_t bytes) {
    return meet(thread, value, bytes, Meeting::exchange);
  }
  void access(int thread, size_t byte, size_t bytes, bool isWrite);
  void copyAsync(int thread, size_t byte, const void* from, int bytes);
  void loadMatrices(int thread, size_t row, uint32_t (&out)[4]);
  void loadMatricesTransposed(int thread, size_t row, uint32_t (&out)[4]);
  void commitCopies(int thread);
  void waitCopies(int thread, int newest);
  unsigned char* memory() { return memory_.data(); }
  const Grid& grid() const { return grid_; }
  [[noreturn]] void fail(int thread, const std::string& what) const;

 private:
  enum class State { ready, atBarrier, atMeeting, ended };
  // What a warp does together.
  enum class Meeting { exchange, barrier };
  // What is known of two bytes of shared memory since the last barrier.
  struct Cell {
    bool written = false;
    int pending = -1;  // the thread whose copy has not arrived
    int writer = -1;
    uint32_t writeEpoch = 0, writeWarpEpoch = 0;
    int reader = -1;  // -2: several
    uint32_t readers = 0;  // warps, a bit each
    uint32_t readEpoch = 0, readWarpEpoch = 0;
  };
  struct Copy {
    size_t byte;
    unsigned char data[16];
  };
  struct ThreadState {
    Fiber fiber;
    State state = State::ended;
    std::vector<std::vector<Copy>> groups;  // committed, the oldest first
    std::vector<Copy> open;
  };
  struct Warp {
    int arrived = 0;
    Meeting meeting = Meeting::exchange;  // what those that have arrived do
    uint32_t turn = 0;                    // of both
    uint32_t epoch = 1;                   // of barriers
    unsigned char slots[2][32 * 64];
  };

  const unsigned char* meet(int thread, const void* value, size_t bytes, Meeting meeting);
  void runBlock(const std::function<void(Thread&)>& body, int64_t x, int64_t y);
  int next();
  void set(int thread, State state);
  void wait(int thread, State state);
  uint64_t randomBits();

  Order order_;
  uint64_t random_;
  const char* kernel_ = "";
  Grid grid_{};
  int64_t blockX_ = 0, blockY_ = 0;
  std::vector<std::unique_ptr<ThreadState>> threads_;
  std::vector<Warp> warps_;
  std::vector<unsigned char> memory_;
  std::vector<Cell> cells_;
  uint32_t epoch_ = 1;
  int atBarrier_ = 0;
  int alive_ = 0;
  uint64_t ready_[16] = {};  // a bit for each thread that is ready
  std::string error_;
};

class Thread {
 public:
  Thread(Block& block, int index, int64_t x, int64_t y) : owner_(block), index_(index), x_(x), y_(y) {}

  int index() const { return index_; }
  int threads() const { return owner_.grid().threads; }
  int lane() const { return index_ % 32; }
  int warp() const { return index_ / 32; }
  int warps() const { return threads() / 32; }
  int64_t block() const { return x_; }
  int64_t blocks() const { return owner_.grid().blocks; }
  int64_t blockY() const { return y_; }

  void sync() { owner_.sync(index_); }
  void syncWarp() { owner_.syncWarp(index_); }

  template <class T>
  T shuffleXor(T x, int mask) {
    T out;
    std::memcpy(&out, owner_.exchange(index_, &x, sizeof x) + 64 * (lane() ^ mask), sizeof out);
    return out;
  }

  template <class T>
  Shared<T> shared(int byte) {
    return {&owner_, index_, static_cast<size_t>(byte)};
  }

  uint32_t ballot(bool x) {
    const unsigned char* slots = owner_.exchange(index_, &x, sizeof x);
    uint32_t bits = 0;
    for (int i = 0; i < 32; i++) bits |= static_cast<uint32_t>(slots[64 * i] != 0) << i;
    return bits;
  }

  template <class T>
  void copyAsync(Shared<T> to, const T* from, int bytes) {
    owner_.copyAsync(index_, to.byte, from, bytes);
  }
  template <class T>
  void copyAsync(Shared<T> to, const T* from) {
    owner_.copyAsync(index_, to.byte, from, 16);
  }
  void commitCopies() { owner_.commitCopies(index_); }
  template <int newest>
  void waitCopies() {
    owner_.waitCopies(index_, newest);
  }

  template <class T>
  void loadMatrices(Shared<T> row, uint32_t (&out)[4]) {
    owner_.loadMatrices(index_, row.byte, out);
  }
  template <class T>
  void loadMatricesTransposed(Shared<T> row, uint32_t (&out)[4]) {
    owner_.loadMatricesTransposed(index_, row.byte, out);
  }
  template <class T>
  void multiply(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    struct {
      uint32_t a[4], b[2];
    } own;
    std::memcpy(own.a, a, sizeof own.a);
    std::memcpy(own.b, b, sizeof own.b);
    const unsigned char* slots = owner_.exchange(index_, &own, sizeof own);
    constexpr int kPerWord = static_cast<int>(4 / sizeof(T)), kDepth = 8 * kPerWord;
    // Word `word` of a lane's a and b, and the number in it.
    const auto at = [&](int lane, int word, int k) {
      const unsigned char* from = slots + 64 * lane + 4 * word;
      if constexpr (sizeof(T) == 4) {
        uint32_t bits;
        std::memcpy(&bits, from, sizeof bits);
        return tensorCoreFloat(bits);
      } else {
        T value;
        std::memcpy(&value, from + 2 * (k % 2), sizeof value);
        return toFloat(value);
      }
    };
    for (int i = 0; i < 4; i++) {
      const int row = lane() / 4 + i / 2 * 8, column = lane() % 4 * 2 + i % 2;
      for (int k = 0; k < kDepth; k++) {
        const int upper = k / (kDepth / 2), part = k % (kDepth / 2) / kPerWord;
        const float x = at(row % 8 * 4 + part, row / 8 + 2 * upper, k), y = at(column * 4 + part, 4 + upper, k);
        d[i] = std::fma(x, y, d[i]);
      }
    }
  }

  void atomicMax(int32_t* at, int32_t x) { *at = x > *at ? x : *at; }

 private:
  Block& owner_;
  int index_;
  int64_t x_, y_;
};

template <class T>
Ref<T>::operator T() const {
  block_.access(thread_, byte_, sizeof(T), false);
  T value;
  std::memcpy(&value, block_.memory() + byte_, sizeof value);
  return value;
}

template <class T>
Ref<T>& Ref<T>::operator=(T value) {
  block_.access(thread_, byte_, sizeof(T), true);
  std::memcpy(block_.memory() + byte_, &value, sizeof value);
  return *this;
}

}  // namespace gpu
}  // namespace trainyard
