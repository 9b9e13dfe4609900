// See native/cuda/gpu.h.
#pragma once
#include "../gpu.h"
