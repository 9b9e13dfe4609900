#define NAPI_VERSION 8
#include "exports.h"

#include "gpu.h"
#include "node/binding.h"
#include "node/cuda.h"

namespace trainyard {
namespace gpu {

Napi::Value asArray(Napi::Env env, const std::vector<std::string>& names) {
  auto out = Napi::Array::New(env, names.size());
  for (size_t i = 0; i < names.size(); i++) out.Set(static_cast<uint32_t>(i), names[i]);
  return out;
}

Napi::Object exportEmulation(Napi::Env env, Napi::Object exports) {
  exportGpus(env, exports);

  // ({order, memoryBytes}): of the devices that are created from now on; what is absent is as it is without.
  expose(exports, "emulate", [](const Napi::CallbackInfo& info) {
    const auto from = info[0].As<Napi::Object>();
    Emulation emulation;
    if (from.Get("order").IsString()) emulation.order = orderOf(from.Get("order").As<Napi::String>().Utf8Value());
    if (from.Get("memoryBytes").IsNumber()) emulation.memoryBytes = from.Get("memoryBytes").ToNumber();
    Emulation::next() = emulation;
  });

  // (device): names of the kernels since this was last asked.
  expose(exports, "launched", [](const Napi::CallbackInfo& info) {
    return asArray(info.Env(), unwrap<Gpu>(info[0])->implementation().takeLaunched());
  });
  return exports;
}

}  // namespace gpu
}  // namespace trainyard
