// The threads that run kernels. Work is handed out task by task; what a task computes never depends on who runs it.
// Nothing of the standard library shows here: the per-ISA translation units include this header, and inline functions
// compiled there with wider instructions could be the copies that the linker keeps.
#pragma once
#include <cstddef>
#include <cstdint>

namespace trainyard {

class Pool {
 public:
  // Scratch memory of each thread, for packed operands and partial results.
  static constexpr size_t kScratchBytes = size_t{3} << 20;

  // Starts threads - 1 workers, since the thread that calls run works too. Fewer than 1 counts as 1.
  explicit Pool(int threads);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int threads() const { return threads_; }
  size_t scratchBytes() const { return kScratchBytes * static_cast<size_t>(threads_); }
  // Aligned to 4096 bytes. Contents are lost from task to task.
  float* scratch(int worker) const;

  using Task = void (*)(void* context, int64_t task, int worker);
  // Runs task 0 … tasks-1 on all threads, the caller among them (worker 0), and returns when all have ended. Neither
  // allocates nor nests.
  void run(int64_t tasks, Task task, void* context);

  template <class Body>
  void parallelFor(int64_t tasks, const Body& body) {
    run(tasks, [](void* b, int64_t task, int worker) { (*static_cast<const Body*>(b))(task, worker); },
        const_cast<Body*>(&body));
  }

 private:
  struct State;
  int threads_;
  uint8_t* scratch_;
  State* state_;
};

}  // namespace trainyard
