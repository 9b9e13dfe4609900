// The Node-API face of the CPU device: devices, sessions (arenas and programs), asynchronous runs.
#define NAPI_VERSION 8
#include <napi.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "../cpu/memory.h"
#include "../cpu/session.h"

namespace {

using trainyard::Device;
using trainyard::Session;

// Objects live as long as JavaScript or a running job refers to them.
template <class T>
struct Handle {
  std::shared_ptr<T> object;
};

template <class T>
Napi::Value wrap(Napi::Env env, std::shared_ptr<T> object) {
  return Napi::External<Handle<T>>::New(env, new Handle<T>{std::move(object)},
                                        [](Napi::Env, Handle<T>* h) { delete h; });
}

template <class T>
std::shared_ptr<T> unwrap(const Napi::Value& value) {
  if (!value.IsExternal()) throw Napi::TypeError::New(value.Env(), "expected a native handle");
  return value.As<Napi::External<Handle<T>>>().Data()->object;
}

// Runs `body`, turning C++ exceptions into JavaScript ones.
template <class Body>
Napi::Value guarded(const Napi::CallbackInfo& info, Body body) {
  try {
    return body();
  } catch (const Napi::Error&) {
    throw;
  } catch (const std::exception& e) {
    throw Napi::Error::New(info.Env(), e.what());
  }
}

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

class RunWorker : public Napi::AsyncWorker {
 public:
  RunWorker(Napi::Env env, std::shared_ptr<Session> session, int program, Napi::Value times)
      : Napi::AsyncWorker(env, "trainyard.run"),
        deferred_(Napi::Promise::Deferred::New(env)),
        session_(std::move(session)),
        program_(program) {
    if (times.IsTypedArray()) {
      auto array = times.As<Napi::Float64Array>();
      if (array.ElementLength() < session_->calls(program)) {
        throw std::invalid_argument("the array of times is shorter than the program");
      }
      times_ = array.Data();
      keepAlive_ = Napi::Persistent(times);
    }
  }

  Napi::Promise promise() const { return deferred_.Promise(); }

 protected:
  void Execute() override {
    try {
      session_->run(program_, times_);
    } catch (const std::exception& e) {
      SetError(e.what());
    }
  }
  void OnOK() override { deferred_.Resolve(Env().Undefined()); }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  std::shared_ptr<Session> session_;
  int program_;
  double* times_ = nullptr;
  Napi::Reference<Napi::Value> keepAlive_;
};

// (session, program, times): a promise; adds each call's seconds to times when that is a Float64Array.
Napi::Value run(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto session = unwrap<Session>(info[0]);
    int program = info[1].As<Napi::Number>().Int32Value();
    session->calls(program);  // throws when there is no such program
    auto* worker = new RunWorker(info.Env(), std::move(session), program, info[2]);
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
