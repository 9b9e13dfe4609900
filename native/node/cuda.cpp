// See cuda.h.
#define NAPI_VERSION 8
#include "cuda.h"

#include <cstdio>
#include <cstring>

#include "../cuda/session.h"
#include "binding.h"

namespace trainyard {
namespace {

using gpu::Gpu;
using gpu::Session;

std::string textOf(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

std::string asHex(const gpu::BlasAlgorithm& algorithm) {
  std::string text;
  for (const uint64_t part : algorithm) {
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(part));
    text += digits;
  }
  return text;
}

gpu::BlasAlgorithm fromHex(const std::string& text) {
  gpu::BlasAlgorithm algorithm{};
  if (text.size() != 16 * algorithm.size()) throw std::invalid_argument("an algorithm has 128 hexadecimal digits");
  for (size_t i = 0; i < algorithm.size(); i++) algorithm[i] = std::stoull(text.substr(16 * i, 16), nullptr, 16);
  return algorithm;
}

gpu::ProductChoices choicesOf(const Napi::Value& value) {
  gpu::ProductChoices choices;
  if (!value.IsArray()) return choices;
  const auto list = value.As<Napi::Array>();
  for (uint32_t i = 0; i < list.Length(); i++) {
    const auto from = list.Get(i).As<Napi::Object>();
    gpu::ProductChoice choice;
    const std::string algorithm = textOf(from, "algorithm");
    choice.usesLibrary = !algorithm.empty();
    if (choice.usesLibrary) choice.algorithm = fromHex(algorithm);
    choice.ownSeconds = from.Get("ownSeconds").ToNumber();
    choice.librarySeconds = from.Get("librarySeconds").ToNumber();
    choices[textOf(from, "product")] = choice;
  }
  return choices;
}

Napi::Value asObject(Napi::Env env, const gpu::GpuDescription& d) {
  return Fields(env)
      .set("name", d.name)
      .set("computeCapability", std::to_string(d.major) + "." + std::to_string(d.minor))
      .set("processors", d.processors)
      .set("boostHertz", d.boostHertz)
      .set("memoryBytes", d.memoryBytes)
      .set("freeBytes", d.freeBytes)
      .set("overheadBytes", d.overheadBytes)
      .set("driver", d.driver)
      .set("library", d.library);
}

void exposeDevices(Napi::Object exports) {
  expose(exports, "countDevices", [](const Napi::CallbackInfo& info) -> Napi::Value {
    return Napi::Number::New(info.Env(), Gpu::count());
  });

  // ({ordinal, tf32, library}); library: null: none is used; absent: where it is usually found.
  expose(exports, "createDevice", [](const Napi::CallbackInfo& info) {
    const auto from = info[0].As<Napi::Object>();
    gpu::GpuOptions options;
    options.ordinal = from.Get("ordinal").ToNumber();
    options.tf32 = from.Get("tf32").ToBoolean();
    options.library = textOf(from, "library");
    options.usesLibrary = !from.Get("library").IsNull();
    return wrap(info.Env(), std::make_shared<Gpu>(options));
  });

  expose(exports, "describeDevice", [](const Napi::CallbackInfo& info) {
    return asObject(info.Env(), unwrap<Gpu>(info[0])->description());
  });

  // (ordinal): the same of a GPU that is not used.
  expose(exports, "lookAtDevice", [](const Napi::CallbackInfo& info) {
    return asObject(info.Env(), Gpu::look(info[0].As<Napi::Number>().Int32Value()));
  });
}

// Who multiplies what.
void exposeProducts(Napi::Object exports) {
  // (device): as far as it is known.
  expose(exports, "productChoices", [](const Napi::CallbackInfo& info) -> Napi::Value {
    gpu::Products* products = unwrap<Gpu>(info[0])->products();
    auto out = Napi::Array::New(info.Env());
    if (!products) return out;
    for (const auto& known : products->choices()) {
      const gpu::ProductChoice& choice = known.second;
      const Napi::Value entry = Fields(info.Env())
                                    .set("product", known.first)
                                    .set("algorithm", choice.usesLibrary ? asHex(choice.algorithm) : std::string())
                                    .set("ownSeconds", choice.ownSeconds)
                                    .set("librarySeconds", choice.librarySeconds);
      out.Set(out.Length(), entry);
    }
    return out;
  });

  // (device, choices): what productChoices said before, of the same library on the same GPU.
  expose(exports, "rememberProducts", [](const Napi::CallbackInfo& info) {
    gpu::Products* products = unwrap<Gpu>(info[0])->products();
    if (products) products->remember(choicesOf(info[1]));
  });

  // (path): the library's version, empty where there is none; path: as `library` of createDevice.
  expose(exports, "libraryVersion", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const std::string path = info[0].IsString() ? info[0].As<Napi::String>().Utf8Value() : std::string();
    std::string version;
    for (const std::string& place : gpu::BlasLt::places(path)) {
      const auto library = gpu::BlasLt::open(place);
      if (!library) continue;
      version = library->version();
      break;
    }
    return Napi::String::New(info.Env(), version);
  });
}

void exposeMemory(Napi::Object exports) {
  // (device): bytes of its memory that nobody holds, those of arenas, those set aside, and all that this process holds.
  expose(exports, "memory", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const auto gpu = unwrap<Gpu>(info[0]);
    return Fields(info.Env())
        .set("freeBytes", gpu->freeBytes())
        .set("arenaBytes", gpu->arenaBytes())
        .set("moduleReserveBytes", gpu->moduleReserveBytes())
        .set("processBytes", gpu->processBytes())
        .set("allocations", gpu->allocations());
  });

