#include "products.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "../gpu.h"

namespace trainyard {
namespace gpu {
namespace {

constexpr size_t kBiasBytes = Products::kMaxBias * sizeof(float);
// As NVIDIA recommends for its library (cuBLAS, "cublasSetWorkspace"): 32 MiB from Hopper on, else 4 MiB.
constexpr size_t scratchBytesOf(int major) { return (major >= 9 ? size_t{32} : size_t{4}) << 20; }
// How many of the library's kernels are tried; how often, and how often in a row, each is timed.
constexpr int kAlgorithms = 3, kRounds = 3, kInARow = 3;
// What takes so long is told apart by one round.
constexpr double kLongSeconds = 0.002;
// What is shorter ends before the host has put the next graph behind it.
constexpr double kShortSeconds = 0.00005;
// Own kernels are kept unless the library takes less than this share of their time.
constexpr double kClearlyFaster = 0.97;

const char* nameOfType(BlasType type) {
  return type == BlasType::f32 ? "f32" : type == BlasType::f16 ? "f16" : "bf16";
}

}  // namespace

Products::Products(Gpu& gpu, std::shared_ptr<BlasLt> library)
    : gpu_(gpu),
      library_(std::move(library)),
      scratchBytes_(scratchBytesOf(gpu.description().major)) {
  memory_ = static_cast<uint8_t*>(gpu_.allocate(kBiasBytes + scratchBytes_, Place::device));
  scratch_ = memory_ + kBiasBytes;
}

Products::~Products() { gpu_.release(memory_, Place::device); }

void Products::remember(const ProductChoices& known) {
  for (const auto& choice : known) {
    choices_[choice.first] = choice.second;
    asked_.erase(choice.first);
  }
}

ProductChoices Products::choices() const {
  ProductChoices used;
  for (const auto& choice : choices_) {
    const auto asked = asked_.find(choice.first);
    if (asked != asked_.end()) used.insert(choice);
  }
  return used;
}

std::string Products::nameOf(const BlasProduct& p) {
  const auto shape = [](int64_t a, int64_t b, int64_t c) {
    return std::to_string(a) + "x" + std::to_string(b) + "x" + std::to_string(c);
  };
  std::string name = std::string(nameOfType(p.type)) + (p.tf32 ? "(tf32)" : "") + ">" + nameOfType(p.out) + " " +
                     (p.transposeA ? "t" : "n") + (p.transposeB ? "t" : "n") + " " + shape(p.m, p.n, p.k) + " ld " +
                     shape(p.lda, p.ldb, p.ldd);
  if (p.c) name += p.c == p.d ? " accumulate" : " add";
  if (p.bias) name += " bias";
  if (p.finish == BlasFinish::gelu) name += " gelu";
  if (p.finish == BlasFinish::geluGrad) name += " geluGrad";
  return name;
}

void Products::run(const BlasProduct& product, const std::function<void()>& own, const std::function<void()>& before) {
  const std::string name = nameOf(product);
  auto known = choices_.find(name);
  if (gpu_.isWarmingUp()) {
    // What another version of the library, or another driver, knew may no longer work.
    const bool isNew = known == choices_.end();
    const bool mustWork = !isNew && known->second.usesLibrary && asked_.count(name) == 0;
    if (isNew || (mustWork && !works(product, known->second.algorithm, before))) {
      own();  // its kernels are there before they are timed
      choices_[name] = tryOut(product, own, before);
      known = choices_.find(name);
    }
    asked_.insert(name);
  }
  if (known != choices_.end() && known->second.usesLibrary) {
    multiply(product, known->second.algorithm, before);
  } else {
    own();
  }
}

void Products::multiply(const BlasProduct& product, const BlasAlgorithm& algorithm, const std::function<void()>& before) {
  before();
  gpu_.enqueue([=](void* stream) { library_->multiply(product, algorithm, scratch_, scratchBytes_, stream); });
}

bool Products::works(const BlasProduct& product, const BlasAlgorithm& algorithm, const std::function<void()>& before) {
  try {
    gpu_.outsideWarmUp([&] { prepare(1, [&] { multiply(product, algorithm, before); }); });
    return true;
  } catch (const std::runtime_error&) {
    return false;
  }
}

// What is loaded at the first use can't be while it is recorded; and a library may multiply, yet not be recorded.
std::unique_ptr<Graph> Products::prepare(int times, const std::function<void()>& put) {
  put();
  gpu_.event()->wait();
  return gpu_.capture([&] {
    for (int n = 0; n < times; n++) put();
  });
}

ProductChoice Products::tryOut(const BlasProduct& product, const std::function<void()>& own,
                               const std::function<void()>& before) {
  ProductChoice choice;
  std::vector<BlasAlgorithm> algorithms;
  try {
    algorithms = library_->algorithms(product, scratchBytes_, kAlgorithms);
  } catch (const std::runtime_error&) {
    // It has no answer; own kernels have.
  }
  if (algorithms.empty()) return choice;
  // Own kernels, then each of the library's; seconds of the fastest time, infinite where it failed.
  std::vector<double> seconds(algorithms.size() + 1, INFINITY);
  std::vector<std::unique_ptr<Graph>> graphs(seconds.size());
  // As programs are played: the host's time to put them there, which is more for the library, is nobody's then.
  const auto time = [&](size_t i) {
    if (!graphs[i]) {
      graphs[i] = prepare(kInARow, [&] {
        if (i == 0) return own();
        multiply(product, algorithms[i - 1], before);
      });
    }
    // Has the GPU busy until the one that is timed is there.
    const int ahead = seconds[i] < kShortSeconds ? 3 : 1;
    for (int n = 0; n < ahead; n++) gpu_.launchGraph(*graphs[i]);
    const auto begin = gpu_.event();
    gpu_.launchGraph(*graphs[i]);
    const auto end = gpu_.event();
    end->wait();
    seconds[i] = std::min(seconds[i], end->secondsSince(*begin) / kInARow);
  };
  std::vector<bool> fails(seconds.size(), false);
  gpu_.outsideWarmUp([&] {
    // In turns: what else the GPU does falls on all alike.
    for (int round = 0; round < kRounds; round++) {
      if (round > 0 && *std::min_element(seconds.begin(), seconds.end()) > kLongSeconds) break;
      for (size_t i = 0; i < seconds.size(); i++) {
        if (fails[i]) continue;
        try {
          time(i);
        } catch (const std::runtime_error&) {
          if (i == 0) throw;
          fails[i] = true;
          seconds[i] = INFINITY;
        }
      }
    }
  });
  const auto best = std::min_element(seconds.begin() + 1, seconds.end());
  if (*best == INFINITY) return choice;
  choice.ownSeconds = seconds[0];
  choice.librarySeconds = *best;
  choice.usesLibrary = *best < kClearlyFaster * seconds[0];
  choice.algorithm = algorithms[static_cast<size_t>(best - seconds.begin() - 1)];
  return choice;
}

}  // namespace gpu
}  // namespace trainyard
