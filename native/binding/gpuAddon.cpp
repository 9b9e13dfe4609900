// The Node-API face of a GPU, real or emulated: devices, sessions (arenas and programs), asynchronous runs.
#define NAPI_VERSION 8
#include <napi.h>

#include <cstdio>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "../cuda/runtime/session.h"
#include "handles.h"

#if defined(TRAINYARD_PTX)
#include "../cuda/ptx/library.h"
#include "../cuda/runtime/emulated.h"
#endif

namespace {

using trainyard::guarded;
using trainyard::unwrap;
using trainyard::wrap;
using trainyard::gpu::Gpu;
using trainyard::gpu::Session;

Napi::Value countDevices(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value { return Napi::Number::New(info.Env(), Gpu::count()); });
}

std::string textOf(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::string asHex(const trainyard::gpu::BlasAlgorithm& algorithm) {
  std::string text;
  for (const uint64_t part : algorithm) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(part));
    text += digits;
  }
  return text;
}

trainyard::gpu::BlasAlgorithm fromHex(const std::string& text) {
  trainyard::gpu::BlasAlgorithm algorithm{};
  if (text.size() != 16 * algorithm.size()) throw std::invalid_argument("an algorithm has 128 hexadecimal digits");
  for (size_t i = 0; i < algorithm.size(); i++) algorithm[i] = std::stoull(text.substr(16 * i, 16), nullptr, 16);
  return algorithm;
}

trainyard::gpu::ProductChoices choicesOf(const Napi::Value& value) {
  trainyard::gpu::ProductChoices choices;
  if (!value.IsArray()) return choices;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto from = list.Get(i).As<Napi::Object>();
    trainyard::gpu::ProductChoice choice;
    const std::string algorithm = textOf(from, "algorithm");
    choice.usesLibrary = !algorithm.empty();
    if (choice.usesLibrary) choice.algorithm = fromHex(algorithm);
    choice.ownSeconds = from.Get("ownSeconds").ToNumber();
    choice.librarySeconds = from.Get("librarySeconds").ToNumber();
    choices[textOf(from, "product")] = choice;
  }
  return choices;
}

// ({ordinal, tf32, order, memoryBytes, library}); library: null: none is used; absent: where it is usually found.
Napi::Value createDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    const auto from = info[0].As<Napi::Object>();
    trainyard::gpu::GpuOptions options;
    options.ordinal = from.Get("ordinal").ToNumber();
    options.tf32 = from.Get("tf32").ToBoolean();
    if (from.Get("memoryBytes").IsNumber()) options.memoryBytes = from.Get("memoryBytes").ToNumber();
    options.order = textOf(from, "order");
    options.library = textOf(from, "library");
    options.usesLibrary = !from.Get("library").IsNull();
    return wrap(info.Env(), std::make_shared<Gpu>(options));
  });
}

Napi::Value asObject(Napi::Env env, const trainyard::gpu::GpuDescription& d) {
  auto out = Napi::Object::New(env);
  out.Set("name", d.name);
  out.Set("computeCapability", std::to_string(d.major) + "." + std::to_string(d.minor));
  out.Set("processors", d.processors);
  out.Set("boostHertz", static_cast<double>(d.boostHertz));
  out.Set("memoryBytes", static_cast<double>(d.memoryBytes));
  out.Set("freeBytes", static_cast<double>(d.freeBytes));
  out.Set("overheadBytes", static_cast<double>(d.overheadBytes));
  out.Set("driver", d.driver);
  out.Set("library", d.library);
  return out;
}

Napi::Value describeDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value { return asObject(info.Env(), unwrap<Gpu>(info[0])->description()); });
}

// (ordinal): the same of a GPU that is not used.
Napi::Value lookAtDevice(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    return asObject(info.Env(), Gpu::look(info[0].As<Napi::Number>().Int32Value()));
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

// (device): who multiplies what, as far as it is known.
Napi::Value productChoices(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    trainyard::gpu::Products* products = unwrap<Gpu>(info[0])->products();
    auto out = Napi::Array::New(info.Env());
    if (!products) return out;
    const trainyard::gpu::ProductChoices choices = products->choices();
    for (const auto& known : choices) {
      const trainyard::gpu::ProductChoice& choice = known.second;
      auto entry = Napi::Object::New(info.Env());
      entry.Set("product", known.first);
      entry.Set("algorithm", choice.usesLibrary ? asHex(choice.algorithm) : std::string());
      entry.Set("ownSeconds", choice.ownSeconds);
      entry.Set("librarySeconds", choice.librarySeconds);
      out.Set(out.Length(), entry);
    }
    return out;
  });
}

