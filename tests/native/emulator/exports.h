// What the addons that play a GPU export besides what an addon of GPUs does: see tests/native/gpu.ts.
#pragma once
#include <napi.h>

#include <string>
#include <vector>

namespace trainyard {
namespace gpu {

Napi::Object exportEmulation(Napi::Env env, Napi::Object exports);

Napi::Value asArray(Napi::Env env, const std::vector<std::string>& names);

}  // namespace gpu
}  // namespace trainyard
