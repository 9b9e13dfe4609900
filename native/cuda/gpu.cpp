#include "gpu.h"

#include <stdexcept>

namespace trainyard {
namespace gpu {

struct Gpu::Downloads {
  uint8_t* memory = nullptr;
  std::vector<int> free;
};

std::shared_ptr<uint8_t> Gpu::downloadPlace() {
  const std::shared_ptr<Downloads> all = downloads_;
  if (all->free.empty()) throw std::runtime_error("too much is fetched from the GPU at once");
  const int place = all->free.back();
  all->free.pop_back();
  return {all->memory + static_cast<size_t>(place) * kDownloadBytes,
          [all, place](uint8_t*) { all->free.push_back(place); }};
}

// What every kernel may count on besides its arguments.
void Gpu::prepare(const GpuOptions& options) {
  const QuantizationMap* maps[4] = {&signedMap8(), &unsignedMap8(), &signedMap4(), &unsignedMap4()};
  auto* at = static_cast<QuantizationMap*>(allocate(4 * sizeof(QuantizationMap), Place::device));
  mapMemory_ = at;
  for (int i = 0; i < 4; i++) copy(at + i, maps[i], sizeof(QuantizationMap));
  maps_ = {at, at + 1, at + 2, at + 3};
  chunkSums_ = static_cast<float*>(allocate(kChunkSums * sizeof(float), Place::device));
  faults_ = static_cast<int32_t*>(allocate(sizeof(int32_t), Place::device));
  hostFaults_ = static_cast<int32_t*>(allocate(sizeof(int32_t), Place::host));
  downloads_ = std::make_shared<Downloads>();
  downloads_->memory = static_cast<uint8_t*>(allocate(kDownloads * kDownloadBytes, Place::host));
  for (int i = 0; i < kDownloads; i++) downloads_->free.push_back(i);
  if (!options.usesLibrary) return;
  for (const std::string& place : BlasLt::places(options.library)) {
    const std::shared_ptr<BlasLt> library = BlasLt::open(place);
    if (!library) continue;
    try {
      library->start();
    } catch (const std::runtime_error&) {
      continue;  // one that this GPU or its driver is too old or too new for
    }
    products_ = std::make_unique<Products>(*this, library);
    description_.library = library->version();
    return;
  }
}

void Gpu::dismantle() {
  products_.reset();
  for (const Place place : {Place::device, Place::host}) release(reserveOf(place).memory, place);
  release(mapMemory_, Place::device);
  release(chunkSums_, Place::device);
  release(faults_, Place::device);
  release(hostFaults_, Place::host);
  if (downloads_) release(downloads_->memory, Place::host);
}

void Gpu::reserve(size_t bytes, Place place) {
  Reserve& held = reserveOf(place);
  if (held.isTaken) throw std::logic_error("what is held is in use");
  if (bytes <= held.bytes) return;
  giveBack(held.memory, held.bytes, place);
  held = {};
  held.memory = take(bytes, place);
  held.bytes = bytes;
}

void* Gpu::take(size_t bytes, Place place) {
  Reserve& held = reserveOf(place);
  if (bytes > 0 && !held.isTaken && bytes <= held.bytes) {
    clear(held.memory, bytes, place);
    held.isTaken = true;
    return held.memory;
  }
  void* memory = allocate(bytes, place);
  if (place == Place::device) arenaBytes_ += static_cast<int64_t>(bytes);
  return memory;
}

void Gpu::giveBack(void* memory, size_t bytes, Place place) {
  if (!memory) return;
  Reserve& held = reserveOf(place);
  if (memory == held.memory && held.isTaken) {
    held.isTaken = false;
    return;
  }
  release(memory, place);
  if (place == Place::device) arenaBytes_ -= static_cast<int64_t>(bytes);
}

void Gpu::warmUp(const std::function<void()>& body) { within(true, body); }
void Gpu::outsideWarmUp(const std::function<void()>& body) { within(false, body); }

void Gpu::within(bool warming, const std::function<void()>& body) {
  const bool before = warmingUp_;
  warmingUp_ = warming;
  try {
    body();
  } catch (...) {
    warmingUp_ = before;
    throw;
  }
  warmingUp_ = before;
}

int32_t Gpu::takeFault() {
  const int32_t fault = *static_cast<volatile int32_t*>(hostFaults_);
  if (fault == 0) return 0;
  const int32_t none = 0;
  copy(faults_, &none, sizeof none);
  *hostFaults_ = 0;
  return fault;
}

}  // namespace gpu
}  // namespace trainyard
