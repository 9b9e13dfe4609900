// Chooses the kernels by what the processor has and what the system saves on a context switch.
#include <cstdlib>
#include <string>

#include "../common/failure.h"
#include "kernels.h"

#if defined(__x86_64__) || defined(_M_X64)
#define TY_X86 1
#if defined(_MSC_VER)
#include <intrin.h>
#else
#include <cpuid.h>
#endif
#endif

namespace trainyard {

#if defined(TY_X86)
namespace avx2 {
const Kernels& kernels();
}
namespace avx512 {
const Kernels& kernels();
}
namespace avx512bf16 {
const Kernels& kernels();
}
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
namespace neon {
const Kernels& kernels();
}
#else
namespace portable {
const Kernels& kernels();
}
#endif

namespace {

struct Features {
  bool avx2 = false, avx512 = false, avx512bf16 = false;
};

#if defined(TY_X86)
struct Registers {
  uint32_t a, b, c, d;
};

Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r{};
#if defined(_MSC_VER)
  int out[4];
  __cpuidex(out, static_cast<int>(leaf), static_cast<int>(subleaf));
  r = {static_cast<uint32_t>(out[0]), static_cast<uint32_t>(out[1]), static_cast<uint32_t>(out[2]),
       static_cast<uint32_t>(out[3])};
#else
  __cpuid_count(leaf, subleaf, r.a, r.b, r.c, r.d);
#endif
  return r;
}

// The register sets that the system saves (XCR0).
uint64_t savedState() {
#if defined(_MSC_VER)
  return _xgetbv(0);
#else
  uint32_t low, high;
  __asm__ __volatile__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return static_cast<uint64_t>(high) << 32 | low;
#endif
}

Features detect() {
  Features f;
  const uint32_t leaves = cpuid(0, 0).a;
  if (leaves < 7) return f;
  const auto bit = [](uint32_t word, int n) { return (word >> n & 1u) != 0; };
  const Registers one = cpuid(1, 0);
  const Registers seven = cpuid(7, 0);
  const bool osxsave = bit(one.c, 27);
  if (!osxsave) return f;
  const uint64_t saved = savedState();
  const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xe6) == 0xe6;
  const bool avx = bit(one.c, 28), fma = bit(one.c, 12), f16c = bit(one.c, 29);
  f.avx2 = ymm && avx && fma && f16c && bit(seven.b, 5);
  const bool f512 = bit(seven.b, 16), dq = bit(seven.b, 17), bw = bit(seven.b, 30), vl = bit(seven.b, 31);
  f.avx512 = f.avx2 && zmm && f512 && dq && bw && vl;
  f.avx512bf16 = f.avx512 && seven.a >= 1 && bit(cpuid(7, 1).a, 5);
  return f;
}
#else
Features detect() { return {}; }
#endif

}  // namespace

const Kernels& selectKernels(const char* isa) {
  std::string wanted = isa ? isa : "";
  if (wanted.empty()) {
    const char* environment = std::getenv("TRAINYARD_ISA");
    if (environment) wanted = environment;
  }
  [[maybe_unused]] const Features has = detect();
  struct Choice {
    const char* name;
    bool available;
    const Kernels& (*kernels)();
  };
  const Choice choices[] = {
#if defined(TY_X86)
      {"avx512bf16", has.avx512bf16, avx512bf16::kernels},
      {"avx512", has.avx512, avx512::kernels},
      {"avx2", has.avx2, avx2::kernels},
#endif
#if defined(__aarch64__) || defined(_M_ARM64)
      {"neon", true, neon::kernels},
#else
      {"portable", true, portable::kernels},
#endif
  };
  std::string names;
  for (const Choice& choice : choices) {
    if (wanted.empty() ? choice.available : wanted == choice.name) {
      if (!choice.available) {
        throw Failure(Code::instructionSetMissing, {{"name", wanted}});
      }
      return choice.kernels();
    }
    if (choice.available) names += names.empty() ? choice.name : std::string(", ") + choice.name;
  }
  throw Failure(Code::instructionSetUnknown, {{"name", wanted}, {"names", names}});
}

}  // namespace trainyard
