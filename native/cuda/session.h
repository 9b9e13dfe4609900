// The arenas of one plan in a GPU's memory, and the programs over them.
#pragma once
#include <cstddef>
#include <memory>
#include <vector>

#include "../common/programs.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

// A program that has been put into the GPU's streams.
class Run {
 public:
  // Waits for its end; from any thread. Throws Failure when it failed.
  void wait() { end_->wait(); }
  // Once it has ended: adds each call's seconds to `times` unless null. Throws Failure when an index was out of range.
  void finish(double* times) const;

 private:
  friend class Session;
  std::shared_ptr<Gpu> gpu_;
  std::shared_ptr<Event> end_;
  std::vector<std::shared_ptr<Event>> moments_;  // before each call and behind the last, where calls are timed
};

// Small buffers on their way to the host.
class Fetch {
 public:
  // Waits until they are there; from any thread. Throws Failure when the GPU failed.
  void wait() { end_->wait(); }
  // One behind the other.
  const uint8_t* data() const { return place_.get(); }

 private:
  friend class Session;
  std::shared_ptr<Gpu> gpu_;
  std::shared_ptr<uint8_t> place_;
  std::shared_ptr<Event> end_;
};

// All of it from one thread, but for what a Run and a Fetch do.
class Session {
 public:
  // hostArena: the one that lies in the host's memory; -1: none does.
  Session(std::shared_ptr<Gpu> gpu, const std::vector<size_t>& arenaBytes, int hostArena);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Decodes a program and records it. The arenas must be zero still. Returns its number.
  int load(const double* code, size_t length);
  // Number of calls of a program.
  size_t calls(int program) const { return programs_.at(program).calls.size(); }
  // Puts a program behind all that was started or copied before. timed: call by call, so that each can be timed; else as
  // it was recorded, at once.
  std::shared_ptr<Run> start(int program, bool timed);
  // The sum of the arenas.
  size_t bytes() const { return programs_.arenas().bytes(); }
  // To the device: behind all that was started before, without waiting for it where there are few bytes. From it: waits.
  void copy(const Range& range, void* host, bool toDevice);
  // Copies to the host behind all that was started before, and lets more be started meanwhile. Throws std::length_error when
  // they have more than Gpu::kDownloadBytes together.
  std::shared_ptr<Fetch> fetch(const std::vector<Range>& ranges);
  // Gives the memory back, behind all that was started before.
  void close();

 private:
  struct Program {
    std::vector<Call> calls;
    std::unique_ptr<Graph> graph;
  };
  Program prepare(std::vector<Call> calls);
  void enqueue(const std::vector<Call>& calls, std::vector<std::shared_ptr<Event>>* events);
  void release();

  std::shared_ptr<Gpu> gpu_;
  enum { kDevice, kHost };
  static constexpr size_t kAlignment = 256;
  uint8_t* memory_[2] = {};
  size_t memoryBytes_[2] = {};
  Programs<Program> programs_;
};

}  // namespace gpu
}  // namespace trainyard
