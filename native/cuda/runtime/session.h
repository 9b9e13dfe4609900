// The arenas of one plan in a GPU's memory, and the programs over them.
#pragma once
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "calls.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

class Session {
 public:
  // hostArena: the one that lies in the host's memory; -1: none does.
  Session(std::shared_ptr<Gpu> gpu, const std::vector<size_t>& arenaBytes, int hostArena);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Decodes a program from the flat form that electron/engine/devices/encode.ts writes. Returns its number.
  int load(const double* code, size_t length);
  // Number of calls of a program.
  size_t calls(int program) const;
  // Runs a program: all of it is in the stream before the first call has ended. Adds each call's seconds to `times`
  // unless null; then each is waited for.
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
    Place place;
  };
  void* resolve(double arena, double offset) const;
  void requireNoFault();
  void release();

  std::shared_ptr<Gpu> gpu_;
  std::mutex inUse_;
  std::vector<Arena> arenas_;
  std::vector<std::vector<Call>> programs_;
};

}  // namespace gpu
}  // namespace trainyard
