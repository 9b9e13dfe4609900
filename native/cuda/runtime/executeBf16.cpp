#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<trainyard::Bf16>(const trainyard::Call& call, Gpu& gpu);
template void trainyard::gpu::castTogether<trainyard::Bf16>(const trainyard::Call*, size_t, trainyard::gpu::Gpu&);
