#include "executeReal.inl.h"

template void trainyard::gpu::executeReal<trainyard::Bf16>(const trainyard::Call& call, Gpu& gpu);