// (device, choices): what productChoices said before, of the same library on the same GPU.
Napi::Value rememberProducts(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    trainyard::gpu::Products* products = unwrap<Gpu>(info[0])->products();
    if (products) products->remember(choicesOf(info[1]));
    return info.Env().Undefined();
  });
}

// (path): the library's version, empty where there is none; path: as `library` of createDevice.
Napi::Value libraryVersion(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const std::string path = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
    std::string version;
    for (const std::string& place : trainyard::gpu::BlasLt::places(path)) {
      const auto library = trainyard::gpu::BlasLt::open(place);
      if (!library) continue;
      version = library->version();
      break;
    }
    return Napi::String::New(info.Env(), version);
  });
}

// (device): bytes of its memory that nobody holds, those of arenas, those set aside, and all that this process holds.
Napi::Value memory(const Napi::CallbackInfo& info) {
  return guarded(info, [&] {
    const auto gpu = unwrap<Gpu>(info[0]);
    auto out = Napi::Object::New(info.Env());
    out.Set("freeBytes", static_cast<double>(gpu->freeBytes()));
    out.Set("arenaBytes", static_cast<double>(gpu->arenaBytes()));
    out.Set("asideBytes", static_cast<double>(gpu->asideBytes()));
    out.Set("processBytes", static_cast<double>(gpu->processBytes()));
    out.Set("allocations", static_cast<double>(gpu->allocations()));
    return out;
  });
}

// (device, bytes, host bytes): held until the device is given up.
Napi::Value reserve(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto gpu = unwrap<Gpu>(info[0]);
    gpu->reserve(static_cast<size_t>(info[1].ToNumber().DoubleValue()), trainyard::gpu::Place::device);
    gpu->reserve(static_cast<size_t>(info[2].ToNumber().DoubleValue()), trainyard::gpu::Place::host);
    return info.Env().Undefined();
  });
}

// (device, bytes): room for what comes with programs, in place of what was set aside before. Whether it was there.
Napi::Value setAside(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto bytes = static_cast<size_t>(info[1].ToNumber().DoubleValue());
    return Napi::Boolean::New(info.Env(), unwrap<Gpu>(info[0])->setAside(bytes));
  });
}

// (device, kernel): what the emulator says of one of its own kernels.
Napi::Value selfTest(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const std::string kernel = info[1].As<Napi::String>().Utf8Value();
    return Napi::String::New(info.Env(), unwrap<Gpu>(info[0])->selfTest(kernel));
  });
}

#if defined(TRAINYARD_PTX)
// (device): what kernels asked of memory since this was last called; before, it is not counted.
Napi::Value traffic(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const auto asObject = [&](const trainyard::ptx::Traffic::Kind& kind) {
      auto out = Napi::Object::New(info.Env());
      out.Set("requests", static_cast<double>(kind.requests));
      out.Set("parts", static_cast<double>(kind.parts));
      out.Set("least", static_cast<double>(kind.least));
      return out;
    };
    auto out = Napi::Object::New(info.Env());
    for (const auto& entry : unwrap<Gpu>(info[0])->implementation().player.traffic()) {
      const trainyard::ptx::Traffic& counted = entry.second;
      auto kernel = Napi::Object::New(info.Env());
      kernel.Set("launches", static_cast<double>(counted.launches));
      kernel.Set("warpInstructions", static_cast<double>(counted.warpInstructions));
      kernel.Set("products", static_cast<double>(counted.products));
      kernel.Set("shared", asObject(counted.shared));
      kernel.Set("global", asObject(counted.global));
      out.Set(entry.first, kernel);
    }
    return out;
  });
}

// Types of the kernels that this process has not run yet.
Napi::Value unusedKernels(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    const std::vector<std::string> names = trainyard::ptx::Library::beside().unused();
    auto out = Napi::Array::New(info.Env(), names.size());
    for (size_t i = 0; i < names.size(); i++) out.Set(static_cast<uint32_t>(i), names[i]);
    return out;
  });
}
#endif

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

// Waits on another thread, for what must be kept alive so long; then settles a promise.
class Ending : public Napi::AsyncWorker {
 public:
  using Wait = std::function<void()>;
  using Finish = std::function<Napi::Value(Napi::Env)>;
  Ending(Napi::Env env, Wait wait, Finish finish)
      : Napi::AsyncWorker(env, "trainyard.gpu"),
        deferred_(Napi::Promise::Deferred::New(env)),
        wait_(std::move(wait)),
        finish_(std::move(finish)) {}

