#define NAPI_VERSION 8
#include "cuda.h"

using trainyard::exportGpus;
NODE_API_MODULE(trainyard_cuda, exportGpus)
