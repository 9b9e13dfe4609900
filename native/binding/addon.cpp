// The Node-API face of the CPU device: devices, sessions (arenas and programs), asynchronous runs.
#define NAPI_VERSION 8
#include <napi.h>

#include <memory>
#include <string>

#include "../cpu/memory.h"
#include "../cpu/session.h"
#include "handles.h"

namespace {

using trainyard::Device;
using trainyard::guarded;
using trainyard::RunWorker;
using trainyard::Session;
using trainyard::unwrap;
using trainyard::wrap;

Napi::Value createDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    int threads = info[0].As<Napi::Number>().Int32Value();
    std::string isa = info[1].IsString() ? info[1].As<Napi::String>().Utf8Value() : std::string();
    return wrap(info.Env(), std::make_shared<Device>(threads, isa));
  });
}

Napi::Value describeDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto device = unwrap<Device>(info[0]);
    auto out = Napi::Object::New(info.Env());
    out.Set("isa", device->isa());
    out.Set("threads", device->pool().threads());
    out.Set("scratchBytes", static_cast<double>(device->pool().scratchBytes()));
    return out;
  });
}

Napi::Value createSession(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    auto bytes = info[1].As<Napi::Float64Array>();
    std::vector<size_t> arenas(bytes.Data(), bytes.Data() + bytes.ElementLength());
    return wrap(info.Env(), std::make_shared<Session>(unwrap<Device>(info[0]), arenas));
  });
}

Napi::Value loadProgram(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto code = info[1].As<Napi::Float64Array>();
    int index = unwrap<Session>(info[0])->load(code.Data(), code.ElementLength());
    return Napi::Number::New(info.Env(), index);
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

// Bytes that the session's arenas really occupy.
Napi::Value sessionBytes(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    return Napi::Number::New(info.Env(), static_cast<double>(unwrap<Session>(info[0])->bytes()));
  });
}

// Frees the arenas at once, without waiting for the garbage collector.
Napi::Value closeSession(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    unwrap<Session>(info[0])->close();
    return info.Env().Undefined();
  });
}

Napi::Value memory(const Napi::CallbackInfo& info) {
  auto stats = trainyard::memoryStats();
  auto out = Napi::Object::New(info.Env());
  out.Set("allocations", static_cast<double>(stats.allocations));
  out.Set("liveBytes", static_cast<double>(stats.liveBytes));
  return out;
}

// (device): the measured FMA peak of one core and of all threads, in FLOP/s.
Napi::Value fmaPeak(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto peak = unwrap<Device>(info[0])->fmaPeak();
    auto out = Napi::Object::New(info.Env());
    out.Set("oneCore", peak.oneCore);
    out.Set("allThreads", peak.allThreads);
    return out;
  });
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("createDevice", Napi::Function::New(env, createDevice));
  exports.Set("describeDevice", Napi::Function::New(env, describeDevice));
  exports.Set("createSession", Napi::Function::New(env, createSession));
  exports.Set("loadProgram", Napi::Function::New(env, loadProgram));
  exports.Set("copy", Napi::Function::New(env, copy));
  exports.Set("run", Napi::Function::New(env, run));
  exports.Set("sessionBytes", Napi::Function::New(env, sessionBytes));
  exports.Set("closeSession", Napi::Function::New(env, closeSession));
  exports.Set("memory", Napi::Function::New(env, memory));
  exports.Set("fmaPeak", Napi::Function::New(env, fmaPeak));
  return exports;
}

}  // namespace

NODE_API_MODULE(trainyard_cpu, init)
