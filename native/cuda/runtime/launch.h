// How a kernel is started: included where kernels are launched, by either implementation.
#pragma once
#include "../layer/layer.h"
#include "gpu.h"

#if defined(__CUDACC__)
#include "cuda.h"
#else
#include "emulated.h"
#endif
