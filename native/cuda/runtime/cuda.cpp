#include "cuda.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "driverMemory.h"

namespace trainyard {
namespace gpu {
namespace {

std::string versionOf(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

class CudaMoment : public Moment {
 public:
  CudaMoment(int ordinal, cudaStream_t stream) : ordinal_(ordinal) {
    // Whoever waits sleeps: a run of days must not keep a core busy with waiting.
    require(cudaEventCreateWithFlags(&event_, cudaEventBlockingSync), "An event can't be made");
    const cudaError_t error = cudaEventRecord(event_, stream);
    if (error != cudaSuccess) cudaEventDestroy(event_);
    require(error, "The GPU failed");
  }
  ~CudaMoment() override { cudaEventDestroy(event_); }
  void wait() override {
    require(cudaSetDevice(ordinal_), "The GPU can't be used");
    require(cudaEventSynchronize(event_), "The GPU failed");
  }
  double secondsSince(Moment& earlier) override {
    float ms = 0;
    require(cudaEventElapsedTime(&ms, static_cast<CudaMoment&>(earlier).event_, event_), "The GPU's clock can't be read");
    return static_cast<double>(ms) / 1000;
  }

 private:
  int ordinal_;
  cudaEvent_t event_ = nullptr;
};

class CudaRecording : public Recording {
 public:
  explicit CudaRecording(cudaGraph_t graph) {
    const cudaError_t error = cudaGraphInstantiate(&runnable_, graph, 0);
    cudaGraphDestroy(graph);
    require(error, "A program can't be prepared");
  }
  ~CudaRecording() override { cudaGraphExecDestroy(runnable_); }
  cudaGraphExec_t runnable() const { return runnable_; }

 private:
  cudaGraphExec_t runnable_ = nullptr;
};

}  // namespace

int Gpu::count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

GpuDescription Gpu::look(int ordinal) {
  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver) {
    cudaGetLastError();
    throw std::runtime_error("There is no NVIDIA driver here for CUDA " + versionOf(CUDART_VERSION) + " or newer");
  }
  require(error, "No GPU can be used");
  if (ordinal < 0 || ordinal >= count)
    throw std::runtime_error("There is no GPU " + std::to_string(ordinal) + ", of " + std::to_string(count));
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, ordinal), "The GPU can't be asked");
  if (properties.major < 8)
    throw std::runtime_error(std::string(properties.name) + " is too old: it takes an RTX 30, an A100 or newer");
  GpuDescription found;
  found.name = properties.name;
  found.major = properties.major;
  found.minor = properties.minor;
  found.processors = properties.multiProcessorCount;
  found.memoryBytes = static_cast<int64_t>(properties.totalGlobalMem);
  char bus[32] = "";
  require(cudaDeviceGetPCIBusId(bus, sizeof bus, ordinal), "The GPU can't be asked");
  found.bus = bus;
  // Not what is not used: the driver keeps a part for itself, which CUDA counts as nobody's.
  const int64_t left = driverMemoryOf(bus, found.memoryBytes).freeBytes;
  found.freeBytes = left < 0 ? found.memoryBytes : std::min(found.memoryBytes, left);
  int kilohertz = 0, driver = 0;
  if (cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, ordinal) == cudaSuccess)
    found.boostHertz = int64_t{1000} * kilohertz;
  cudaGetLastError();  // it may not be told, and then the next call would fail of it
  require(cudaDriverGetVersion(&driver), "The driver can't be asked");
  found.driver = "CUDA " + versionOf(driver);
  return found;
}

Gpu::Gpu(const GpuOptions& options)
    : implementation_(std::make_unique<Implementation>()), description_(look(options.ordinal)), tf32_(options.tf32) {
  implementation_->ordinal = options.ordinal;
  const int64_t usedBefore = driverMemoryOf(description_.bus.c_str(), description_.memoryBytes).usedBytes;
  implementation_->use();
  for (cudaStream_t& lane : implementation_->lanes)
    require(cudaStreamCreateWithFlags(&lane, cudaStreamNonBlocking), "A stream can't be made");
  implementation_->staging =
      static_cast<unsigned char*>(allocate(Implementation::kSlots * Implementation::kSlotBytes, Place::host));
  for (cudaEvent_t& event : implementation_->staged)
    require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync), "An event can't be made");
  prepare(options);
  description_.freeBytes = freeBytes();
  const int64_t usedNow = driverMemoryOf(description_.bus.c_str(), description_.memoryBytes).usedBytes;
  if (usedBefore >= 0 && usedNow >= usedBefore) description_.overheadBytes = usedNow - usedBefore;
}

void Gpu::use() const { implementation_->use(); }

int64_t Gpu::freeBytes() const {
  implementation_->use();
  size_t freeBytes = 0, allBytes = 0;
  require(cudaMemGetInfo(&freeBytes, &allBytes), "The GPU's memory can't be asked for");
  return static_cast<int64_t>(freeBytes);
}

int64_t Gpu::processBytes() const { return processMemoryOf(description_.bus.c_str()); }

bool Gpu::setAside(size_t bytes) {
  if (static_cast<int64_t>(bytes) == asideBytes_) return true;
  Implementation& own = *implementation_;
  own.use();
  cudaFree(own.aside);
  own.aside = nullptr;
  asideBytes_ = 0;
  if (bytes == 0) return true;
  if (cudaMalloc(&own.aside, bytes) != cudaSuccess) {
    own.aside = nullptr;
    cudaGetLastError();
    return false;
  }
  asideBytes_ = static_cast<int64_t>(bytes);
  return true;
}

