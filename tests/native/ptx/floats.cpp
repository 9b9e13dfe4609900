
#include "lanewise.h"
#include "numbers.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

// add, sub and mul without a rounding are taken as .rn. The assembler may still fuse such a product with a sum behind it (the
// manual leaves it that): a GPU's last bits may be others.
template <class T>
T add(T a, T b) {
  return canonical(a + b);
}
template <class T>
T subtract(T a, T b) {
  return canonical(a - b);
}
template <class T>
T multiply(T a, T b) {
  return canonical(a * b);
}
template <class T>
T divide(T a, T b) {
  return canonical(a / b);
}
template <class T>
T root(T a) {
  return canonical(std::sqrt(a));
}
template <class T>
T inverse(T a) {
  return canonical(T{1} / a);
}
double multiplyAdd64(double a, double b, double c) { return canonical(std::fma(a, b, c)); }
// Signs are bits, of NaN, too.
float negate(float a) { return bitsAs<float>(bitsAs<uint32_t>(a) ^ 0x80000000u); }
float absolute(float a) { return bitsAs<float>(bitsAs<uint32_t>(a) & 0x7fffffffu); }
double negate64(double a) { return -a; }
double absolute64(double a) { return std::fabs(a); }

// 2^x and 1/x to within 2^-22 and one unit in the last place: those nearest, which a GPU need not give.
float power2(float a) { return flushed(canonical(static_cast<float>(std::exp2(static_cast<double>(flushed(a)))))); }
float quickInverse(float a) { return flushed(canonical(1.0f / flushed(a))); }

TY_WITH_FMA void multiplyAdd(float* out, const float* a, const float* b, const float* c) {
#pragma GCC ivdep
  for (int lane = 0; lane < kLanes; lane++) out[lane] = std::fma(a[lane], b[lane], c[lane]);
}

void multiplyAddStep(Warp& w, const Instruction& i) {
  float rows[4][kLanes];
  for (int n = 1; n < 4; n++) std::memcpy(rows[n], w.word(i, n), sizeof rows[n]);
  multiplyAdd(rows[0], rows[1], rows[2], rows[3]);
  auto* out = w.row<float>(i, 0);
  w.each([&](int lane) { out[lane] = canonical(rows[0][lane]); });
}

}  // namespace

void addFloats(Opcodes& o) {
  for (const char* rn : {".", ".rn."}) {
    const auto name = [rn](const char* what, const char* type) { return std::string(what) + rn + type; };
    o[name("add", "f32")] = {"iii", lanewise<add<float>>};
    o[name("sub", "f32")] = {"iii", lanewise<subtract<float>>};
    o[name("mul", "f32")] = {"iii", lanewise<multiply<float>>};
    o[name("add", "f64")] = {"lll", lanewise<add<double>>};
    o[name("sub", "f64")] = {"lll", lanewise<subtract<double>>};
    o[name("mul", "f64")] = {"lll", lanewise<multiply<double>>};
  }
  o["fma.rn.f32"] = {"iiii", multiplyAddStep};
  o["fma.rm.f32"] = {"iiii", lanewise<fmaDown>};
  o["fma.rn.f64"] = {"llll", lanewise<multiplyAdd64>};
  o["div.rn.f32"] = {"iii", lanewise<divide<float>>};
  o["div.rn.f64"] = {"lll", lanewise<divide<double>>};
  o["rcp.rn.f32"] = {"ii", lanewise<inverse<float>>};
  o["rcp.rn.f64"] = {"ll", lanewise<inverse<double>>};
  o["sqrt.rn.f32"] = {"ii", lanewise<root<float>>};
  o["sqrt.rn.f64"] = {"ll", lanewise<root<double>>};
  o["neg.f32"] = {"ii", lanewise<negate>};
  o["abs.f32"] = {"ii", lanewise<absolute>};
  o["neg.f64"] = {"ll", lanewise<negate64>};
  o["abs.f64"] = {"ll", lanewise<absolute64>};
  o["min.f32"] = {"iii", lanewise<minimum>};
  o["max.f32"] = {"iii", lanewise<maximum>};
  o["ex2.approx.ftz.f32"] = {"ii", lanewise<power2>};
  o["rcp.approx.ftz.f32"] = {"ii", lanewise<quickInverse>};
}

}  // namespace ptx
}  // namespace trainyard
