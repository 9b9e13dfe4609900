// Who multiplies faster: own kernels or NVIDIA's library. Each product is tried once with both, before the first program
// is recorded; what came of it can be kept, for the bits of results depend on it.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "blasLt.h"

namespace trainyard {
namespace gpu {

class Gpu;
class Graph;

struct ProductChoice {
  bool usesLibrary = false;
  BlasAlgorithm algorithm{};
  double ownSeconds = 0, librarySeconds = 0;  // as they were timed; 0: the library can't do it
};

// By a product's types, shape and finish, as nameOf tells them.
using ProductChoices = std::map<std::string, ProductChoice>;

class Products {
 public:
  // Numbers of a bias that can be had in another type.
  static constexpr int64_t kMaxBias = 32 << 10;

  Products(Gpu& gpu, std::shared_ptr<BlasLt> library);
  ~Products();
  Products(const Products&) = delete;
  Products& operator=(const Products&) = delete;

  // Room for the bias of a product, until the next one.
  void* biasMemory() const { return memory_; }
  // Puts a product into the compute lane by whoever is faster. own: by own kernels; before: what the library needs done
  // before it. While the GPU isWarmingUp it is tried out, unless it is known; its memory must be zero.
  void run(const BlasProduct& product, const std::function<void()>& own, const std::function<void()>& before);
  // Of the products that programs have asked for.
  ProductChoices choices() const;
  // What was found out before, by the same version of the library on the same GPU.
  void remember(const ProductChoices& known);

 private:
  static std::string nameOf(const BlasProduct& product);
  ProductChoice tryOut(const BlasProduct& product, const std::function<void()>& own, const std::function<void()>& before);
  void multiply(const BlasProduct& product, const BlasAlgorithm& algorithm, const std::function<void()>& before);
  std::unique_ptr<Graph> prepare(int times, const std::function<void()>& put);
  bool works(const BlasProduct& product, const BlasAlgorithm& algorithm, const std::function<void()>& before);

  Gpu& gpu_;
  std::shared_ptr<BlasLt> library_;
  ProductChoices choices_;
  std::set<std::string> asked_;  // products of programs, all of which have been seen to work
  uint8_t* memory_ = nullptr;
  uint8_t* scratch_ = nullptr;
  size_t scratchBytes_;
};

}  // namespace gpu
}  // namespace trainyard