Gpu::~Gpu() {
  cudaSetDevice(implementation_->ordinal);
  dismantle();
  release(implementation_->aside, Place::device);
  release(implementation_->staging, Place::host);
  for (cudaEvent_t event : implementation_->staged) cudaEventDestroy(event);
  for (cudaEvent_t event : implementation_->marks) cudaEventDestroy(event);
  for (cudaStream_t lane : implementation_->lanes) cudaStreamDestroy(lane);
}

void* Gpu::allocate(size_t bytes, Place place) {
  if (bytes == 0) return nullptr;
  implementation_->use();
  void* memory = nullptr;
  const bool onHost = place == Place::host;
  const cudaError_t error = onHost ? cudaMallocHost(&memory, bytes) : cudaMalloc(&memory, bytes);
  if (error != cudaSuccess) {
    cudaGetLastError();
    throw std::runtime_error("out of memory: " + std::to_string(bytes) + " bytes could not be allocated on " +
                             (onHost ? "the host" : description_.name));
  }
  allocations_++;
  clear(memory, bytes, place);
  return memory;
}

void Gpu::clear(void* memory, size_t bytes, Place place) {
  implementation_->use();
  if (place == Place::host) {
    std::memset(memory, 0, bytes);
  } else {
    require(cudaMemset(memory, 0, bytes), "Memory can't be cleared");
    require(cudaDeviceSynchronize(), "Memory can't be cleared");
  }
}

void Gpu::release(void* memory, Place place) {
  if (!memory) return;
  cudaSetDevice(implementation_->ordinal);
  if (place == Place::host) {
    cudaFreeHost(memory);
  } else {
    cudaFree(memory);
  }
}

void Gpu::copy(void* to, const void* from, size_t bytes) {
  implementation_->use();
  copyInLane(to, from, bytes);
  require(cudaStreamSynchronize(implementation_->stream(Lane::compute)), "The GPU failed");
}

void Gpu::copyInLane(void* to, const void* from, size_t bytes, Lane lane) {
  if (bytes == 0 || rehearses_) return;
  require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, implementation_->stream(lane)), "A copy failed");
}

void Gpu::putInLane(const std::function<void(void* stream)>& work) {
  if (!rehearses_) work(implementation_->stream(Lane::compute));
}

void Gpu::zeroInLane(void* at, size_t bytes) {
  if (rehearses_) return;
  require(cudaMemsetAsync(at, 0, bytes, implementation_->stream(Lane::compute)), "Memory can't be cleared");
}

void Gpu::upload(void* to, const void* from, size_t bytes) {
  implementation_->use();
  constexpr size_t kMost = Implementation::kSlotBytes;
  for (; bytes > kMost; bytes -= kMost) {
    upload(to, from, kMost);
    to = static_cast<unsigned char*>(to) + kMost;
    from = static_cast<const unsigned char*>(from) + kMost;
  }
  const int slot = implementation_->slot;
  implementation_->slot = (slot + 1) % Implementation::kSlots;
  require(cudaEventSynchronize(implementation_->staged[slot]), "The GPU failed");
  unsigned char* at = implementation_->staging + static_cast<size_t>(slot) * Implementation::kSlotBytes;
  std::memcpy(at, from, bytes);
  copyInLane(to, at, bytes);
  require(cudaEventRecord(implementation_->staged[slot], implementation_->stream(Lane::compute)), "A copy failed");
}

void Gpu::begin() { marked_ = 0; }

int Gpu::mark(Lane lane) {
  Implementation& own = *implementation_;
  if (static_cast<size_t>(marked_) == own.marks.size()) {
    own.marks.push_back(nullptr);
    require(cudaEventCreateWithFlags(&own.marks.back(), cudaEventDisableTiming), "An event can't be made");
  }
  require(cudaEventRecord(own.marks[static_cast<size_t>(marked_)], own.stream(lane)), "The GPU failed");
  return marked_++;
}

void Gpu::await(Lane lane, int mark) {
  require(cudaStreamWaitEvent(implementation_->stream(lane), implementation_->marks.at(static_cast<size_t>(mark)), 0),
          "The GPU failed");
}

std::unique_ptr<Recording> Gpu::record(const std::function<void()>& body) {
  implementation_->use();
  const cudaStream_t stream = implementation_->stream(Lane::compute);
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "A program can't be recorded");
  cudaGraph_t graph = nullptr;
  try {
    body();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  require(cudaStreamEndCapture(stream, &graph), "A program can't be recorded");
  auto recording = std::make_unique<CudaRecording>(graph);
  // Its memory is taken now, not as it first runs.
  require(cudaGraphUpload(recording->runnable(), stream), "A program can't be prepared");
  require(cudaStreamSynchronize(stream), "A program can't be prepared");
  return recording;
}

void Gpu::play(Recording& recording) {
  implementation_->use();
  require(cudaGraphLaunch(static_cast<CudaRecording&>(recording).runnable(), implementation_->stream(Lane::compute)),
          "The GPU failed");
}

std::shared_ptr<Moment> Gpu::moment() {
  implementation_->use();
  return std::make_shared<CudaMoment>(implementation_->ordinal, implementation_->stream(Lane::compute));
}

std::string Gpu::selfTest(const std::string&) { throw std::logic_error("a real GPU has no emulator to test"); }

std::vector<std::string> Gpu::launched() { throw std::logic_error("a real GPU keeps no list of kernels"); }

}  // namespace gpu
}  // namespace trainyard
