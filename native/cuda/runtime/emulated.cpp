#include "emulated.h"

#include "../layer/selfTest.h"

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

}  // namespace

// ordinal: the seed of what is random.
Gpu::Gpu(const GpuOptions& options)
    : implementation_(
          std::make_unique<Implementation>(orderOf(options.order), static_cast<uint64_t>(options.ordinal) + 1)),
      name_("emulated GPU"),
      memoryBytes_(int64_t{1} << 33),
      // So few that small matrices have large tiles, too.
      processors_(2),
      tf32_(options.tf32) {
  prepare();
}

Gpu::~Gpu() {
  release(mapMemory_, Place::device);
  release(faults_, Place::device);
}

void* Gpu::allocate(size_t bytes, Place) {
  if (bytes == 0) return nullptr;
  void* memory = ::operator new(bytes, kAlignment, std::nothrow);
  if (!memory) throw std::runtime_error("out of memory: " + std::to_string(bytes) + " bytes could not be allocated");
  std::memset(memory, 0, bytes);
  return memory;
}

void Gpu::release(void* memory, Place) { ::operator delete(memory, kAlignment); }
void Gpu::copy(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
void Gpu::copyInStream(void* to, const void* from, size_t bytes) { std::memcpy(to, from, bytes); }
void Gpu::zeroInStream(void* at, size_t bytes) { std::memset(at, 0, bytes); }
void Gpu::synchronise() {}
std::string Gpu::selfTest(const std::string& kernel) { return gpu::selfTest(kernel, implementation_->block); }

std::vector<std::string> Gpu::launched() {
  std::vector<std::string> names(implementation_->launched.begin(), implementation_->launched.end());
  implementation_->launched.clear();
  return names;
}

}  // namespace gpu
}  // namespace trainyard
