#include "emulated.h"

#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>

namespace trainyard {
namespace gpu {
namespace {

constexpr std::align_val_t kAlignment{256};

Order orderOf(const std::string& name) {
  if (name.empty() || name == "forward") return Order::forward;
  if (name == "reverse") return Order::reverse;
  if (name == "random") return Order::random;
  if (name == "warpAhead") return Order::warpAhead;
  throw std::invalid_argument("there is no order of threads '" + name + "'");
}

class EmulatedMoment : public Moment {
 public:
  void wait() override {}
  double secondsSince(Moment& earlier) override {
    return std::chrono::duration<double>(at_ - static_cast<EmulatedMoment&>(earlier).at_).count();
  }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
};

class EmulatedRecording : public Recording {
 public:
  std::vector<std::function<void()>> work;
};

}  // namespace

int Gpu::count() { return 1; }

GpuDescription Gpu::look(int) {
  GpuDescription found;
  found.name = Player::kName;
  found.major = 8;
  found.memoryBytes = found.freeBytes = int64_t{1} << 33;
  found.overheadBytes = 0;
  // So few that small matrices have large tiles, too.
  found.processors = 2;
  return found;
}

// ordinal: the seed of what is random.
Gpu::Gpu(const GpuOptions& options)
    : implementation_(
          std::make_unique<Implementation>(orderOf(options.order), static_cast<uint64_t>(options.ordinal) + 1)),
      description_(look(0)),
      tf32_(options.tf32) {
  description_.memoryBytes = description_.freeBytes = options.memoryBytes;
  prepare(options);
}

Gpu::~Gpu() { dismantle(); }

void Gpu::use() const {}

int64_t Gpu::freeBytes() const {
  int64_t left = description_.memoryBytes;
  for (const auto& held : implementation_->held) left -= held.second;
  return left - asideBytes_;
}

int64_t Gpu::processBytes() const { return -1; }

bool Gpu::setAside(size_t bytes) {
  asideBytes_ = 0;
  if (freeBytes() < static_cast<int64_t>(bytes)) return false;
  asideBytes_ = static_cast<int64_t>(bytes);
  return true;
}

void* Gpu::allocate(size_t bytes, Place place) {
  if (bytes == 0) return nullptr;
  const bool fits = place == Place::host || freeBytes() >= static_cast<int64_t>(bytes);
  void* memory = fits ? ::operator new(bytes, kAlignment, std::nothrow) : nullptr;
  if (!memory) throw std::runtime_error("out of memory: " + std::to_string(bytes) + " bytes could not be allocated");
  allocations_++;
  clear(memory, bytes, place);
  if (place == Place::device) {
    implementation_->held[memory] = static_cast<int64_t>(bytes);
    implementation_->player.hold(memory, bytes);
  }
  return memory;
}

void Gpu::clear(void* memory, size_t bytes, Place) { std::memset(memory, 0, bytes); }

void Gpu::release(void* memory, Place) {
  if (!memory) return;
  implementation_->held.erase(memory);
  implementation_->player.letGo(memory);
  ::operator delete(memory, kAlignment);
}

void Gpu::copy(void* to, const void* from, size_t bytes) {
  implementation_->catchUp(implementation_->late.size());
  std::memcpy(to, from, bytes);
}

void Gpu::Implementation::put(Lane lane, std::function<void()> work) {
  if (recording) {
    recording->push_back([this, lane, again = std::move(work)] { put(lane, again); });
  } else if (lane == Lane::copies && copiesLate) {
    late.push_back(std::move(work));
  } else {
    work();
  }
}

void Gpu::Implementation::catchUp(size_t count) {
  for (size_t i = 0; i < count && i < late.size(); i++) {
    if (!late[i]) continue;
    late[i]();
    late[i] = nullptr;
  }
}

void Gpu::copyInLane(void* to, const void* from, size_t bytes, Lane lane) {
  if (rehearses_) return;
  implementation_->put(lane, [=] { std::memcpy(to, from, bytes); });
}

void Gpu::putInLane(const std::function<void(void* stream)>& work) {
  if (!rehearses_) implementation_->put(Lane::compute, [work] { work(nullptr); });
}

void Gpu::zeroInLane(void* at, size_t bytes) {
  if (rehearses_) return;
  implementation_->put(Lane::compute, [=] { std::memset(at, 0, bytes); });
}

void Gpu::upload(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

void Gpu::begin() {
  Implementation* own = implementation_.get();
  own->put(Lane::compute, [own] {
    own->catchUp(own->late.size());
    own->late.clear();
    own->marks.clear();
  });
  marked_ = 0;
}

int Gpu::mark(Lane lane) {
  Implementation* own = implementation_.get();
  // What is computed is done as it is put there: the copies never wait for it.
  own->put(Lane::compute, [own, lane] { own->marks.push_back(lane == Lane::copies ? own->late.size() : 0); });
  return marked_++;
}

void Gpu::await(Lane lane, int mark) {
  Implementation* own = implementation_.get();
  if (lane == Lane::compute)
    own->put(Lane::compute, [own, mark] { own->catchUp(own->marks.at(static_cast<size_t>(mark))); });
}

std::unique_ptr<Recording> Gpu::record(const std::function<void()>& body) {
  auto recording = std::make_unique<EmulatedRecording>();
  implementation_->recording = &recording->work;
  try {
    body();
  } catch (...) {
    implementation_->recording = nullptr;
    throw;
  }
  implementation_->recording = nullptr;
  return recording;
}

void Gpu::play(Recording& recording) {
  for (const auto& work : static_cast<EmulatedRecording&>(recording).work) work();
}

std::shared_ptr<Moment> Gpu::moment() { return std::make_shared<EmulatedMoment>(); }

std::string Gpu::selfTest(const std::string& kernel) { return implementation_->player.selfTest(kernel); }

std::vector<std::string> Gpu::launched() {
  std::vector<std::string> names(implementation_->launched.begin(), implementation_->launched.end());
  implementation_->launched.clear();
  return names;
}

}  // namespace gpu
}  // namespace trainyard
