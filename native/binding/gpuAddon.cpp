// The Node-API face of a GPU, real or emulated: devices, sessions (arenas and programs), asynchronous runs.
#define NAPI_VERSION 8
#include <napi.h>

#include <memory>
#include <string>
#include <vector>

#include "../cuda/runtime/session.h"
#include "handles.h"

namespace {

using trainyard::guarded;
using trainyard::RunWorker;
using trainyard::unwrap;
using trainyard::wrap;
using trainyard::gpu::Gpu;
using trainyard::gpu::Session;

// (ordinal, tf32, order)
Napi::Value createDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    trainyard::gpu::GpuOptions options;
    options.ordinal = info[0].As<Napi::Number>().Int32Value();
    options.tf32 = info[1].As<Napi::Boolean>().Value();
    if (info[2].IsString()) options.order = info[2].As<Napi::String>().Utf8Value();
    return wrap(info.Env(), std::make_shared<Gpu>(options));
  });
}

Napi::Value describeDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto device = unwrap<Gpu>(info[0]);
    auto out = Napi::Object::New(info.Env());
    out.Set("name", device->name());
    out.Set("memoryBytes", static_cast<double>(device->memoryBytes()));
    return out;
  });
}

// (device): of the emulator, names of the kernels since this was last asked.
Napi::Value launched(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const std::vector<std::string> names = unwrap<Gpu>(info[0])->launched();
    auto out = Napi::Array::New(info.Env(), names.size());
    for (size_t i = 0; i < names.size(); i++) out.Set(static_cast<uint32_t>(i), names[i]);
    return out;
  });
}

// (device, kernel): what the emulator says of one of its own kernels.
Napi::Value selfTest(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const std::string kernel = info[1].As<Napi::String>().Utf8Value();
    return Napi::String::New(info.Env(), unwrap<Gpu>(info[0])->selfTest(kernel));
  });
}

// (device, bytes of each arena, the arena in the host's memory or -1)
Napi::Value createSession(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    auto bytes = info[1].As<Napi::Float64Array>();
    std::vector<size_t> arenas(bytes.Data(), bytes.Data() + bytes.ElementLength());
    int hostArena = info[2].As<Napi::Number>().Int32Value();
    return wrap(info.Env(), std::make_shared<Session>(unwrap<Gpu>(info[0]), arenas, hostArena));
  });
}

Napi::Value loadProgram(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto code = info[1].As<Napi::Float64Array>();
    return Napi::Number::New(info.Env(), unwrap<Session>(info[0])->load(code.Data(), code.ElementLength()));
  });
}

// (session, arena, offset, array, toDevice): copies between an arena and a typed array.
Napi::Value copy(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto session = unwrap<Session>(info[0]);
    int arena = info[1].As<Napi::Number>().Int32Value();
    auto offset = static_cast<size_t>(info[2].As<Napi::Number>().DoubleValue());
    auto array = info[3].As<Napi::TypedArray>();
    auto* host = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    session->copy(arena, offset, host, array.ByteLength(), info[4].ToBoolean());
    return info.Env().Undefined();
  });
}

// (session, program, times): a promise; adds each call's seconds to times when that is a Float64Array.
Napi::Value run(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto session = unwrap<Session>(info[0]);
    int program = info[1].As<Napi::Number>().Int32Value();
    session->calls(program);  // throws when there is no such program
    auto* worker = new RunWorker<Session>(info.Env(), std::move(session), program, info[2]);
    auto promise = worker->promise();
    worker->Queue();
    return promise;
  });
}

Napi::Value sessionBytes(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), static_cast<double>(unwrap<Session>(info[0])->bytes()));
  });
}

Napi::Value closeSession(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    unwrap<Session>(info[0])->close();
    return info.Env().Undefined();
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("createDevice", Napi::Function::New(env, createDevice));
  exports.Set("describeDevice", Napi::Function::New(env, describeDevice));
  exports.Set("selfTest", Napi::Function::New(env, selfTest));
  exports.Set("launched", Napi::Function::New(env, launched));
  exports.Set("createSession", Napi::Function::New(env, createSession));
  exports.Set("loadProgram", Napi::Function::New(env, loadProgram));
  exports.Set("copy", Napi::Function::New(env, copy));
  exports.Set("run", Napi::Function::New(env, run));
  exports.Set("sessionBytes", Napi::Function::New(env, sessionBytes));
  exports.Set("closeSession", Napi::Function::New(env, closeSession));
  return exports;
}

}  // namespace

NODE_API_MODULE(trainyard_gpu, init)
