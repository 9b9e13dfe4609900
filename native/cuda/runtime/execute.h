#pragma once
#include "calls.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

// Puts the kernels of a call into the stream.
void execute(const Call& call, Gpu& gpu);

// The same of a call over numbers of type T; one source for each, for they take long to compile.
template <class T>
void executeReal(const Call& call, Gpu& gpu);

}  // namespace gpu
}  // namespace trainyard