  static Napi::Promise of(Napi::Env env, Wait wait, Finish finish) {
    auto* ending = new Ending(env, std::move(wait), std::move(finish));
    auto promise = ending->deferred_.Promise();
    ending->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    try {
      wait_();
    } catch (const std::exception& e) {
      SetError(e.what());
    }
  }
  void OnOK() override {
    try {
      deferred_.Resolve(finish_(Env()));
    } catch (const std::exception& e) {
      deferred_.Reject(Napi::Error::New(Env(), e.what()).Value());
    }
  }
  void OnError(const Napi::Error& error) override { deferred_.Reject(error.Value()); }

 private:
  Napi::Promise::Deferred deferred_;
  Wait wait_;
  Finish finish_;
};

// (session, program, times): a promise; adds each call's seconds to times when that is a Float64Array. The program takes
// its turn behind those that were started before.
Napi::Value run(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto session = unwrap<Session>(info[0]);
    int program = info[1].As<Napi::Number>().Int32Value();
    const bool timed = info[2].IsTypedArray();
    if (timed && info[2].As<Napi::Float64Array>().ElementLength() < session->calls(program))
      throw std::invalid_argument("the array of times is shorter than the program");
    const auto run = session->start(program, timed);
    auto times = std::make_shared<Napi::Reference<Napi::Float64Array>>();
    if (timed) *times = Napi::Persistent(info[2].As<Napi::Float64Array>());
    return Ending::of(
        info.Env(), [session, run] { run->wait(); },
        [run, times](Napi::Env env) -> Napi::Value {
          run->finish(times->IsEmpty() ? nullptr : times->Value().Data());
          return env.Undefined();
        });
  });
}

// (session, [{arena, offset, bytes}]): a promise of a Uint8Array of them, one behind the other. What is started before is
// done before; what is started later need not be.
Napi::Value fetch(const Napi::CallbackInfo& info) {
  return guarded(info, [&]() -> Napi::Value {
    auto session = unwrap<Session>(info[0]);
    const auto list = info[1].As<Napi::Array>();
    std::vector<trainyard::gpu::Stretch> stretches;
    size_t bytes = 0;
    for (uint32_t i = 0; i < list.Length(); i++) {
      const auto from = list.Get(i).As<Napi::Object>();
      const auto number = [&](const char* name) { return from.Get(name).ToNumber().DoubleValue(); };
      stretches.push_back({static_cast<int>(number("arena")), static_cast<size_t>(number("offset")),
                           static_cast<size_t>(number("bytes"))});
      bytes += stretches.back().bytes;
    }
    const auto fetch = session->fetch(stretches);
    return Ending::of(
        info.Env(), [session, fetch] { fetch->wait(); },
        [fetch, bytes](Napi::Env env) -> Napi::Value {
          auto out = Napi::Uint8Array::New(env, bytes);
          std::memcpy(out.Data(), fetch->data(), bytes);
          return out;
        });
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
  exports.Set("countDevices", Napi::Function::New(env, countDevices));
  exports.Set("createDevice", Napi::Function::New(env, createDevice));
  exports.Set("lookAtDevice", Napi::Function::New(env, lookAtDevice));
  exports.Set("describeDevice", Napi::Function::New(env, describeDevice));
  exports.Set("memory", Napi::Function::New(env, memory));
  exports.Set("productChoices", Napi::Function::New(env, productChoices));
  exports.Set("rememberProducts", Napi::Function::New(env, rememberProducts));
  exports.Set("libraryVersion", Napi::Function::New(env, libraryVersion));
  exports.Set("selfTest", Napi::Function::New(env, selfTest));
  exports.Set("launched", Napi::Function::New(env, launched));
#if defined(TRAINYARD_PTX)
  exports.Set("traffic", Napi::Function::New(env, traffic));
  exports.Set("unusedKernels", Napi::Function::New(env, unusedKernels));
#endif
  exports.Set("reserve", Napi::Function::New(env, reserve));
  exports.Set("setAside", Napi::Function::New(env, setAside));
  exports.Set("createSession", Napi::Function::New(env, createSession));
  exports.Set("loadProgram", Napi::Function::New(env, loadProgram));
  exports.Set("copy", Napi::Function::New(env, copy));
  exports.Set("run", Napi::Function::New(env, run));
  exports.Set("fetch", Napi::Function::New(env, fetch));
  exports.Set("sessionBytes", Napi::Function::New(env, sessionBytes));
  exports.Set("closeSession", Napi::Function::New(env, closeSession));
  return exports;
}

}  // namespace

NODE_API_MODULE(trainyard_gpu, init)
