// From statements to instructions.
#pragma once
#include "kernel.h"

namespace trainyard {
namespace ptx {

// Throws TextError, which names an opcode that is not known.
Kernel decode(const Module& module, const Entry& entry);

}  // namespace ptx
}  // namespace trainyard
