#include "session.h"

#include <chrono>
#include <stdexcept>
#include <string>

#include "../../program/decode.h"
#include "execute.h"

namespace trainyard {
namespace gpu {

Session::Session(std::shared_ptr<Gpu> gpu, const std::vector<size_t>& arenaBytes, int hostArena)
    : gpu_(std::move(gpu)) {
  try {
    for (size_t i = 0; i < arenaBytes.size(); i++) {
      const Place place = static_cast<int>(i) == hostArena ? Place::host : Place::device;
      arenas_.push_back({static_cast<uint8_t*>(gpu_->allocate(arenaBytes[i], place)), arenaBytes[i], place});
    }
  } catch (...) {
    release();
    throw;
  }
}

// Whoever runs a program holds the session: nobody does any more.
Session::~Session() { release(); }

void Session::close() {
  std::lock_guard<std::mutex> lock(inUse_);
  release();
}

void Session::release() {
  for (Arena& arena : arenas_) {
    if (arena.data) gpu_->release(arena.data, arena.place);
  }
  arenas_.clear();
  programs_.clear();
}

void* Session::resolve(double arena, double offset) const {
  if (arena < 0) return nullptr;
  auto index = static_cast<size_t>(arena);
  if (index >= arenas_.size() || static_cast<size_t>(offset) >= arenas_[index].bytes) {
    throw std::out_of_range("a buffer lies outside its arena");
  }
  return arenas_[index].data + static_cast<size_t>(offset);
}

int Session::load(const double* code, size_t length) {
  programs_.push_back(decodeProgram(code, length, [this](double arena, double offset) { return resolve(arena, offset); }));
  return static_cast<int>(programs_.size()) - 1;
}

size_t Session::calls(int program) const { return programs_.at(static_cast<size_t>(program)).size(); }

void Session::run(int program, double* times) {
  std::lock_guard<std::mutex> mine(inUse_);
  using Clock = std::chrono::steady_clock;
  const std::vector<Call>& calls = programs_.at(static_cast<size_t>(program));
  for (size_t i = 0; i < calls.size(); i++) {
    auto start = times ? Clock::now() : Clock::time_point();
    execute(calls[i], *gpu_);
    if (!times) continue;
    gpu_->synchronise();
    times[i] += std::chrono::duration<double>(Clock::now() - start).count();
  }
  gpu_->synchronise();
  requireNoFault();
}

void Session::requireNoFault() {
  int32_t fault = 0;
  gpu_->copy(&fault, gpu_->faults(), sizeof fault);
  if (fault == 0) return;
  const int32_t none = 0;
  gpu_->copy(gpu_->faults(), &none, sizeof none);
  static const char* const names[] = {"", "token", "position", "target", "row", "span"};
  throw std::out_of_range(std::string("a ") + names[fault] + " is out of range");
}

size_t Session::bytes() const {
  size_t total = 0;
  for (const Arena& arena : arenas_) total += arena.bytes;
  return total;
}

void Session::copy(int arena, size_t offset, void* host, size_t bytes, bool toDevice) {
  const Arena& a = arenas_.at(static_cast<size_t>(arena));
  if (offset > a.bytes || bytes > a.bytes - offset) throw std::out_of_range("a copy goes past the end of its arena");
  if (toDevice) {
    gpu_->copy(a.data + offset, host, bytes);
  } else {
    gpu_->copy(host, a.data + offset, bytes);
  }
}

}  // namespace gpu
}  // namespace trainyard
