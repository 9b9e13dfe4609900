#include "session.h"

#include <chrono>
#include <cstring>
#include <stdexcept>

#include "../program/decode.h"
#include "execute.h"
#include "memory.h"

namespace trainyard {

Device::Device(int threads, const std::string& isa) : kernels_(&selectKernels(isa.c_str())), pool_(threads) {}

const char* Device::isa() const { return kernels_->name; }

FmaPeak Device::fmaPeak() {
  std::lock_guard<std::mutex> lock(busy_);
  FmaPeak peak{};
  kernels_->fmaPeak(pool_, &peak.oneCore, &peak.allThreads);
  return peak;
}

Session::Session(std::shared_ptr<Device> device, const std::vector<size_t>& arenaBytes) : device_(std::move(device)) {
  for (size_t bytes : arenaBytes) {
    auto* data = bytes ? static_cast<uint8_t*>(alignedAlloc(bytes)) : nullptr;
    if (bytes && !data) {
      release();
      throw std::runtime_error("out of memory: " + std::to_string(bytes) + " bytes could not be allocated");
    }
    if (bytes) std::memset(data, 0, bytes);
    arenas_.push_back({data, bytes});
  }
}

// Whoever runs a program holds the session: nobody does any more.
Session::~Session() { release(); }

void Session::close() {
  std::lock_guard<std::mutex> lock(inUse_);
  release();
}

void Session::release() {
  for (Arena& arena : arenas_) alignedFree(arena.data);
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
  std::lock_guard<std::mutex> lock(device_->busy());
  using Clock = std::chrono::steady_clock;
  const std::vector<Call>& calls = programs_.at(static_cast<size_t>(program));
  for (size_t i = 0; i < calls.size(); i++) {
    auto start = times ? Clock::now() : Clock::time_point();
    execute(calls[i], device_->pool(), device_->kernels());
    if (times) times[i] += std::chrono::duration<double>(Clock::now() - start).count();
  }
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
    std::memcpy(a.data + offset, host, bytes);
  } else {
    std::memcpy(host, a.data + offset, bytes);
  }
}

}  // namespace trainyard
