// The kernels that nvcc has compiled: PTX files that lie in a folder.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

#include "kernel.h"

namespace trainyard {
namespace ptx {

struct Loaded {
  const Module* module;
  Kernel kernel;
};

class Library {
 public:
  // The files beside the addon that this is part of. Read once, when it is first asked for; throws TextError.
  static Library& beside();

  // The entry that is `entry<Kernel>`, of a kernel's type. `name` is what messages call it. Throws TextError.
  const Loaded& find(const std::type_info& kernel, const char* name);
  // Types of kernels that nobody has asked for yet.
  std::vector<std::string> unused() const;

 private:
  explicit Library(const std::string& folder);

  struct Place {
    const Module* module;
    std::string entry;
    bool isUsed = false;
  };
  std::vector<std::unique_ptr<Module>> modules_;
  std::map<std::string, Place> places_;  // by the kernel's type
  std::map<std::string, std::unique_ptr<Loaded>> loaded_;
};

}  // namespace ptx
}  // namespace trainyard
