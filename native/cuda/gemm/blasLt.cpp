#include "blasLt.h"

#include "../../common/failure.h"

namespace trainyard {
namespace gpu {
namespace {

// As NVIDIA documents them (cuBLAS library, "Using the cuBLASLt API"); the numbers have been the same since version 11.
constexpr int kSuccess = 0;
enum DataType : int32_t { kR32F = 0, kR16F = 2, kR16BF = 14 };
enum ComputeType : int32_t { kCompute32F = 68, kCompute32FFastTf32 = 77 };
enum Operation : int32_t { kAsIs = 0, kTransposed = 1 };
enum Epilogue : uint32_t { kDefault = 1, kBias = 4, kGeluAux = 160, kGeluAuxBias = 164, kDGelu = 192 };
enum DescAttribute : int32_t {
  kTransA = 3,
  kTransB = 4,
  kEpilogue = 7,
  kBiasPointer = 8,
  kEpilogueAuxPointer = 11,
  kEpilogueAuxLd = 12,
};
enum PreferenceAttribute : int32_t {
  kMaxWorkspaceBytes = 1,
  kReductionSchemeMask = 3,
  kMinAlignmentA = 5,
  kMinAlignmentB = 6,
  kMinAlignmentC = 7,
  kMinAlignmentD = 8,
};
// Parts of a sum are added in the type that products are computed in, in one order; never in that of the result.
constexpr uint32_t kReduceInComputeType = 2;
// What is certain of every matrix that is given; see hasAlignedOperands and hasAlignedRows.
constexpr uint32_t kAlignment = 16;

struct Heuristic {
  BlasAlgorithm algorithm;
  size_t scratchBytes;
  int32_t state;
  float waves;
  int32_t reserved[4];
};

DataType typeOf(BlasType type) {
  switch (type) {
    case BlasType::f16: return kR16F;
    case BlasType::bf16: return kR16BF;
    default: return kR32F;
  }
}

// 130002 is 13.0.2; before 11.5 or so there was one digit less.
std::string asText(size_t version) {
  const size_t major = version >= 100000 ? 10000 : 1000;
  return std::to_string(version / major) + "." + std::to_string(version % major / 100) + "." +
         std::to_string(version % 100);
}

}  // namespace

struct BlasLt::Api {
  using Opaque = void*;
  Library library;

  int (*create)(Opaque*);
  int (*destroy)(Opaque);
  size_t (*getVersion)();
  int (*descCreate)(Opaque*, int32_t computeType, int32_t scaleType);
  int (*descDestroy)(Opaque);
  int (*descSet)(Opaque, int32_t attribute, const void* value, size_t bytes);
  int (*layoutCreate)(Opaque*, int32_t type, uint64_t rows, uint64_t columns, int64_t ld);
  int (*layoutDestroy)(Opaque);
  int (*preferenceCreate)(Opaque*);
  int (*preferenceDestroy)(Opaque);
  int (*preferenceSet)(Opaque, int32_t attribute, const void* value, size_t bytes);
  int (*heuristic)(Opaque, Opaque desc, Opaque a, Opaque b, Opaque c, Opaque d, Opaque preference, int asked,
                   Heuristic* results, int* found);
  int (*matmul)(Opaque, Opaque desc, const void* alpha, const void* a, Opaque aLayout, const void* b, Opaque bLayout,
                const void* beta, const void* c, Opaque cLayout, void* d, Opaque dLayout,
                const BlasAlgorithm* algorithm, void* scratch, size_t scratchBytes, void* stream);

  template <class Names>
  explicit Api(const Names& names) : library(names) {}

  // Whether all functions are there.
  bool find() {
    const auto get = [&](auto& function, const char* name) {
      function = library.find<std::decay_t<decltype(function)>>(name);
      return function != nullptr;
    };
    return get(create, "cublasLtCreate") && get(destroy, "cublasLtDestroy") &&
           get(getVersion, "cublasLtGetVersion") && get(descCreate, "cublasLtMatmulDescCreate") &&
           get(descDestroy, "cublasLtMatmulDescDestroy") && get(descSet, "cublasLtMatmulDescSetAttribute") &&
           get(layoutCreate, "cublasLtMatrixLayoutCreate") && get(layoutDestroy, "cublasLtMatrixLayoutDestroy") &&
           get(preferenceCreate, "cublasLtMatmulPreferenceCreate") &&
           get(preferenceDestroy, "cublasLtMatmulPreferenceDestroy") &&
           get(preferenceSet, "cublasLtMatmulPreferenceSetAttribute") &&
           get(heuristic, "cublasLtMatmulAlgoGetHeuristic") && get(matmul, "cublasLtMatmul");
  }

  static void require(int status, LibraryAction action) {
    if (status != kSuccess)
      throw Failure(Code::libraryFailed, {{"action", nameOf(action)}, {"status", number(status)}});
  }
};

// What the library wants to know of a product. It counts columns where rows are meant here: its matrices are ours
// transposed, and Dᵀ = op(B)ᵀ · op(A)ᵀ.
struct BlasLt::Descriptions {
  Api& api;
  void *desc = nullptr, *a = nullptr, *b = nullptr, *d = nullptr;

