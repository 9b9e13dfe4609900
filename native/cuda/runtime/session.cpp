#include "session.h"

#include <stdexcept>
#include <string>

#include "../../program/decode.h"
#include "execute.h"
#include "pager.h"

namespace trainyard {
namespace gpu {

// What was noted may be a later run's, which has begun meanwhile: its data is the next to be taken.
void Run::finish(double* times) const {
  const int32_t fault = gpu_->takeFault();
  static const char* const names[] = {"", "token", "position", "target", "row", "span"};
  if (fault != 0) throw std::out_of_range(std::string("a ") + names[fault] + " is out of range");
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
    arenas_.push_back({base ? base + offsets[i] : nullptr, arenaBytes[i]});
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
  if (arenas_.empty()) return;
  try {
    gpu_->moment()->wait();
  } catch (...) {
    release();
    throw;
  }
  release();
}

void Session::release() {
  programs_.clear();
  arenas_.clear();
  gpu_->giveBack(memory_[kDevice], memoryBytes_[kDevice], Place::device);
  gpu_->giveBack(memory_[kHost], memoryBytes_[kHost], Place::host);
  memory_[kDevice] = memory_[kHost] = nullptr;
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
  Program program;
  program.calls = decodeProgram(code, length, [this](double arena, double offset) { return resolve(arena, offset); });
  gpu_->use();
  gpu_->rehearse([&] {
    for (const Call& call : program.calls) execute(call, *gpu_);
    for (size_t at = 0, count; at < program.calls.size(); at += count) {
      count = together(program.calls, at);
      if (count > 1) executeTogether(&program.calls[at], count, *gpu_);
    }
  });
  program.recording = gpu_->record([&] { enqueue(program.calls, nullptr); });
  programs_.push_back(std::move(program));
  return static_cast<int>(programs_.size()) - 1;
}

size_t Session::calls(int program) const { return programs_.at(static_cast<size_t>(program)).calls.size(); }

void Session::enqueue(const std::vector<Call>& calls, std::vector<std::shared_ptr<Moment>>* moments) {
  gpu_->begin();
  Pager pager(*gpu_);
  for (size_t at = 0; at < calls.size();) {
    // Calls that are timed do not overlap, nor do updates whose moments are still on their way.
    const size_t count = moments || pager.isCopying() ? 1 : together(calls, at);
    const Call& call = calls[at];
    if (moments) moments->push_back(gpu_->moment());
    if (count > 1) {
      executeTogether(&call, count, *gpu_);
    } else if (moments || !pager.take(call)) {
      execute(call, *gpu_);
    }
    at += count;
  }
  if (moments) moments->push_back(gpu_->moment());
  pager.finish();
  gpu_->copyFaults();
}

std::shared_ptr<Run> Session::start(int program, bool timed) {
  Program& asked = programs_.at(static_cast<size_t>(program));
  auto run = std::make_shared<Run>();
  run->gpu_ = gpu_;
  if (timed) {
    enqueue(asked.calls, &run->moments_);
  } else {
    gpu_->play(*asked.recording);
  }
  run->end_ = gpu_->moment();
  return run;
}

size_t Session::bytes() const {
  size_t total = 0;
  for (const Arena& arena : arenas_) total += arena.bytes;
  return total;
}

uint8_t* Session::resolve(const Stretch& stretch) const {
  const Arena& a = arenas_.at(static_cast<size_t>(stretch.arena));
  if (stretch.offset > a.bytes || stretch.bytes > a.bytes - stretch.offset)
    throw std::out_of_range("a copy goes past the end of its arena");
  return a.data + stretch.offset;
}

void Session::copy(int arena, size_t offset, void* host, size_t bytes, bool toDevice) {
  uint8_t* const at = resolve(Stretch{arena, offset, bytes});
  if (toDevice) {
    gpu_->upload(at, host, bytes);
  } else {
    gpu_->copy(host, at, bytes);
  }
}

std::shared_ptr<Fetch> Session::fetch(const std::vector<Stretch>& stretches) {
  size_t bytes = 0;
  for (const Stretch& stretch : stretches) bytes += stretch.bytes;
  if (bytes > Gpu::kDownloadBytes) throw std::length_error("too many bytes are fetched at once");
  auto fetch = std::make_shared<Fetch>();
  fetch->gpu_ = gpu_;
  fetch->place_ = gpu_->downloadPlace();
  gpu_->use();
  uint8_t* to = fetch->place_.get();
  for (const Stretch& stretch : stretches) {
    gpu_->copyInLane(to, resolve(stretch), stretch.bytes);
    to += stretch.bytes;
  }
  fetch->end_ = gpu_->moment();
  return fetch;
}

}  // namespace gpu
}  // namespace trainyard
