#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<float>(const trainyard::Call& call, Gpu& gpu);
