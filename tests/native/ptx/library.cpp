#include "library.h"

#include <cxxabi.h>
#include <dirent.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "decode.h"

namespace trainyard {
namespace ptx {
namespace {

// As a compiler writes it in messages, without spaces.
std::string demangled(const char* name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = status == 0 ? text : name;
  std::free(text);
  out.erase(std::remove(out.begin(), out.end(), ' '), out.end());
  return out;
}

std::string withoutNamespaces(std::string name) {
  for (const std::string space : {"trainyard::", "gpu::"})
    for (size_t at; (at = name.find(space)) != std::string::npos;) name.erase(at, space.size());
  return name;
}

std::string ownFolder() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<const void*>(&ownFolder), &info) || !info.dli_fname) return ".";
  const std::string file = info.dli_fname;
  const size_t slash = file.rfind('/');
  return slash == std::string::npos ? "." : file.substr(0, slash);
}

std::vector<std::string> ptxFiles(const std::string& folder) {
  std::vector<std::string> out;
  DIR* const opened = opendir(folder.c_str());
  if (!opened) return out;
  while (const dirent* entry = readdir(opened)) {
    const std::string name = entry->d_name;
    if (name.size() > 4 && name.compare(name.size() - 4, 4, ".ptx") == 0) out.push_back(folder + "/" + name);
  }
  closedir(opened);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Library& Library::beside() {
  static Library library(ownFolder());
  return library;
}

Library::Library(const std::string& folder) {
  for (const std::string& file : ptxFiles(folder)) {
    std::ifstream stream(file, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    modules_.push_back(std::make_unique<Module>(text.str()));
    for (const std::string& entry : modules_.back()->entries()) {
      // `voidtrainyard::gpu::entry<Kernel>(Kernel::Args)`
      const std::string whole = demangled(entry.c_str()), begin = "::entry<", end = ">(";
      const size_t from = whole.find(begin), to = whole.find(end, from);
      if (from == std::string::npos || to == std::string::npos) continue;
      places_[whole.substr(from + begin.size(), to - from - begin.size())] = {modules_.back().get(), entry, false};
    }
  }
  if (modules_.empty()) throw TextError("there is no PTX in " + folder + ": run `npm run build:emulated`");
}

const Loaded& Library::find(const std::type_info& type, const char* name) {
  std::unique_ptr<Loaded>& loaded = loaded_[type.name()];
  if (loaded) return *loaded;
  const std::string kernel = demangled(type.name());
  const auto place = places_.find(kernel);
  if (place == places_.end()) throw TextError("no PTX was compiled of " + kernel);
  place->second.isUsed = true;
  auto made = std::make_unique<Loaded>();
  made->module = place->second.module;
  made->kernel = decode(*made->module, made->module->entry(place->second.entry));
  made->kernel.name = name;
  made->kernel.type = withoutNamespaces(kernel);
  loaded = std::move(made);
  return *loaded;
}

std::vector<std::string> Library::unused() const {
  std::vector<std::string> out;
  for (const auto& place : places_)
    if (!place.second.isUsed) out.push_back(place.first);
  return out;
}

}  // namespace ptx
}  // namespace trainyard
