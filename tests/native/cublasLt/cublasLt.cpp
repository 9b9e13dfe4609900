// A library that stands in for cuBLASLt where there is none: it multiplies on the host, by what NVIDIA's documentation says
// of its functions, and refuses what that says is refused. Matrices are stored by columns.
#define _USE_MATH_DEFINES
#include <cmath>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "../emulator/emulated.h"
#include "../exported.h"

namespace {

enum Status { kSuccess = 0, kInvalidValue = 7, kNotSupported = 15 };
enum Type : int32_t { kFloat = 0, kHalf = 2, kBfloat = 14 };

struct Layout {
  int32_t type;
  uint64_t rows, columns;
  int64_t ld;
};

struct Desc {
  int32_t computeType, scaleType;
  int32_t transposeA = 0, transposeB = 0;
  uint32_t epilogue = 1;
  const void* bias = nullptr;
  void* aux = nullptr;
  int64_t auxLd = 0;
};

struct Preference {
  uint64_t workspaceBytes = 0;
  uint32_t reductions = ~0u;
  uint32_t alignment[4] = {256, 256, 256, 256};
};

struct Algorithm {
  uint64_t data[8];
};

struct Heuristic {
  Algorithm algorithm;
  size_t workspaceBytes;
  int32_t state;
  float waves;
  int32_t reserved[4];
};

constexpr uint64_t kOurs = 0x7374616e64696e21, kGood = 2;
constexpr uint32_t kBias = 4, kGelu = 32, kDerivative = 64, kAux = 128;

double read(const void* at, int32_t type, int64_t i) {
  if (type == kFloat) return static_cast<const float*>(at)[i];
  if (type == kHalf) return trainyard::gpu::toFloat(static_cast<const trainyard::F16*>(at)[i]);
  return trainyard::gpu::toFloat(static_cast<const trainyard::Bf16*>(at)[i]);
}

void write(void* at, int32_t type, int64_t i, double value) {
  const auto x = static_cast<float>(value);
  if (type == kFloat) {
    static_cast<float*>(at)[i] = x;
  } else if (type == kHalf) {
    trainyard::gpu::fromFloat(x, static_cast<trainyard::F16*>(at) + i);
  } else {
    trainyard::gpu::fromFloat(x, static_cast<trainyard::Bf16*>(at) + i);
  }
}

int64_t bytesOf(int32_t type) { return type == kFloat ? 4 : 2; }

// GELU's approximation by tanh (Hendrycks & Gimpel 2016), and its derivative.
double gelu(double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x))); }
double geluGrad(double x) {
  const double t = std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
  return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
}

bool isAligned(const void* at, uint32_t bytes) { return reinterpret_cast<uintptr_t>(at) % bytes == 0; }

// Whether the shapes agree, and the types are some that the documentation lists.
int check(const Desc& desc, const Layout& a, const Layout& b, const Layout& c, const Layout& d) {
  const uint64_t m = desc.transposeA ? a.columns : a.rows, k = desc.transposeA ? a.rows : a.columns;
  const uint64_t n = desc.transposeB ? b.rows : b.columns, depth = desc.transposeB ? b.columns : b.rows;
  if (m != d.rows || n != d.columns || k != depth || c.rows != d.rows || c.columns != d.columns) return kInvalidValue;
  for (const Layout* layout : {&a, &b, &c, &d}) {
    if (layout->ld < static_cast<int64_t>(layout->rows)) return kInvalidValue;
  }
  if (a.type != b.type || c.type != d.type || desc.scaleType != kFloat) return kNotSupported;
  if (d.type != a.type && d.type != kFloat) return kNotSupported;
  if (desc.computeType != 68 && !(desc.computeType == 77 && a.type == kFloat)) return kNotSupported;
  const bool takesAux = (desc.epilogue & kAux) != 0;
  if (takesAux && (desc.auxLd % 8 != 0 || !isAligned(desc.aux, 16))) return kInvalidValue;
  if ((desc.epilogue & kBias) && !desc.bias) return kInvalidValue;
  return kSuccess;
}

}  // namespace

EXPORTED size_t cublasLtGetVersion() { return 130002; }

EXPORTED int cublasLtCreate(void** handle) {
  *handle = new int(0);
  return kSuccess;
}
EXPORTED int cublasLtDestroy(void* handle) {
  delete static_cast<int*>(handle);
  return kSuccess;
}

EXPORTED int cublasLtMatmulDescCreate(void** desc, int32_t computeType, int32_t scaleType) {
  *desc = new Desc{computeType, scaleType};
  return kSuccess;
}
EXPORTED int cublasLtMatmulDescDestroy(void* desc) {
  delete static_cast<Desc*>(desc);
  return kSuccess;
}
EXPORTED int cublasLtMatmulDescSetAttribute(void* to, int32_t attribute, const void* value, size_t bytes) {
  auto* desc = static_cast<Desc*>(to);
  const auto set = [&](auto& field) {
    if (bytes != sizeof field) return kInvalidValue;
    std::memcpy(&field, value, bytes);
    return kSuccess;
  };
  switch (attribute) {
    case 3: return set(desc->transposeA);
    case 4: return set(desc->transposeB);
    case 7: return set(desc->epilogue);
    case 8: return set(desc->bias);
    case 11: return set(desc->aux);
    case 12: return set(desc->auxLd);
    default: return kInvalidValue;
  }
}

