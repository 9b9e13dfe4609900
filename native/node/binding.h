// What the Node-API faces of all devices share: handles of native objects, failures, work that does not block JavaScript,
// and all that is done with sessions.
#pragma once
#include <napi.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../common/arenas.h"
#include "../common/failure.h"

namespace trainyard {

// Objects live as long as JavaScript or running work refers to them.
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

// An object of numbers, texts and values, field by field.
class Fields {
 public:
  explicit Fields(Napi::Env env) : object_(Napi::Object::New(env)) {}
  Fields& set(const char* name, const std::string& text) { return put(name, Napi::String::New(env(), text)); }
  Fields& set(const char* name, const char* text) { return put(name, Napi::String::New(env(), text)); }
  template <class Number>
  Fields& set(const char* name, Number number) {
    return put(name, Napi::Number::New(env(), static_cast<double>(number)));
  }
  Fields& put(const char* name, const Napi::Value& value) {
    object_.Set(name, value);
    return *this;
  }
  operator Napi::Value() const { return object_; }
  const Napi::Object& object() const { return object_; }

 private:
  Napi::Env env() const { return object_.Env(); }
  Napi::Object object_;
};

// A JavaScript error of what was thrown: of a Failure its code and arguments, of anything else what it says.
inline Napi::Error errorOf(Napi::Env env, const std::exception& thrown) {
  Napi::Error error = Napi::Error::New(env, thrown.what());
  const auto* failure = dynamic_cast<const Failure*>(&thrown);
  if (!failure) return error;
  Fields args(env);
  for (const auto& arg : failure->args()) {
    std::visit([&](const auto& value) { args.set(arg.first.c_str(), value); }, arg.second);
  }
  error.Value().Set("code", nameOf(failure->code()));
  error.Value().Set("args", args.object());
  return error;
}

// Exports a function, whose C++ exceptions become JavaScript ones. Body: of a CallbackInfo, to a value or to nothing.
template <class Body>
void expose(Napi::Object exports, const char* name, Body body) {
  exports.Set(name, Napi::Function::New(exports.Env(), [body](const Napi::CallbackInfo& info) -> Napi::Value {
    try {
      if constexpr (std::is_void<decltype(body(info))>::value) {
        body(info);
        return info.Env().Undefined();
      } else {
        return body(info);
      }
    } catch (const Napi::Error&) {
      throw;
    } catch (const std::exception& e) {
      throw errorOf(info.Env(), e);
    }
  }));
}

// Waits on another thread, for what must be kept alive so long; then settles a promise.
class Work : public Napi::AsyncWorker {
 public:
  using Wait = std::function<void()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;

  static Napi::Value start(Napi::Env env, Wait wait, Finish finish) {
    auto* work = new Work(env, std::move(wait), std::move(finish));
    auto promise = work->deferred_.Promise();
    work->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      wait_();
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }
  void OnOK() override {
    settle([&] {
      Napi::Value value;
      try {
        if (thrown_) std::rethrow_exception(thrown_);
        value = finish_(Env());
      } catch (const Napi::Error& e) {
        deferred_.Reject(e.Value());
        return;
      } catch (const std::exception& e) {
        deferred_.Reject(errorOf(Env(), e).Value());
        return;
      }
      deferred_.Resolve(value);
    });
  }
  void OnError(const Napi::Error& error) override {
    settle([&] { deferred_.Reject(error.Value()); });
  }

 private:
  // Where the thread that awaits this is being ended, nothing can be told to it any more, and no error either.
  template <class Body>
  static void settle(Body body) {
    try {
      body();
    } catch (const Napi::Error&) {
    }
  }

  Work(Napi::Env env, Wait wait, Finish finish)
      : Napi::AsyncWorker(env, "trainyard"),
        deferred_(Napi::Promise::Deferred::New(env)),
        wait_(std::move(wait)),
        finish_(std::move(finish)) {}

  Napi::Promise::Deferred deferred_;
  Wait wait_;
  Finish finish_;
  std::exception_ptr thrown_;
};

// What is done with a device's sessions, which all have these functions: see electron/engine/devices/native/session.ts.
template <class Device, class Session>
void exposeSessions(Napi::Object exports) {
  // (device, bytes of each arena, the arena in the host's memory or -1)
  expose(exports, "createSession", [](const Napi::CallbackInfo& info) {
    const auto bytes = info[1].As<Napi::Float64Array>();
    const std::vector<size_t> arenas(bytes.Data(), bytes.Data() + bytes.ElementLength());
    const int hostArena = info[2].As<Napi::Number>().Int32Value();
    return wrap(info.Env(), std::make_shared<Session>(unwrap<Device>(info[0]), arenas, hostArena));
  });

  expose(exports, "loadProgram", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const auto code = info[1].As<Napi::Float64Array>();
    return Napi::Number::New(info.Env(), unwrap<Session>(info[0])->load(code.Data(), code.ElementLength()));
  });

  // (session, arena, offset, array, toDevice): copies between an arena and a typed array.
  expose(exports, "copy", [](const Napi::CallbackInfo& info) {
    const int arena = info[1].As<Napi::Number>().Int32Value();
    const auto offset = static_cast<size_t>(info[2].As<Napi::Number>().DoubleValue());
    const auto array = info[3].As<Napi::TypedArray>();
    auto* host = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
    unwrap<Session>(info[0])->copy(Range{arena, offset, array.ByteLength()}, host, info[4].ToBoolean());
  });

  // (session, program, times): a promise; adds each call's seconds to times when that is a Float64Array.
  expose(exports, "run", [](const Napi::CallbackInfo& info) {
    const auto session = unwrap<Session>(info[0]);
    const int program = info[1].As<Napi::Number>().Int32Value();
    const bool timed = info[2].IsTypedArray();
    const size_t calls = session->calls(program);
    if (timed && info[2].As<Napi::Float64Array>().ElementLength() < calls)
      throw std::invalid_argument("the array of times is shorter than the program");
    const auto run = session->start(program, timed);
    const auto times = std::make_shared<Napi::Reference<Napi::Float64Array>>();
    if (timed) *times = Napi::Persistent(info[2].As<Napi::Float64Array>());
    return Work::start(
        info.Env(), [session, run] { run->wait(); },
        [run, times](Napi::Env env) {
          run->finish(times->IsEmpty() ? nullptr : times->Value().Data());
          return env.Undefined();
        });
  });

  // Bytes that the session's arenas really occupy.
  expose(exports, "sessionBytes", [](const Napi::CallbackInfo& info) -> Napi::Value {
    return Napi::Number::New(info.Env(), static_cast<double>(unwrap<Session>(info[0])->bytes()));
  });

  // Frees the arenas at once, without waiting for the garbage collector.
  expose(exports, "closeSession", [](const Napi::CallbackInfo& info) { unwrap<Session>(info[0])->close(); });
}

}  // namespace trainyard
