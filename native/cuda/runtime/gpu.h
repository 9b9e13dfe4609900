// One GPU: its memory, a stream of kernels, copies. Two implementations: CUDA's (cuda.cpp), and the host that plays one
// (emulated.cpp).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../../cpu/quantise.h"
#include "../layer/grid.h"

namespace trainyard {
namespace gpu {

// Where memory lies: the device's own, or the host's, pinned, where the device reaches it by copies.
enum class Place { device, host };

struct GpuOptions {
  int ordinal = 0;  // which GPU
  // Whether float32 products are taken by tensor cores, of factors that are rounded to 10 bits of fraction.
  bool tf32 = false;
  std::string order;  // of the emulated one: how its threads take turns: forward, reverse, random or warpAhead
};

class Gpu {
 public:
  explicit Gpu(const GpuOptions& options);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  const std::string& name() const { return name_; }
  int64_t memoryBytes() const { return memoryBytes_; }
  // How many blocks are worked on at once, at least.
  int64_t processors() const { return processors_; }
  bool tf32() const { return tf32_; }

  // Zeroed, aligned to 256 bytes. Throws std::runtime_error when there is too little.
  void* allocate(size_t bytes, Place place);
  void release(void* memory, Place place);
  // Any way; done when it returns.
  void copy(void* to, const void* from, size_t bytes);
  // In the order of the stream.
  void copyInStream(void* to, const void* from, size_t bytes);
  void zeroInStream(void* at, size_t bytes);
  // Waits for all that is in the stream. Throws std::runtime_error when some of it failed.
  void synchronise();

  template <class Kernel>
  void launch(const Grid& grid, const typename Kernel::Args& args);

  // In the device's memory.
  struct Maps {
    const QuantisationMap *signed8, *unsigned8, *signed4, *unsigned4;
  };
  const Maps& maps() const { return maps_; }
  // Of the emulator: what it says of one of its own kernels; empty where it finds no mistake.
  std::string selfTest(const std::string& kernel);
  // Of the emulator: names of the kernels since this was last asked, the latest thousand.
  std::vector<std::string> launched();
  // A word in which kernels note indices out of range.
  int32_t* faults() const { return faults_; }

 private:
  struct Implementation;
  void prepare();

  std::unique_ptr<Implementation> implementation_;
  std::string name_;
  int64_t memoryBytes_ = 0;
  int64_t processors_ = 1;
  bool tf32_ = false;
  Maps maps_{};
  int32_t* faults_ = nullptr;
  void* mapMemory_ = nullptr;

 public:
  Implementation& implementation() { return *implementation_; }
};

}  // namespace gpu
}  // namespace trainyard
