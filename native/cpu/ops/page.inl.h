// Moments that are paged. This device's memory is the host's: a page is a plain copy.
#pragma once
#include <cstring>

#include "../pool.h"

namespace trainyard {
namespace TY_ISA {

static void copyPage(void* to, const void* from, int64_t elements, size_t size) {
  std::memcpy(to, from, static_cast<size_t>(elements) * size);
}

static void run(const PageInCall& c, Pool&) {
  copyPage(c.mCodes, c.hostMCodes, c.elements, 1);
  copyPage(c.mScale, c.hostMScale, c.blocks, sizeof(float));
  copyPage(c.vCodes, c.hostVCodes, c.elements, 1);
  copyPage(c.vScale, c.hostVScale, c.blocks, sizeof(float));
}

static void run(const PageOutCall& c, Pool&) {
  copyPage(c.hostMCodes, c.mCodes, c.elements, 1);
  copyPage(c.hostMScale, c.mScale, c.blocks, sizeof(float));
  copyPage(c.hostVCodes, c.vCodes, c.elements, 1);
  copyPage(c.hostVScale, c.vScale, c.blocks, sizeof(float));
}

}  // namespace TY_ISA
}  // namespace trainyard
