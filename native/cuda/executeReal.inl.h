// Calls over numbers of type T: all files of ops/ that launch their kernels are included by the build.
#include <vector>

#include "cudaOps.h"
#include "execute.h"

namespace trainyard {
namespace gpu {

#include "dispatch.inl.h"
#include "together.inl.h"

template <class T>
void executeReal(const Call& call, Gpu& gpu) {
  runReal<T>(call, gpu);
}

template <class T>
void executeFusedReal(const Call* calls, size_t count, Gpu& gpu) {
  runFusedReal<T>(calls, count, gpu);
}

}  // namespace gpu
}  // namespace trainyard
