#include <limits>
#include <type_traits>

#include "lanewise.h"
#include "numbers.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

template <class To, class From>
To convert(From x) {
  return static_cast<To>(x);
}
// What fits no float becomes infinite, and NaN the one that instructions give.
float narrow(double x) { return canonical(static_cast<float>(x)); }
double widen(float x) { return canonical(static_cast<double>(x)); }
float saturate(float x) { return saturated(x); }

// Rounded to whole numbers, then held to what the type has (cvt's manual: integers saturate); NaN becomes 0.
template <class To, float (*rounded)(float)>
To toInteger(float x) {
  if (x != x) return 0;
  const double whole = rounded(x);
  if (whole <= static_cast<double>(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (whole >= static_cast<double>(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return static_cast<To>(whole);
}
float towardZero(float x) { return std::trunc(x); }
float toNearest(float x) { return std::nearbyint(x); }
float down(float x) { return std::floor(x); }
float up(float x) { return std::ceil(x); }

// Letters of registers that hold a type.
template <class T>
char letterOf() {
  return sizeof(T) == 8 ? 'l' : sizeof(T) == 4 ? 'i' : 'h';
}
template <class T>
std::string nameOf() {
  return (std::is_signed<T>::value ? "s" : "u") + std::to_string(8 * sizeof(T));
}

// Operand letters live as long as the table does.
const char* letters(char to, char from) {
  static std::unordered_map<std::string, std::string> made;
  const std::string text{to, from};
  return made.emplace(text, text).first->second.c_str();
}

template <class To, class From>
void addPair(Opcodes& o) {
  o["cvt." + nameOf<To>() + "." + nameOf<From>()] = {letters(letterOf<To>(), letterOf<From>()),
                                                     lanewise<convert<To, From>>};
}
template <class To>
void addFromIntegers(Opcodes& o) {
  addPair<To, uint8_t>(o);
  addPair<To, int8_t>(o);
  addPair<To, uint16_t>(o);
  addPair<To, int16_t>(o);
  addPair<To, uint32_t>(o);
  addPair<To, int32_t>(o);
  addPair<To, uint64_t>(o);
  addPair<To, int64_t>(o);
}

template <class T>
void addWithFloats(Opcodes& o) {
  const std::string name = nameOf<T>();
  const char wide = letterOf<T>();
  o["cvt.rn.f32." + name] = {letters('i', wide), lanewise<convert<float, T>>};
  o["cvt.rn.f64." + name] = {letters('l', wide), lanewise<convert<double, T>>};
  // Of 64 bits the manual gives NaN another value, and nobody asks for it.
  if (sizeof(T) == 8) return;
  o["cvt.rzi." + name + ".f32"] = {letters(wide, 'i'), lanewise<toInteger<T, towardZero>>};
  o["cvt.rni." + name + ".f32"] = {letters(wide, 'i'), lanewise<toInteger<T, toNearest>>};
  o["cvt.rmi." + name + ".f32"] = {letters(wide, 'i'), lanewise<toInteger<T, down>>};
  o["cvt.rpi." + name + ".f32"] = {letters(wide, 'i'), lanewise<toInteger<T, up>>};
}

}  // namespace

void addConversions(Opcodes& o) {
  addFromIntegers<uint16_t>(o);
  addFromIntegers<int16_t>(o);
  addFromIntegers<uint32_t>(o);
  addFromIntegers<int32_t>(o);
  addFromIntegers<uint64_t>(o);
  addFromIntegers<int64_t>(o);
  addWithFloats<uint32_t>(o);
  addWithFloats<int32_t>(o);
  addWithFloats<uint64_t>(o);
  addWithFloats<int64_t>(o);
  o["cvt.f64.f32"] = {"li", lanewise<widen>};
  o["cvt.rn.f32.f64"] = {"il", lanewise<narrow>};
  o["cvt.sat.f32.f32"] = {"ii", lanewise<saturate>};
  o["cvt.f32.f16"] = {"ih", lanewise<halfToFloat>};
  o["cvt.rn.f16.f32"] = {"hi", lanewise<floatToHalf>};
  o["cvt.rn.bf16.f32"] = {"hi", lanewise<floatToBfloat>};
  o["cvt.f32.bf16"] = {"ih", lanewise<bfloatToFloat>};
  o["cvt.rna.tf32.f32"] = {"ii", lanewise<floatToTf32>};
}

}  // namespace ptx
}  // namespace trainyard
