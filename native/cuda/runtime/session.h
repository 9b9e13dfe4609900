// The arenas of one plan in a GPU's memory, and the programs over them.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "calls.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

// A program that has been put into the GPU's lanes.
class Run {
 public:
  // Waits for its end; from any thread. Throws std::runtime_error when it failed.
  void wait() { end_->wait(); }
  // Once it has ended: adds each call's seconds to `times` unless null. Throws std::out_of_range when an index was.
  void finish(double* times) const;

 private:
  friend class Session;
  std::shared_ptr<Gpu> gpu_;
  std::shared_ptr<Moment> end_;
  std::vector<std::shared_ptr<Moment>> moments_;  // before each call and behind the last, where calls are timed
};

// Small buffers on their way to the host.
class Fetch {
 public:
  // Waits until they are there; from any thread. Throws std::runtime_error when the GPU failed.
  void wait() { end_->wait(); }
  // One behind the other.
  const uint8_t* data() const { return place_.get(); }

 private:
  friend class Session;
  std::shared_ptr<Gpu> gpu_;
  std::shared_ptr<uint8_t> place_;
  std::shared_ptr<Moment> end_;
};

// A part of an arena.
struct Stretch {
  int arena;
  size_t offset, bytes;
};

// All of it from one thread, but for what a Run and a Fetch do.
class Session {
 public:
  // hostArena: the one that lies in the host's memory; -1: none does.
  Session(std::shared_ptr<Gpu> gpu, const std::vector<size_t>& arenaBytes, int hostArena);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Decodes a program from the flat form that electron/engine/devices/native/encode.ts writes, and records it. The arenas
  // must be zero still. Returns its number.
  int load(const double* code, size_t length);
  // Number of calls of a program.
  size_t calls(int program) const;
  // Puts a program behind all that was started or copied before. timed: call by call, so that each can be timed; else as
  // it was recorded, at once.
  std::shared_ptr<Run> start(int program, bool timed);
  // The sum of the arenas.
  size_t bytes() const;
  // To the device: behind all that was started before, without waiting for it where `bytes` are few. From it: waits.
  void copy(int arena, size_t offset, void* host, size_t bytes, bool toDevice);
  // Copies to the host behind all that was started before, and lets more be started meanwhile. Throws std::length_error when
  // they have more than Gpu::kDownloadBytes together.
  std::shared_ptr<Fetch> fetch(const std::vector<Stretch>& stretches);
  // Gives the memory back, behind all that was started before.
  void close();

 private:
  struct Arena {
    uint8_t* data;
    size_t bytes;
  };
  struct Program {
    std::vector<Call> calls;
    std::unique_ptr<Recording> recording;
  };
  void* resolve(double arena, double offset) const;
  uint8_t* resolve(const Stretch& stretch) const;
  void enqueue(const std::vector<Call>& calls, std::vector<std::shared_ptr<Moment>>* moments);
  void release();

  std::shared_ptr<Gpu> gpu_;
  enum { kDevice, kHost };
  static constexpr size_t kAlignment = 256;
  uint8_t* memory_[2] = {};
  size_t memoryBytes_[2] = {};
  std::vector<Arena> arenas_;
  std::vector<Program> programs_;
};

}  // namespace gpu
}  // namespace trainyard
