#include "session.h"

#include <stdexcept>

#include "../common/failure.h"
#include "../common/faults.h"
#include "execute.h"
#include "pager.h"

namespace trainyard {
namespace gpu {

// What was noted may be a later run's, which has begun meanwhile: its data is the next to be taken.
void Run::finish(double* times) const {
  const int32_t fault = gpu_->takeFault();
  if (fault != 0) throw Failure(Code::someIndexOutOfRange, {{"what", nameOf(static_cast<Fault>(fault))}});
  if (!times) return;
  for (size_t i = 0; i + 1 < moments_.size(); i++) times[i] += moments_[i + 1]->secondsSince(*moments_[i]);
}

Session::Session(std::shared_ptr<Gpu> gpu, const std::vector<size_t>& arenaBytes, int hostArena)
    : gpu_(std::move(gpu)) {
  // Those of one place lie one behind the other: what is held for them is one stretch.
  std::vector<size_t> offsets;
  for (size_t i = 0; i < arenaBytes.size(); i++) {
    size_t& end = memoryBytes_[static_cast<int>(i) == hostArena ? kHost : kDevice];
    offsets.push_back(end);
    end += (arenaBytes[i] + kAlignment - 1) / kAlignment * kAlignment;
  }
  try {
    memory_[kDevice] = static_cast<uint8_t*>(gpu_->take(memoryBytes_[kDevice], Place::device));
    memory_[kHost] = static_cast<uint8_t*>(gpu_->take(memoryBytes_[kHost], Place::host));
  } catch (...) {
    release();
    throw;
  }
  for (size_t i = 0; i < arenaBytes.size(); i++) {
    uint8_t* const base = memory_[static_cast<int>(i) == hostArena ? kHost : kDevice];
    programs_.arenas().add(base ? base + offsets[i] : nullptr, arenaBytes[i]);
  }
}

Session::~Session() {
  try {
    close();
  } catch (const std::exception&) {
    // Nobody is there to be told that the GPU has failed.
  }
}

void Session::close() {
  if (programs_.arenas().isEmpty()) return;
  try {
    gpu_->event()->wait();
  } catch (...) {
    release();
    throw;
  }
  release();
}

void Session::release() {
  programs_.clear();
  gpu_->giveBack(memory_[kDevice], memoryBytes_[kDevice], Place::device);
  gpu_->giveBack(memory_[kHost], memoryBytes_[kHost], Place::host);
  memory_[kDevice] = memory_[kHost] = nullptr;
}

int Session::load(const double* code, size_t length) {
  return programs_.add(code, length, [this](std::vector<Call> calls) { return prepare(std::move(calls)); });
}

Session::Program Session::prepare(std::vector<Call> calls) {
  gpu_->use();
  gpu_->warmUp([&] {
    for (const Call& call : calls) execute(call, *gpu_);
    for (size_t at = 0, count; at < calls.size(); at += count) {
      count = fusedCount(calls, at);
      if (count > 1) executeFused(&calls[at], count, *gpu_);
    }
  });
  auto graph = gpu_->capture([&] { enqueue(calls, nullptr); });
  return {std::move(calls), std::move(graph)};
}

void Session::enqueue(const std::vector<Call>& calls, std::vector<std::shared_ptr<Event>>* events) {
  gpu_->begin();
  Pager pager(*gpu_);
  for (size_t at = 0; at < calls.size();) {
    // Calls that are timed do not overlap, nor do updates whose events are still on their way.
    const size_t count = events || pager.isCopying() ? 1 : fusedCount(calls, at);
    const Call& call = calls[at];
    if (events) events->push_back(gpu_->event());
    if (count > 1) {
      executeFused(&call, count, *gpu_);
    } else if (events || !pager.take(call)) {
      execute(call, *gpu_);
    }
    at += count;
  }
  if (events) events->push_back(gpu_->event());
  pager.finish();
  gpu_->copyFaults();
}

std::shared_ptr<Run> Session::start(int program, bool timed) {
  const Program& asked = programs_.at(program);
  auto run = std::make_shared<Run>();
  run->gpu_ = gpu_;
  if (timed) {
    enqueue(asked.calls, &run->moments_);
  } else {
    gpu_->launchGraph(*asked.graph);
  }
  run->end_ = gpu_->event();
  return run;
}

void Session::copy(const Range& range, void* host, bool toDevice) {
  uint8_t* const at = programs_.arenas().at(range);
  if (toDevice) {
    gpu_->upload(at, host, range.bytes);
  } else {
    gpu_->copy(host, at, range.bytes);
  }
}

std::shared_ptr<Fetch> Session::fetch(const std::vector<Range>& ranges) {
  size_t bytes = 0;
  for (const Range& range : ranges) bytes += range.bytes;
  if (bytes > Gpu::kDownloadBytes) throw std::length_error("too many bytes are fetched at once");
  auto fetch = std::make_shared<Fetch>();
  fetch->gpu_ = gpu_;
  fetch->place_ = gpu_->downloadPlace();
  gpu_->use();
  uint8_t* to = fetch->place_.get();
  for (const Range& range : ranges) {
    gpu_->enqueueCopy(to, programs_.arenas().at(range), range.bytes);
    to += range.bytes;
  }
  fetch->end_ = gpu_->event();
  return fetch;
}

}  // namespace gpu
}  // namespace trainyard
