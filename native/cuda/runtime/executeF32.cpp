#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<float>(const trainyard::Call& call, Gpu& gpu);
template void trainyard::gpu::castTogether<float>(const trainyard::Call*, size_t, trainyard::gpu::Gpu&);
