// The addon that plays a GPU by what nvcc makes of the kernels.
#define NAPI_VERSION 8
#include "../emulator/exports.h"
#include "../emulator/gpu.h"
#include "library.h"
#include "node/binding.h"

namespace trainyard {
namespace gpu {

static Fields asObject(Napi::Env env, const ptx::Traffic::Kind& kind) {
  return Fields(env).set("requests", kind.requests).set("parts", kind.parts).set("min", kind.min);
}

static Napi::Object init(Napi::Env env, Napi::Object exports) {
  exportEmulation(env, exports);

  // (device): what kernels asked of memory since this was last called; before, it is not counted.
  expose(exports, "traffic", [](const Napi::CallbackInfo& info) -> Napi::Value {
    Fields out(info.Env());
    for (const auto& entry : unwrap<Gpu>(info[0])->implementation().player.traffic()) {
      const ptx::Traffic& counted = entry.second;
      out.put(entry.first.c_str(), Fields(info.Env())
                                       .set("launches", counted.launches)
                                       .set("warpInstructions", counted.warpInstructions)
                                       .set("products", counted.products)
                                       .put("shared", asObject(info.Env(), counted.shared))
                                       .put("global", asObject(info.Env(), counted.global)));
    }
    return out;
  });

  // Types of the kernels that this process has not run yet.
  expose(exports, "unusedKernels",
         [](const Napi::CallbackInfo& info) { return asArray(info.Env(), ptx::Library::beside().unused()); });
  return exports;
}

}  // namespace gpu
}  // namespace trainyard

using trainyard::gpu::init;
NODE_API_MODULE(trainyard_ptx, init)
