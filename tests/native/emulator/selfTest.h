#pragma once
#include <string>

namespace trainyard {
namespace gpu {

class Block;

// What the emulator says of a kernel: nothing where it finds no mistake.
std::string selfTest(const std::string& name, Block& block);

}  // namespace gpu
}  // namespace trainyard
