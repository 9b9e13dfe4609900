#pragma once
#include <vector>

#include "calls.h"
#include "gpu.h"

namespace trainyard {
namespace gpu {

// Puts the kernels of a call into the stream.
void execute(const Call& call, Gpu& gpu);

// How many calls of a program, from one on, can be put there together; 1: only the one.
size_t fusedCount(const std::vector<Call>& calls, size_t at);
// Puts the kernels of so many calls into the stream, more than one.
void executeFused(const Call* calls, size_t count, Gpu& gpu);

// The same of calls over numbers of type T; one source for each, for they take long to compile.
template <class T>
void executeReal(const Call& call, Gpu& gpu);
template <class T>
void executeFusedReal(const Call* calls, size_t count, Gpu& gpu);

}  // namespace gpu
}  // namespace trainyard