  Descriptions(Api& used, const BlasProduct& p) : api(used) {
    try {
      make(p);
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~Descriptions() { destroy(); }
  Descriptions(const Descriptions&) = delete;
  Descriptions& operator=(const Descriptions&) = delete;

 private:
  void make(const BlasProduct& p) {
    const bool rounds = p.type == BlasType::f32 && p.tf32;
    Api::require(api.descCreate(&desc, rounds ? kCompute32FFastTf32 : kCompute32F, kR32F), LibraryAction::describeProduct);
    set(kTransA, static_cast<int32_t>(p.transposeB ? kTransposed : kAsIs));
    set(kTransB, static_cast<int32_t>(p.transposeA ? kTransposed : kAsIs));
    set(kEpilogue, static_cast<uint32_t>(epilogueOf(p)));
    if (p.bias) set(kBiasPointer, p.bias);
    if (p.finish != BlasFinish::none) {
      set(kEpilogueAuxPointer, static_cast<const void*>(p.aux));
      set(kEpilogueAuxLd, p.ldd);
    }
    layout(&a, p.type, p.transposeB ? p.k : p.n, p.transposeB ? p.n : p.k, p.ldb);
    layout(&b, p.type, p.transposeA ? p.m : p.k, p.transposeA ? p.k : p.m, p.lda);
    layout(&d, p.out, p.n, p.m, p.ldd);
  }

  template <class Value>
  void set(DescAttribute attribute, Value value) {
    Api::require(api.descSet(desc, attribute, &value, sizeof value), LibraryAction::describeProduct);
  }

  void layout(void** out, BlasType type, int64_t rows, int64_t columns, int64_t ld) {
    Api::require(api.layoutCreate(out, typeOf(type), static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), ld),
                 LibraryAction::describeMatrix);
  }

  static Epilogue epilogueOf(const BlasProduct& p) {
    if (p.finish == BlasFinish::gelu) return p.bias ? kGeluAuxBias : kGeluAux;
    if (p.finish == BlasFinish::geluGrad) return kDGelu;
    return p.bias ? kBias : kDefault;
  }

  void destroy() {
    for (void* layout : {a, b, d}) {
      if (layout) api.layoutDestroy(layout);
    }
    if (desc) api.descDestroy(desc);
  }
};

BlasLt::BlasLt(std::unique_ptr<Api> api, std::string version) : api_(std::move(api)), version_(std::move(version)) {}

BlasLt::~BlasLt() {
  if (handle_) api_->destroy(handle_);
}

std::vector<std::string> BlasLt::places(const std::string& path) {
  if (!path.empty()) return {path};
  std::vector<std::string> names;
#if defined(_WIN32)
  for (const char* version : {"13", "12", "11"}) names.push_back(std::string("cublasLt64_") + version + ".dll");
#else
  for (const char* version : {"13", "12", "11"}) {
    for (const char* folder : {"", "/usr/local/cuda/lib64/"})
      names.push_back(std::string(folder) + "libcublasLt.so." + version);
  }
#endif
  return names;
}

std::shared_ptr<BlasLt> BlasLt::open(const std::string& place) {
  auto api = std::make_unique<Api>(std::vector<std::string>{place});
  if (!api->library.isOpen() || !api->find()) return nullptr;
  std::string version = "cuBLASLt " + asText(api->getVersion());
  return std::shared_ptr<BlasLt>(new BlasLt(std::move(api), std::move(version)));
}

void BlasLt::start() {
  if (!handle_) Api::require(api_->create(&handle_), LibraryAction::start);
}

std::vector<BlasAlgorithm> BlasLt::algorithms(const BlasProduct& product, size_t scratchBytes, int maxCount) {
  const Descriptions made(*api_, product);
  void* preference = nullptr;
  Api::require(api_->preferenceCreate(&preference), LibraryAction::ask);
  const auto set = [&](PreferenceAttribute attribute, auto value) {
    return api_->preferenceSet(preference, attribute, &value, sizeof value) == kSuccess;
  };
  bool isSet = set(kMaxWorkspaceBytes, static_cast<uint64_t>(scratchBytes)) &&
               set(kReductionSchemeMask, kReduceInComputeType);
  for (const PreferenceAttribute of : {kMinAlignmentA, kMinAlignmentB, kMinAlignmentC, kMinAlignmentD})
    isSet = isSet && set(of, kAlignment);
  std::vector<Heuristic> results(static_cast<size_t>(maxCount));
  int found = 0;
  const int status = isSet ? api_->heuristic(handle_, made.desc, made.a, made.b, made.d, made.d, preference, maxCount,
                                             results.data(), &found)
                           : kSuccess;
  api_->preferenceDestroy(preference);
  std::vector<BlasAlgorithm> algorithms;
  // What it does not know it answers with an error: then there are none.
  if (status != kSuccess) return algorithms;
  for (int i = 0; i < found; i++) {
    const Heuristic& result = results[static_cast<size_t>(i)];
    if (result.state == kSuccess && result.scratchBytes <= scratchBytes) algorithms.push_back(result.algorithm);
  }
  return algorithms;
}

void BlasLt::multiply(const BlasProduct& product, const BlasAlgorithm& algorithm, void* scratch, size_t scratchBytes,
                      void* stream) {
  const Descriptions made(*api_, product);
  const float one = 1, beta = product.c ? 1.0f : 0.0f;
  const void* c = product.c ? product.c : product.d;
  Api::require(api_->matmul(handle_, made.desc, &one, product.b, made.a, product.a, made.b, &beta, c, made.d,
                            product.d, made.d, &algorithm, scratch, scratchBytes, stream),
               LibraryAction::multiply);
}

}  // namespace gpu
}  // namespace trainyard
