// The addon that plays a GPU by the kernels' sources.
#define NAPI_VERSION 8
#include "exports.h"
#include "gpu.h"
#include "node/binding.h"

namespace trainyard {
namespace gpu {

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  exportEmulation(env, exports);
  // (device, kernel): what the emulator says of one of its own kernels.
  expose(exports, "selfTest", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const std::string kernel = info[1].As<Napi::String>().Utf8Value();
    return Napi::String::New(info.Env(), unwrap<Gpu>(info[0])->implementation().player.selfTest(kernel));
  });
  return exports;
}

}  // namespace gpu
}  // namespace trainyard

using trainyard::gpu::init;
NODE_API_MODULE(trainyard_emulated, init)
