// The Node-API face of the CPU device: see electron/engine/devices/cpu/addon.ts.
#define NAPI_VERSION 8
#include "../cpu/memory.h"
#include "../cpu/session.h"
#include "binding.h"

namespace trainyard {
namespace {

Napi::Object exportCpu(Napi::Env, Napi::Object exports) {
  expose(exports, "createDevice", [](const Napi::CallbackInfo& info) {
    const int threads = info[0].As<Napi::Number>().Int32Value();
    const std::string isa = info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : std::string();
    return wrap(info.Env(), std::make_shared<Device>(threads, isa));
  });

  expose(exports, "describeDevice", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const auto device = unwrap<Device>(info[0]);
    return Fields(info.Env())
        .set("isa", device->isa())
        .set("threads", device->pool().threads())
        .set("scratchBytes", device->pool().scratchBytes());
  });

  expose(exports, "memory", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const MemoryStats stats = memoryStats();
    return Fields(info.Env()).set("allocations", stats.allocations).set("liveBytes", stats.liveBytes);
  });

  // (device): the measured FMA peak of one core and of all threads, in FLOP/s.
  expose(exports, "fmaPeak", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const FmaPeak peak = unwrap<Device>(info[0])->fmaPeak();
    return Fields(info.Env()).set("oneCore", peak.oneCore).set("allThreads", peak.allThreads);
  });

  exposeSessions<Device, Session>(exports);
  return exports;
}

NODE_API_MODULE(trainyard_cpu, exportCpu)

}  // namespace
}  // namespace trainyard
