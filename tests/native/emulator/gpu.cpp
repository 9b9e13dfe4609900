#include "gpu.h"

#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>

#include "common/failure.h"

namespace trainyard {
namespace gpu {
namespace {

constexpr std::align_val_t kAlignment{256};

class EmulatedEvent : public Event {
 public:
  void wait() override {}
  double secondsSince(Event& earlier) override {
    return std::chrono::duration<double>(at_ - static_cast<EmulatedEvent&>(earlier).at_).count();
  }

 private:
  std::chrono::steady_clock::time_point at_ = std::chrono::steady_clock::now();
};

class EmulatedGraph : public Graph {
 public:
  std::vector<std::function<void()>> work;
};

}  // namespace

Emulation& Emulation::next() {
  static Emulation chosen;
  return chosen;
}

Order orderOf(const std::string& name) {
  if (name == "forward") return Order::forward;
  if (name == "reverse") return Order::reverse;
  if (name == "random") return Order::random;
  if (name == "warpAhead") return Order::warpAhead;
  throw std::invalid_argument("there is no order of threads '" + name + "'");
}

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
          std::make_unique<Implementation>(Emulation::next().order, static_cast<uint64_t>(options.ordinal) + 1)),
      description_(look(0)),
      tf32_(options.tf32) {
  description_.memoryBytes = description_.freeBytes = Emulation::next().memoryBytes;
  prepare(options);
}

Gpu::~Gpu() { dismantle(); }

void Gpu::use() const {}

int64_t Gpu::freeBytes() const {
  int64_t left = description_.memoryBytes;
  for (const auto& held : implementation_->held) left -= held.second;
  return left - moduleReserveBytes_;
}

int64_t Gpu::processBytes() const { return -1; }

GpuFigures Gpu::figures() const { return figuresOf(kEmulatedBus, description_.memoryBytes); }

bool Gpu::setModuleReserve(size_t bytes) {
  moduleReserveBytes_ = 0;
  if (freeBytes() < static_cast<int64_t>(bytes)) return false;
  moduleReserveBytes_ = static_cast<int64_t>(bytes);
  return true;
}

void* Gpu::allocate(size_t bytes, Place place) {
  if (bytes == 0) return nullptr;
  const bool fits = place == Place::host || freeBytes() >= static_cast<int64_t>(bytes);
  void* memory = fits ? ::operator new(bytes, kAlignment, std::nothrow) : nullptr;
  if (!memory) throw Failure(Code::outOfMemory, {{"bytes", number(bytes)}, {"isHost", place == Place::host ? 1.0 : 0.0}});
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

void Gpu::Implementation::put(Stream stream, std::function<void()> work) {
  if (graph) {
    graph->push_back([this, stream, again = std::move(work)] { put(stream, again); });
  } else if (stream == Stream::copies && copiesLate) {
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

void Gpu::enqueueCopy(void* to, const void* from, size_t bytes, Stream stream) {
  if (warmingUp_) return;
  implementation_->put(stream, [=] { std::memcpy(to, from, bytes); });
}

void Gpu::enqueue(const std::function<void(void* stream)>& work) {
  if (!warmingUp_) implementation_->put(Stream::compute, [work] { work(nullptr); });
}

void Gpu::enqueueZero(void* at, size_t bytes) {
  if (warmingUp_) return;
  implementation_->put(Stream::compute, [=] { std::memset(at, 0, bytes); });
}

void Gpu::upload(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }

void Gpu::begin() {
  Implementation* own = implementation_.get();
  own->put(Stream::compute, [own] {
    own->catchUp(own->late.size());
    own->late.clear();
    own->marks.clear();
  });
  marked_ = 0;
}

int Gpu::mark(Stream stream) {
  Implementation* own = implementation_.get();
  // What is computed is done as it is put there: the copies never wait for it.
  own->put(Stream::compute, [own, stream] { own->marks.push_back(stream == Stream::copies ? own->late.size() : 0); });
  return marked_++;
}

void Gpu::await(Stream stream, int mark) {
  Implementation* own = implementation_.get();
  if (stream == Stream::compute)
    own->put(Stream::compute, [own, mark] { own->catchUp(own->marks.at(static_cast<size_t>(mark))); });
}

std::unique_ptr<Graph> Gpu::capture(const std::function<void()>& body) {
  auto graph = std::make_unique<EmulatedGraph>();
  implementation_->graph = &graph->work;
  try {
    body();
  } catch (...) {
    implementation_->graph = nullptr;
    throw;
  }
  implementation_->graph = nullptr;
  return graph;
}

void Gpu::launchGraph(Graph& graph) {
  for (const auto& work : static_cast<EmulatedGraph&>(graph).work) work();
}

std::shared_ptr<Event> Gpu::event() { return std::make_shared<EmulatedEvent>(); }

std::vector<std::string> Gpu::Implementation::takeLaunched() {
  std::vector<std::string> names(launched.begin(), launched.end());
  launched.clear();
  return names;
}

}  // namespace gpu
}  // namespace trainyard
