// See native/cuda/layer/layer.h.
#pragma once
#include "../emulated.h"
