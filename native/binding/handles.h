// What the faces of the devices share: handles of native objects, exceptions, runs that do not block JavaScript.
#pragma once
#include <napi.h>

#include <memory>
#include <stdexcept>
#include <utility>

namespace trainyard {

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

template <class Session>
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

}  // namespace trainyard
