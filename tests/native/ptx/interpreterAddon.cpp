// The Node-API face of the interpreter of PTX by itself, for kernels that are given as text.
#define NAPI_VERSION 8
#include <napi.h>

#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "decode.h"
#include "interpreter.h"
#include "node/binding.h"

namespace {

using namespace trainyard::ptx;

Turns turnsOf(const std::string& order) {
  if (order == "forward") return Turns::forward;
  if (order == "reverse") return Turns::reverse;
  if (order == "random") return Turns::random;
  if (order == "warpAhead") return Turns::warpAhead;
  throw std::invalid_argument("there is no order of threads '" + order + "'");
}

// The memory of one argument, aligned as a GPU's is.
struct Buffer {
  static constexpr std::align_val_t kAlignment{256};
  explicit Buffer(size_t size) : at(static_cast<uint8_t*>(::operator new(size, kAlignment))), bytes(size) {}
  ~Buffer() { ::operator delete(at, kAlignment); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  uint8_t* at;
  size_t bytes;
};

// (text, {blocks, blocksY, threads, sharedBytes, order, seed}, buffers): runs the first entry of a PTX text, whose
// parameters are pointers to the buffers, one behind the other; what it writes into them is there afterwards. Returns how
// many instructions lanes did, each for itself. Throws what is wrong with the kernel.
Napi::Value interpret(const Napi::CallbackInfo& info) {
  const Module module(info[0].As<Napi::String>().Utf8Value());
  if (module.entries().empty()) throw TextError("the PTX has no entry");
  const Kernel kernel = decode(module, module.entry(module.entries().front()));
  const auto from = info[1].As<Napi::Object>();
  Interpreter interpreter(turnsOf(from.Get("order").As<Napi::String>().Utf8Value()),
                          static_cast<uint64_t>(from.Get("seed").ToNumber().Int64Value()));
  const auto list = info[2].As<Napi::Array>();
  std::vector<std::unique_ptr<Buffer>> buffers;
  std::vector<uint64_t> pointers;
  const auto bytesOf = [&](uint32_t i) {
    const auto array = list.Get(i).As<Napi::TypedArray>();
    return static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  };
  for (uint32_t i = 0; i < list.Length(); i++) {
    buffers.push_back(std::make_unique<Buffer>(list.Get(i).As<Napi::TypedArray>().ByteLength()));
    std::memcpy(buffers.back()->at, bytesOf(i), buffers.back()->bytes);
    interpreter.memory().add(buffers.back()->at, buffers.back()->bytes);
    pointers.push_back(reinterpret_cast<uint64_t>(buffers.back()->at));
  }
  Launch launch;
  launch.blocks = from.Get("blocks").ToNumber().Int64Value();
  launch.blocksY = from.Get("blocksY").ToNumber().Int64Value();
  launch.threads = from.Get("threads").ToNumber().Int32Value();
  launch.sharedBytes = static_cast<size_t>(from.Get("sharedBytes").ToNumber().Int64Value());
  launch.parameters = pointers.data();
  launch.parameterBytes = pointers.size() * sizeof(uint64_t);
  interpreter.run(kernel, module, launch);
  for (uint32_t i = 0; i < list.Length(); i++) std::memcpy(bytesOf(i), buffers[i]->at, buffers[i]->bytes);
  return Napi::Number::New(info.Env(), static_cast<double>(interpreter.laneInstructions()));
}

Napi::Object init(Napi::Env, Napi::Object exports) {
  trainyard::expose(exports, "interpret", interpret);
  return exports;
}

}  // namespace

NODE_API_MODULE(trainyard_interpreter, init)
