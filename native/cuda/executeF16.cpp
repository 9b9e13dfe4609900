#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<trainyard::F16>(const trainyard::Call&, trainyard::gpu::Gpu&);
template void trainyard::gpu::executeFusedReal<trainyard::F16>(const trainyard::Call*, size_t, trainyard::gpu::Gpu&);
