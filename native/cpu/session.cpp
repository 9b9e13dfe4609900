#include "session.h"

#include <chrono>
#include <cstring>

#include "../common/failure.h"
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

void Run::wait() { session_->run(program_, timed_ ? seconds_.data() : nullptr); }

void Run::finish(double* times) const {
  for (size_t i = 0; times && i < seconds_.size(); i++) times[i] += seconds_[i];
}

Session::Session(std::shared_ptr<Device> device, const std::vector<size_t>& arenaBytes, int)
    : device_(std::move(device)) {
  for (size_t bytes : arenaBytes) {
    auto* data = bytes ? static_cast<uint8_t*>(alignedAlloc(bytes)) : nullptr;
    if (bytes && !data) {
      release();
      throw Failure(Code::outOfMemory, {{"bytes", number(bytes)}});
    }
    if (bytes) std::memset(data, 0, bytes);
    programs_.arenas().add(data, bytes);
  }
}

// Whoever runs a program holds the session: nobody does any more.
Session::~Session() { release(); }

void Session::close() {
  std::lock_guard<std::mutex> lock(inUse_);
  release();
}

void Session::release() {
  for (const Arenas::Arena& arena : programs_.arenas().all()) alignedFree(arena.data);
  programs_.clear();
}

int Session::load(const double* code, size_t length) {
  return programs_.add(code, length, [](std::vector<Call> calls) { return Program{std::move(calls)}; });
}

std::shared_ptr<Run> Session::start(int program, bool timed) {
  auto run = std::make_shared<Run>();
  run->session_ = this;
  run->program_ = program;
  run->timed_ = timed;
  run->seconds_.resize(timed ? calls(program) : 0);
  return run;
}

void Session::run(int program, double* seconds) {
  std::lock_guard<std::mutex> mine(inUse_);
  std::lock_guard<std::mutex> lock(device_->busy());
  using Clock = std::chrono::steady_clock;
  const std::vector<Call>& calls = programs_.at(program).calls;
  for (size_t i = 0; i < calls.size(); i++) {
    const auto start = seconds ? Clock::now() : Clock::time_point();
    device_->kernels().execute(calls[i], device_->pool());
    if (seconds) seconds[i] += std::chrono::duration<double>(Clock::now() - start).count();
  }
}

void Session::copy(const Range& range, void* host, bool toDevice) {
  uint8_t* const at = programs_.arenas().at(range);
  std::memcpy(toDevice ? at : host, toDevice ? host : at, range.bytes);
}

}  // namespace trainyard
