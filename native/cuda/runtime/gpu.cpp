#include "gpu.h"

namespace trainyard {
namespace gpu {

// What every kernel may count on besides its arguments.
void Gpu::prepare() {
  const QuantisationMap* maps[4] = {&signedMap8(), &unsignedMap8(), &signedMap4(), &unsignedMap4()};
  auto* at = static_cast<QuantisationMap*>(allocate(4 * sizeof(QuantisationMap), Place::device));
  mapMemory_ = at;
  for (int i = 0; i < 4; i++) copy(at + i, maps[i], sizeof(QuantisationMap));
  maps_ = {at, at + 1, at + 2, at + 3};
  faults_ = static_cast<int32_t*>(allocate(sizeof(int32_t), Place::device));
}

}  // namespace gpu
}  // namespace trainyard