EXPORTED int cublasLtMatrixLayoutCreate(void** layout, int32_t type, uint64_t rows, uint64_t columns, int64_t ld) {
  *layout = new Layout{type, rows, columns, ld};
  return kSuccess;
}
EXPORTED int cublasLtMatrixLayoutDestroy(void* layout) {
  delete static_cast<Layout*>(layout);
  return kSuccess;
}

EXPORTED int cublasLtMatmulPreferenceCreate(void** preference) {
  *preference = new Preference;
  return kSuccess;
}
EXPORTED int cublasLtMatmulPreferenceDestroy(void* preference) {
  delete static_cast<Preference*>(preference);
  return kSuccess;
}
EXPORTED int cublasLtMatmulPreferenceSetAttribute(void* to, int32_t attribute, const void* value, size_t bytes) {
  auto* preference = static_cast<Preference*>(to);
  void* field = nullptr;
  size_t expected = 4;
  if (attribute == 1) {
    field = &preference->workspaceBytes;
    expected = 8;
  } else if (attribute == 3) {
    field = &preference->reductions;
  } else if (attribute >= 5 && attribute <= 8) {
    field = &preference->alignment[attribute - 5];
  }
  if (!field || bytes != expected) return kInvalidValue;
  std::memcpy(field, value, bytes);
  return kSuccess;
}

EXPORTED int cublasLtMatmulAlgoGetHeuristic(void*, void* desc, void* a, void* b, void* c, void* d, void* preference,
                                            int asked, Heuristic* results, int* found) {
  *found = 0;
  const int status = check(*static_cast<Desc*>(desc), *static_cast<Layout*>(a), *static_cast<Layout*>(b),
                           *static_cast<Layout*>(c), *static_cast<Layout*>(d));
  if (status != kSuccess) return status;
  const auto& wishes = *static_cast<Preference*>(preference);
  // Parts of sums may be added in the result's type, or alignment not be known: a kernel could be given that is not good.
  if (wishes.reductions & 5u) return kNotSupported;
  for (const uint32_t bytes : wishes.alignment) {
    if (bytes > 16) return kNotSupported;
  }
  // One that needs too much memory comes first, and then one that fails when it is used: neither must be taken.
  const Heuristic all[] = {{{{kOurs, 1}}, static_cast<size_t>(wishes.workspaceBytes) + 1, kSuccess, 1, {}},
                           {{{kOurs, 3}}, 0, kSuccess, 1, {}},
                           {{{kOurs, kGood}}, 0, kSuccess, 1, {}}};
  for (; *found < asked && *found < 3; ++*found) results[*found] = all[*found];
  return kSuccess;
}

EXPORTED int cublasLtMatmul(void*, void* description, const void* alpha, const void* a, void* aLayout, const void* b,
                            void* bLayout, const void* beta, const void* c, void* cLayout, void* d, void* dLayout,
                            const Algorithm* algorithm, void*, size_t, void*) {
  const auto& desc = *static_cast<Desc*>(description);
  const Layout &la = *static_cast<Layout*>(aLayout), &lb = *static_cast<Layout*>(bLayout),
               &lc = *static_cast<Layout*>(cLayout), &ld = *static_cast<Layout*>(dLayout);
  const int status = check(desc, la, lb, lc, ld);
  if (status != kSuccess) return status;
  if (algorithm->data[0] != kOurs || algorithm->data[1] != kGood) return kNotSupported;
  for (const void* at : {a, b, c, static_cast<const void*>(d)}) {
    if (!isAligned(at, 16)) return kInvalidValue;
  }
  for (const Layout* layout : {&la, &lb, &lc, &ld}) {
    if (layout->ld * bytesOf(layout->type) % 16 != 0) return kInvalidValue;
  }
  // Slow where a sum has this many terms: then it is not to be chosen.
  const uint64_t depth = desc.transposeA ? la.rows : la.columns;
  if (depth == 200) std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const double scale = *static_cast<const float*>(alpha), share = *static_cast<const float*>(beta);
  for (uint64_t column = 0; column < ld.columns; column++) {
    for (uint64_t row = 0; row < ld.rows; row++) {
      double sum = 0;
      for (uint64_t k = 0; k < depth; k++) {
        const auto at = [](const Layout& l, uint64_t i, uint64_t j) { return static_cast<int64_t>(j) * l.ld + static_cast<int64_t>(i); };
        const double x = read(a, la.type, desc.transposeA ? at(la, k, row) : at(la, row, k));
        const double y = read(b, lb.type, desc.transposeB ? at(lb, column, k) : at(lb, k, column));
        sum += x * y;
      }
      const int64_t i = static_cast<int64_t>(column) * ld.ld + static_cast<int64_t>(row);
      double value = scale * sum;
      if (share != 0) value += share * read(c, lc.type, static_cast<int64_t>(column) * lc.ld + static_cast<int64_t>(row));
      if (desc.epilogue & kBias) value += read(desc.bias, ld.type, static_cast<int64_t>(row));
      const int64_t aux = static_cast<int64_t>(column) * desc.auxLd + static_cast<int64_t>(row);
      if (desc.epilogue & kGelu) {
        if (desc.epilogue & kAux) write(desc.aux, ld.type, aux, value);
        value = gelu(value);
      } else if (desc.epilogue & kDerivative) {
        value *= geluGrad(read(desc.aux, ld.type, aux));
      }
      write(d, ld.type, i, value);
    }
  }
  return kSuccess;
}
