// A device is a thread pool and a set of kernels; a session is the arenas of one plan and the programs over them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "calls.h"
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
  const KernelTable& kernels() const { return *kernels_; }
  FmaPeak fmaPeak();
  // Held while a program runs: the pool serves one program at a time.
  std::mutex& busy() { return busy_; }

 private:
  const KernelTable* kernels_;
  Pool pool_;
  std::mutex busy_;
};

class Session {
 public:
  // Allocates the arenas, zeroed, each aligned to 256 bytes or better.
  Session(std::shared_ptr<Device> device, const std::vector<size_t>& arenaBytes);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Decodes a program from the flat form that electron/engine/devices/cpu/encode.ts writes. Returns its number.
  int load(const double* code, size_t length);
  // Number of calls of a program.
  size_t calls(int program) const;
  // Runs a program's calls in order; adds each call's seconds to `times` unless null.
  void run(int program, double* times);
  // The sum of the arenas.
  size_t bytes() const;
  void copy(int arena, size_t offset, void* host, size_t bytes, bool toDevice);
  // Gives the memory back, after the program of this session that runs.
  void close();

 private:
  struct Arena {
    uint8_t* data;
    size_t bytes;
  };
  void* resolve(double arena, double offset) const;
  void release();

  std::shared_ptr<Device> device_;
  std::mutex inUse_;
  std::vector<Arena> arenas_;
  std::vector<std::vector<Call>> programs_;
};

}  // namespace trainyard
