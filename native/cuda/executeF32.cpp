#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<float>(const trainyard::Call&, trainyard::gpu::Gpu&);
template void trainyard::gpu::executeFusedReal<float>(const trainyard::Call*, size_t, trainyard::gpu::Gpu&);
