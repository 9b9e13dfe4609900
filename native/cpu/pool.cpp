#include "pool.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "memory.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace trainyard {

namespace {

inline void relax() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__) && !defined(_MSC_VER)
  __asm__ __volatile__("yield");
#endif
}

// Spins until done() holds or about 50 µs are over. Says whether it holds.
template <class Done>
bool spinUntil(const Done& done) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::microseconds(50);
  do {
    for (int i = 0; i < 32; i++) {
      if (done()) return true;
      relax();
    }
  } while (Clock::now() < end);
  return done();
}

}  // namespace

// A job is open while its caller works on it. `entry` holds the number of workers inside and, while no job is open, the
// bit kClosed. A worker enters only an open job, so one that wakes up late finds it closed and touches nothing of it,
// and the caller waits only for workers that really entered: a thread that the system does not run holds nobody up.
struct Pool::State {
  static constexpr int32_t kClosed = 1 << 30;

  Task task = nullptr;
  void* context = nullptr;
  int64_t tasks = 0;
  alignas(64) std::atomic<int64_t> next{0};
  alignas(64) std::atomic<int32_t> entry{kClosed};
  alignas(64) std::atomic<uint32_t> generation{0};
  alignas(64) std::atomic<int32_t> parked{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::condition_variable wake;
  std::condition_variable left;
  std::vector<std::thread> workers;

  void work(int worker) {
    for (;;) {
      const int64_t i = next.fetch_add(1, std::memory_order_relaxed);
      if (i >= tasks) return;
      task(context, i, worker);
    }
  }

  bool enter() {
    int32_t seen = entry.load(std::memory_order_relaxed);
    while (!(seen & kClosed)) {
      if (entry.compare_exchange_weak(seen, seen + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  void leave() {
    if (entry.fetch_sub(1, std::memory_order_release) == (kClosed | 1)) {
      // The caller may be waiting for the last one.
      std::lock_guard<std::mutex> lock(mutex);
      left.notify_one();
    }
  }

  void loop(int worker) {
    uint32_t seen = 0;
    for (;;) {
      const auto news = [&] {
        return generation.load(std::memory_order_acquire) != seen || stop.load(std::memory_order_relaxed);
      };
      if (!spinUntil(news)) {
        std::unique_lock<std::mutex> lock(mutex);
        parked.fetch_add(1);
        wake.wait(lock, [&] { return generation.load() != seen || stop.load(); });
        parked.fetch_sub(1);
      }
      if (stop.load()) return;
      seen = generation.load(std::memory_order_acquire);
      if (enter()) {
        work(worker);
        leave();
      }
    }
  }
};

Pool::Pool(int threads)
    : threads_(threads < 1 ? 1 : threads),
      scratch_(static_cast<uint8_t*>(alignedAlloc(static_cast<size_t>(threads_) * kScratchBytes))),
      state_(nullptr) {
  if (!scratch_) throw std::bad_alloc();
  state_ = new State;
  for (int worker = 1; worker < threads_; worker++) {
    state_->workers.emplace_back([state = state_, worker] { state->loop(worker); });
  }
}

Pool::~Pool() {
  {
    std::lock_guard<std::mutex> lock(state_->mutex);
    state_->stop.store(true);
    state_->wake.notify_all();
  }
  for (std::thread& worker : state_->workers) worker.join();
  delete state_;
  alignedFree(scratch_);
}

float* Pool::scratch(int worker) const {
  return reinterpret_cast<float*>(scratch_ + static_cast<size_t>(worker) * kScratchBytes);
}

void Pool::run(int64_t tasks, Task task, void* context) {
  if (threads_ == 1 || tasks <= 1) {
    for (int64_t i = 0; i < tasks; i++) task(context, i, 0);
    return;
  }
  State& s = *state_;
  s.task = task;
  s.context = context;
  s.tasks = tasks;
  s.next.store(0, std::memory_order_relaxed);
  s.entry.store(0, std::memory_order_release);
  s.generation.fetch_add(1);
  // Sequentially consistent on both sides: either this sees the parked worker or the worker sees the generation.
  if (s.parked.load() > 0) {
    std::lock_guard<std::mutex> lock(s.mutex);
    s.wake.notify_all();
  }
  s.work(0);
  if (s.entry.fetch_or(State::kClosed, std::memory_order_acq_rel) == 0) return;
  const auto alone = [&] { return s.entry.load(std::memory_order_acquire) == State::kClosed; };
  if (spinUntil(alone)) return;
  std::unique_lock<std::mutex> lock(s.mutex);
  s.left.wait(lock, alone);
}

}  // namespace trainyard
