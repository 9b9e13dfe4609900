#pragma once
#include "calls.h"
#include "kernels.h"
#include "pool.h"

namespace trainyard {

// Runs one call to its end on all threads of the pool.
void execute(const Call& call, Pool& pool, const KernelTable& kernels);

}  // namespace trainyard
