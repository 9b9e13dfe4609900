// A device is a thread pool and a set of kernels; a session is the arenas of one plan and the programs over them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "../common/programs.h"
#include "kernels.h"
#include "pool.h"

namespace trainyard {

struct FmaPeak {
  double oneCore, allThreads;  // FLOP/s
};

class Device {
 public:
  // isa: "avx512bf16", "avx512", "avx2", "portable", or empty for the best that the processor has.
  Device(int threads, const std::string& isa);
  const char* isa() const;
  Pool& pool() { return pool_; }
  const Kernels& kernels() const { return *kernels_; }
  FmaPeak fmaPeak();
  // Held while a program runs: the pool serves one program at a time.
  std::mutex& busy() { return busy_; }

 private:
  const Kernels* kernels_;
  Pool pool_;
  std::mutex busy_;
};

class Session;

// A program that was started: it runs while it is waited for.
class Run {
 public:
  // Runs its calls in order; from any thread. Throws Failure when an index is out of range.
  void wait();
  // Once it has ended: adds each call's seconds to `times` unless null.
  void finish(double* times) const;

 private:
  friend class Session;
  Session* session_ = nullptr;  // whoever waits holds it
  int program_ = 0;
  bool timed_ = false;
  std::vector<double> seconds_;
};

class Session {
 public:
  // Allocates the arenas, zeroed, each aligned to 256 bytes or better. Which of them a device would have in the host's
  // memory is ignored: all are there. Throws Failure when there is too little.
  Session(std::shared_ptr<Device> device, const std::vector<size_t>& arenaBytes, int hostArena);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int load(const double* code, size_t length);
  // Number of calls of a program.
  size_t calls(int program) const { return programs_.at(program).calls.size(); }
  std::shared_ptr<Run> start(int program, bool timed);
  // The sum of the arenas.
  size_t bytes() const { return programs_.arenas().bytes(); }
  void copy(const Range& range, void* host, bool toDevice);
  // Gives the memory back, after the program of this session that runs.
  void close();

 private:
  friend class Run;
  struct Program {
    std::vector<Call> calls;
  };
  void run(int program, double* seconds);
  void release();

  std::shared_ptr<Device> device_;
  std::mutex inUse_;
  Programs<Program> programs_;
};

}  // namespace trainyard
