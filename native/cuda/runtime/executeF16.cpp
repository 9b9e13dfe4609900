#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<trainyard::F16>(const trainyard::Call& call, Gpu& gpu);
