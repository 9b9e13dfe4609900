// cuBLASLt, NVIDIA's library of matrix products: used where it is installed, never needed.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "../library.h"

namespace trainyard {
namespace gpu {

enum class BlasType { f32, f16, bf16 };
enum class BlasFinish { none, gelu, geluGrad };

// D = finish(op(A)·op(B) + C + bias), with rows in memory as ProductArgs has them: m × n = (m × k) · (k × n).
struct BlasProduct {
  BlasType type, out;  // of A and B; of C and D
  bool transposeA, transposeB;
  bool tf32;  // whether factors in float32 may be rounded to 10 bits of fraction
  int64_t m, n, k;
  const void* a;
  int64_t lda;
  const void* b;
  int64_t ldb;
  const void* c;  // what is added, as D; or null
  void* d;
  int64_t ldd;
  const void* bias;  // n numbers of type `out`, or null
  BlasFinish finish;
  void* aux;  // as D: gelu writes there what goes into GELU (tanh); geluGrad multiplies by GELU's derivative there
};

// One of the library's kernels, as the library describes it: good for the version that gave it.
using BlasAlgorithm = std::array<uint64_t, 8>;

class BlasLt {
 public:
  // Where the library may be: its path where one is given, else the names under which it is usually found, newest first.
  static std::vector<std::string> places(const std::string& path);
  // Null where there is none.
  static std::shared_ptr<BlasLt> open(const std::string& place);
  ~BlasLt();
  BlasLt(const BlasLt&) = delete;
  BlasLt& operator=(const BlasLt&) = delete;

  // Such as `cuBLASLt 13.0.2`.
  const std::string& version() const { return version_; }

  // Makes it ready for the GPU in use on this thread. Throws Failure.
  void start();

  // At most `maxCount` that can do a product with so much scratch memory, the most promising first. Sums are taken in
  // float32. Throws Failure.
  std::vector<BlasAlgorithm> algorithms(const BlasProduct& product, size_t scratchBytes, int maxCount);
  // Puts a product into a stream. Throws Failure.
  void multiply(const BlasProduct& product, const BlasAlgorithm& algorithm, void* scratch, size_t scratchBytes,
                void* stream);

 private:
  struct Api;
  struct Descriptions;
  BlasLt(std::unique_ptr<Api> api, std::string version);
  std::unique_ptr<Api> api_;
  std::string version_;
  void* handle_ = nullptr;
};

}  // namespace gpu
}  // namespace trainyard
