// A GPU by CUDA's runtime.
#include "launch.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "../nvml.h"

namespace trainyard {
namespace gpu {
namespace {

std::string versionOf(int number) { return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10); }

class CudaEvent : public Event {
 public:
  CudaEvent(int ordinal, cudaStream_t stream) : ordinal_(ordinal) {
    // Whoever waits sleeps: a run of days must not keep a core busy with waiting.
    require(cudaEventCreateWithFlags(&event_, cudaEventBlockingSync), GpuAction::makeEvent);
    const cudaError_t error = cudaEventRecord(event_, stream);
    if (error != cudaSuccess) cudaEventDestroy(event_);
    require(error, GpuAction::wait);
  }
  ~CudaEvent() override { cudaEventDestroy(event_); }
  void wait() override {
    require(cudaSetDevice(ordinal_), GpuAction::use);
    require(cudaEventSynchronize(event_), GpuAction::wait);
  }
  double secondsSince(Event& earlier) override {
    float ms = 0;
    require(cudaEventElapsedTime(&ms, static_cast<CudaEvent&>(earlier).event_, event_), GpuAction::readClock);
    return static_cast<double>(ms) / 1000;
  }

 private:
  int ordinal_;
  cudaEvent_t event_ = nullptr;
};

class CudaGraph : public Graph {
 public:
  explicit CudaGraph(cudaGraph_t graph) {
    const cudaError_t error = cudaGraphInstantiate(&runnable_, graph, 0);
    cudaGraphDestroy(graph);
    require(error, GpuAction::prepare);
  }
  ~CudaGraph() override { cudaGraphExecDestroy(runnable_); }
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
    throw Failure(Code::noDriver, {{"cuda", versionOf(CUDART_VERSION)}});
  }
  require(error, GpuAction::find);
  if (ordinal < 0 || ordinal >= count)
    throw Failure(Code::noSuchGpu, {{"ordinal", number(ordinal)}, {"count", number(count)}});
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, ordinal), GpuAction::ask);
  if (properties.major < 8)
    throw Failure(Code::gpuTooOld, {{"name", properties.name}});
  GpuDescription found;
  found.name = properties.name;
  found.major = properties.major;
  found.minor = properties.minor;
  found.processors = properties.multiProcessorCount;
  found.memoryBytes = static_cast<int64_t>(properties.totalGlobalMem);
  char bus[32] = "";
  require(cudaDeviceGetPCIBusId(bus, sizeof bus, ordinal), GpuAction::ask);
  found.bus = bus;
  // Not what is not used: the driver keeps a part for itself, which CUDA counts as nobody's.
  const int64_t left = driverMemoryOf(bus, found.memoryBytes).freeBytes;
  found.freeBytes = left < 0 ? found.memoryBytes : std::min(found.memoryBytes, left);
  int kilohertz = 0, driver = 0;
  if (cudaDeviceGetAttribute(&kilohertz, cudaDevAttrClockRate, ordinal) == cudaSuccess)
    found.boostHertz = int64_t{1000} * kilohertz;
  cudaGetLastError();  // it may not be told, and then the next call would fail of it
  require(cudaDriverGetVersion(&driver), GpuAction::askDriver);
  found.driver = "CUDA " + versionOf(driver);
  return found;
}

Gpu::Gpu(const GpuOptions& options)
    : implementation_(std::make_unique<Implementation>()), description_(look(options.ordinal)), tf32_(options.tf32) {
  implementation_->ordinal = options.ordinal;
  const int64_t usedBefore = driverMemoryOf(description_.bus.c_str(), description_.memoryBytes).usedBytes;
  implementation_->use();
  for (cudaStream_t& stream : implementation_->streams)
    require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), GpuAction::makeStream);
  implementation_->staging =
      static_cast<unsigned char*>(allocate(Implementation::kSlots * Implementation::kSlotBytes, Place::host));
  for (cudaEvent_t& event : implementation_->staged)
    require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming | cudaEventBlockingSync), GpuAction::makeEvent);
  prepare(options);
  description_.freeBytes = freeBytes();
  const int64_t usedNow = driverMemoryOf(description_.bus.c_str(), description_.memoryBytes).usedBytes;
  if (usedBefore >= 0 && usedNow >= usedBefore) description_.overheadBytes = usedNow - usedBefore;
}

void Gpu::use() const { implementation_->use(); }

int64_t Gpu::freeBytes() const {
  implementation_->use();
  size_t freeBytes = 0, allBytes = 0;
  require(cudaMemGetInfo(&freeBytes, &allBytes), GpuAction::askMemory);
  return static_cast<int64_t>(freeBytes);
}

int64_t Gpu::processBytes() const { return processMemoryOf(description_.bus.c_str()); }

GpuFigures Gpu::figures() const { return figuresOf(description_.bus.c_str(), description_.memoryBytes); }

bool Gpu::setModuleReserve(size_t bytes) {
  if (static_cast<int64_t>(bytes) == moduleReserveBytes_) return true;
  Implementation& own = *implementation_;
  own.use();
  cudaFree(own.moduleReserve);
  own.moduleReserve = nullptr;
  moduleReserveBytes_ = 0;
  if (bytes == 0) return true;
  if (cudaMalloc(&own.moduleReserve, bytes) != cudaSuccess) {
    own.moduleReserve = nullptr;
    cudaGetLastError();
    return false;
  }
  moduleReserveBytes_ = static_cast<int64_t>(bytes);
  return true;
}