  // (device, bytes, host bytes): held until the device is given up.
  expose(exports, "reserve", [](const Napi::CallbackInfo& info) {
    const auto gpu = unwrap<Gpu>(info[0]);
    gpu->reserve(static_cast<size_t>(info[1].ToNumber().DoubleValue()), gpu::Place::device);
    gpu->reserve(static_cast<size_t>(info[2].ToNumber().DoubleValue()), gpu::Place::host);
  });

  // (device, bytes): room for what comes with programs, in place of what was set aside before. Whether it was there.
  expose(exports, "setModuleReserve", [](const Napi::CallbackInfo& info) -> Napi::Value {
    const auto bytes = static_cast<size_t>(info[1].ToNumber().DoubleValue());
    return Napi::Boolean::New(info.Env(), unwrap<Gpu>(info[0])->setModuleReserve(bytes));
  });
}

void exposeFigures(Napi::Object exports) {
  // (device): a promise of what the driver tells of it; what it does not tell is absent.
  expose(exports, "figures", [](const Napi::CallbackInfo& info) {
    const auto gpu = unwrap<Gpu>(info[0]);
    const auto figures = std::make_shared<gpu::GpuFigures>();
    return Work::start(
        info.Env(), [gpu, figures] { *figures = gpu->figures(); },
        [figures](Napi::Env env) -> Napi::Value {
          Fields fields(env);
          const auto report = [&fields](const char* name, const std::optional<double>& value) {
            if (value) fields.set(name, *value);
          };
          report("utilization", figures->utilization);
          report("temperature", figures->celsius);
          report("power", figures->watts);
          report("memoryBytes", figures->memoryBytes);
          return fields;
        });
  });
}

void exposeFetch(Napi::Object exports) {
  // (session, [{arena, offset, bytes}]): a promise of a Uint8Array of them, one behind the other. What is started before
  // is done before; what is started later need not be.
  expose(exports, "fetch", [](const Napi::CallbackInfo& info) {
    const auto session = unwrap<Session>(info[0]);
    const auto list = info[1].As<Napi::Array>();
    std::vector<Range> ranges;
    size_t bytes = 0;
    for (uint32_t i = 0; i < list.Length(); i++) {
      const auto from = list.Get(i).As<Napi::Object>();
      const auto number = [&](const char* name) { return from.Get(name).ToNumber().DoubleValue(); };
      ranges.push_back({static_cast<int>(number("arena")), static_cast<size_t>(number("offset")),
                        static_cast<size_t>(number("bytes"))});
      bytes += ranges.back().bytes;
    }
    const auto fetch = session->fetch(ranges);
    return Work::start(
        info.Env(), [session, fetch] { fetch->wait(); },
        [fetch, bytes](Napi::Env env) -> Napi::Value {
          auto out = Napi::Uint8Array::New(env, bytes);
          std::memcpy(out.Data(), fetch->data(), bytes);
          return out;
        });
  });
}

}  // namespace

Napi::Object exportGpus(Napi::Env, Napi::Object exports) {
  exposeDevices(exports);
  exposeProducts(exports);
  exposeMemory(exports);
  exposeFigures(exports);
  exposeSessions<Gpu, Session>(exports);
  exposeFetch(exports);
  return exports;
}

}  // namespace trainyard
