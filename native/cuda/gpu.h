// One GPU: its memory, kernels and copies in the order of two streams, and graphs of both. What depends on CUDA's runtime
// is in platform/.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../common/quantize.h"
#include "layer/grid.h"
#include "gemm/products.h"
#include "nvml.h"

namespace trainyard {
namespace gpu {

// Where memory lies: the device's own, or the host's, pinned, where the device reaches it by copies.
enum class Place { device, host };

// What is put into a stream is done one after another; the streams do not wait for each other unless they are told to.
enum class Stream { compute, copies };

struct GpuOptions {
  int ordinal = 0;  // which GPU
  // Whether float32 products are taken by tensor cores, of factors that are rounded to 10 bits of fraction.
  bool tf32 = false;
  // NVIDIA's library of matrix products: its path, or nothing: where it is usually found. Whether it may be used at all.
  std::string library;
  bool usesLibrary = true;
};

// What is known of a GPU. Bytes that can't be found out are -1.
struct GpuDescription {
  std::string name;
  int major = 0, minor = 0;        // of its compute capability
  int64_t memoryBytes = 0;         // all of it
  int64_t freeBytes = 0;           // before any arena
  int64_t overheadBytes = -1;      // what this process holds before any arena: the driver's context, kernels
  int64_t boostHertz = 0;
  int processors = 1;              // how many blocks are worked on at once, at least
  std::string driver, bus;
  std::string library;  // that of matrix products, and its version; empty: there is none
};

// A moment in the compute stream: what was in it before has been done.
class Event {
 public:
  virtual ~Event() = default;
  // Throws Failure when something before it failed.
  virtual void wait() = 0;
  virtual double secondsSince(Event& earlier) = 0;
};

// What was put into the streams while it was recorded, to be put there again at once.
class Graph {
 public:
  virtual ~Graph() = default;
};

class Gpu {
 public:
  explicit Gpu(const GpuOptions& options);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  // How many there are; 0 where no driver is.
  static int count();
  // What is known without using one, which would take of its memory.
  static GpuDescription look(int ordinal);
  const GpuDescription& description() const { return description_; }
  // Of its memory, now.
  int64_t freeBytes() const;
  // What this process holds of it, by the driver's count; -1 where that does not tell.
  int64_t processBytes() const;
  // What the driver tells of it, now; from any thread.
  GpuFigures figures() const;
  int64_t processors() const { return description_.processors; }
  bool tf32() const { return tf32_; }

  // Makes it the one that this thread uses.
  void use() const;
  // Zeroed, aligned to 256 bytes. Throws Failure when there is too little.
  void* allocate(size_t bytes, Place place);
  void release(void* memory, Place place);
  // Holds at least so much until the GPU is given up: what comes later finds it there, whatever others have taken meanwhile.
  void reserve(size_t bytes, Place place);
  // The same as `allocate` and `release`, of what is held where that is free and enough.
  void* take(size_t bytes, Place place);
  void giveBack(void* memory, size_t bytes, Place place);
  // Holds so many bytes of the device's memory, in place of those that were set aside before: room for the kernels and
  // graphs of programs to come, to be let go of as they are loaded. Says whether there were as many.
  bool setModuleReserve(size_t bytes);
  int64_t moduleReserveBytes() const { return moduleReserveBytes_; }
  // Of the device's memory: taken, or held for what will be.
  int64_t arenaBytes() const { return arenaBytes_; }
  // How often memory was allocated, of either place; what is set aside does not count.
  int64_t allocations() const { return allocations_; }
  // Of memory of any kind; behind all that is in the compute stream, and done when it returns.
  void copy(void* to, const void* from, size_t bytes);

  // Runs `body`, in which nothing is put into the streams: kernels are only brought to the GPU, and products tried out. The
  // memory that they use must be zero, and is afterwards.
  void warmUp(const std::function<void()>& body);
  bool isWarmingUp() const { return warmingUp_; }
  // In a warming: what `body` puts into the streams is done.
  void outsideWarmUp(const std::function<void()>& body);
  // Who multiplies what; null where there is no library.
  Products* products() { return products_.get(); }

  // Everything below is put into a stream, and done later.
  template <class Kernel>
  void launch(const Grid& grid, const typename Kernel::Args& args);
  // Of arenas, the host's too.
  void enqueueCopy(void* to, const void* from, size_t bytes, Stream stream = Stream::compute);
  void enqueueZero(void* at, size_t bytes);
  // What puts itself into the stream of the compute stream that it is given.
  void enqueue(const std::function<void(void* stream)>& work);
  // From the host's memory, which may be used again when this returns.
  void upload(void* to, const void* from, size_t bytes);
  // A place of kDownloadBytes in the host's memory for what is copied there in a stream; it goes back with its last owner.
  // Throws std::runtime_error when all are in use.
  static constexpr size_t kDownloadBytes = 4096;
  std::shared_ptr<uint8_t> downloadPlace();
  // A mark behind what is in a stream; good until the next `begin`.
  int mark(Stream stream);
  // What comes into a stream from now on waits for a mark.
  void await(Stream stream, int mark);
  void begin();

  // Records what `body` puts into the streams instead of doing it.
  std::unique_ptr<Graph> capture(const std::function<void()>& body);
  void launchGraph(Graph& graph);
  std::shared_ptr<Event> event();

  // In the device's memory.
  struct Maps {
    const QuantizationMap *signed8, *unsigned8, *signed4, *unsigned4;
  };
  const Maps& maps() const { return maps_; }
  // Room for sums of so many parts of tensors, in the device's memory; nothing is kept there from one call to the next.
  static constexpr int64_t kChunkSums = 1 << 16;
  float* chunkSums() const { return chunkSums_; }
  // A word in which kernels note indices out of range, and its copy on the host, which `copyFaults` brings up to date.
  int32_t* faults() const { return faults_; }
  void copyFaults() { enqueueCopy(hostFaults_, faults_, sizeof(int32_t)); }
  // What was noted; nothing is, afterwards.
  int32_t takeFault();

 private:
  struct Implementation;
  void prepare(const GpuOptions& options);
  void dismantle();
  // Whatever is computed is done before.
  void clear(void* memory, size_t bytes, Place place);
  void within(bool warming, const std::function<void()>& body);

  std::unique_ptr<Implementation> implementation_;
  GpuDescription description_;
  bool tf32_ = false, warmingUp_ = false;
  int marked_ = 0;
  struct Reserve {
    void* memory = nullptr;
    size_t bytes = 0;
    bool isTaken = false;
  };
  Reserve& reserveOf(Place place) { return reserves_[place == Place::host ? 1 : 0]; }
  Reserve reserves_[2];
  int64_t arenaBytes_ = 0, moduleReserveBytes_ = 0, allocations_ = 0;
  Maps maps_{};
  int32_t *faults_ = nullptr, *hostFaults_ = nullptr;
  static constexpr int kDownloads = 8;
  struct Downloads;
  std::shared_ptr<Downloads> downloads_;
  void* mapMemory_ = nullptr;
  float* chunkSums_ = nullptr;
  std::unique_ptr<Products> products_;

 public:
  Implementation& implementation() { return *implementation_; }
};

}  // namespace gpu
}  // namespace trainyard
