// The Node-API face of GPUs: devices, sessions (arenas and programs), asynchronous runs.
#pragma once
#include <napi.h>

namespace trainyard {

// What an addon of GPUs exports: see electron/engine/devices/cuda/addon.ts.
Napi::Object exportGpus(Napi::Env env, Napi::Object exports);

}  // namespace trainyard