Gpu::~Gpu() {
  cudaSetDevice(implementation_->ordinal);
  dismantle();
  release(implementation_->moduleReserve, Place::device);
  release(implementation_->staging, Place::host);
  for (cudaEvent_t event : implementation_->staged) cudaEventDestroy(event);
  for (cudaEvent_t event : implementation_->marks) cudaEventDestroy(event);
  for (cudaStream_t stream : implementation_->streams) cudaStreamDestroy(stream);
}

void* Gpu::allocate(size_t bytes, Place place) {
  if (bytes == 0) return nullptr;
  implementation_->use();
  void* memory = nullptr;
  const bool onHost = place == Place::host;
  const cudaError_t error = onHost ? cudaMallocHost(&memory, bytes) : cudaMalloc(&memory, bytes);
  if (error != cudaSuccess) {
    cudaGetLastError();
    throw Failure(Code::outOfMemory,
                  {{"bytes", number(bytes)}, {"name", description_.name}, {"isHost", onHost ? 1.0 : 0.0}});
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
    require(cudaMemset(memory, 0, bytes), GpuAction::clear);
    require(cudaDeviceSynchronize(), GpuAction::clear);
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
  enqueueCopy(to, from, bytes);
  require(cudaStreamSynchronize(implementation_->stream(Stream::compute)), GpuAction::wait);
}

void Gpu::enqueueCopy(void* to, const void* from, size_t bytes, Stream stream) {
  if (bytes == 0 || warmingUp_) return;
  require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, implementation_->stream(stream)), GpuAction::copy);
}

void Gpu::enqueue(const std::function<void(void* stream)>& work) {
  if (!warmingUp_) work(implementation_->stream(Stream::compute));
}

void Gpu::enqueueZero(void* at, size_t bytes) {
  if (warmingUp_) return;
  require(cudaMemsetAsync(at, 0, bytes, implementation_->stream(Stream::compute)), GpuAction::clear);
}

void Gpu::upload(void* to, const void* from, size_t bytes) {
  implementation_->use();
  constexpr size_t kMaxTensors = Implementation::kSlotBytes;
  for (; bytes > kMaxTensors; bytes -= kMaxTensors) {
    upload(to, from, kMaxTensors);
    to = static_cast<unsigned char*>(to) + kMaxTensors;
    from = static_cast<const unsigned char*>(from) + kMaxTensors;
  }
  const int slot = implementation_->slot;
  implementation_->slot = (slot + 1) % Implementation::kSlots;
  require(cudaEventSynchronize(implementation_->staged[slot]), GpuAction::wait);
  unsigned char* at = implementation_->staging + static_cast<size_t>(slot) * Implementation::kSlotBytes;
  std::memcpy(at, from, bytes);
  enqueueCopy(to, at, bytes);
  require(cudaEventRecord(implementation_->staged[slot], implementation_->stream(Stream::compute)), GpuAction::copy);
}

void Gpu::begin() { marked_ = 0; }

int Gpu::mark(Stream stream) {
  Implementation& own = *implementation_;
  if (static_cast<size_t>(marked_) == own.marks.size()) {
    own.marks.push_back(nullptr);
    require(cudaEventCreateWithFlags(&own.marks.back(), cudaEventDisableTiming), GpuAction::makeEvent);
  }
  require(cudaEventRecord(own.marks[static_cast<size_t>(marked_)], own.stream(stream)), GpuAction::wait);
  return marked_++;
}

void Gpu::await(Stream stream, int mark) {
  require(cudaStreamWaitEvent(implementation_->stream(stream), implementation_->marks.at(static_cast<size_t>(mark)), 0),
          GpuAction::wait);
}

std::unique_ptr<Graph> Gpu::capture(const std::function<void()>& body) {
  implementation_->use();
  const cudaStream_t stream = implementation_->stream(Stream::compute);
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), GpuAction::record);
  cudaGraph_t graph = nullptr;
  try {
    body();
  } catch (...) {
    cudaStreamEndCapture(stream, &graph);
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();
    throw;
  }
  require(cudaStreamEndCapture(stream, &graph), GpuAction::record);
  auto captured = std::make_unique<CudaGraph>(graph);
  // Its memory is taken now, not as it first runs.
  require(cudaGraphUpload(captured->runnable(), stream), GpuAction::prepare);
  require(cudaStreamSynchronize(stream), GpuAction::prepare);
  return captured;
}

void Gpu::launchGraph(Graph& captured) {
  implementation_->use();
  require(cudaGraphLaunch(static_cast<CudaGraph&>(captured).runnable(), implementation_->stream(Stream::compute)),
          GpuAction::wait);
}

std::shared_ptr<Event> Gpu::event() {
  implementation_->use();
  return std::make_shared<CudaEvent>(implementation_->ordinal, implementation_->stream(Stream::compute));
}

}  // namespace gpu
}  // namespace trainyard
