// A library that may be there or not.
#pragma once
#include <string>

#if defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#else
#include <dlfcn.h>
#endif

namespace trainyard {
namespace gpu {

// Open until the process ends.
class Library {
 public:
  // By the first of some names that can be opened.
  template <class Names>
  explicit Library(const Names& names) {
    for (const auto& name : names) {
      if (handle_) break;
#if defined(_WIN32)
      handle_ = reinterpret_cast<void*>(LoadLibraryA(std::string(name).c_str()));
#else
      handle_ = dlopen(std::string(name).c_str(), RTLD_NOW | RTLD_LOCAL);
#endif
    }
  }

  bool isOpen() const { return handle_ != nullptr; }

  // Null when there is no such function.
  template <class Function>
  Function find(const char* name) const {
    if (!handle_) return nullptr;
#if defined(_WIN32)
    return reinterpret_cast<Function>(reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle_), name)));
#else
    return reinterpret_cast<Function>(dlsym(handle_, name));
#endif
  }

 private:
  void* handle_ = nullptr;
};

}  // namespace gpu
}  // namespace trainyard
