#include <algorithm>
#include <type_traits>

#include "lanewise.h"
#include "numbers.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

// Overflows wrap: sums of signed numbers are taken of unsigned ones.
template <class T>
T add(T a, T b) {
  return static_cast<T>(a + b);
}
template <class T>
T subtract(T a, T b) {
  return static_cast<T>(a - b);
}
// Of products the lower half (.lo); of 16 bits, in a wider type than int's, which overflows.
template <class T>
T multiply(T a, T b) {
  return static_cast<T>(static_cast<uint64_t>(a) * b);
}
template <class T>
T multiplyAdd(T a, T b, T c) {
  return static_cast<T>(static_cast<uint64_t>(a) * b + c);
}
template <class Wide, class T>
Wide multiplyWide(T a, T b) {
  return static_cast<Wide>(static_cast<Wide>(a) * static_cast<Wide>(b));
}
template <class Wide, class T>
Wide multiplyAddWide(T a, T b, Wide c) {
  using U = typename std::make_unsigned<Wide>::type;
  return static_cast<Wide>(static_cast<U>(static_cast<Wide>(a) * static_cast<Wide>(b)) + static_cast<U>(c));
}
template <class T>
T negate(T a) {
  return static_cast<T>(0 - a);
}
template <class T>
T absolute(T a) {
  using U = typename std::make_unsigned<T>::type;
  return a < 0 ? static_cast<T>(U{0} - static_cast<U>(a)) : a;
}
template <class T>
T both(T a, T b) {
  return static_cast<T>(a & b);
}
template <class T>
T either(T a, T b) {
  return static_cast<T>(a | b);
}
template <class T>
T differing(T a, T b) {
  return static_cast<T>(a ^ b);
}
template <class T>
T inverse(T a) {
  return static_cast<T>(~a);
}
bool bothFlags(bool a, bool b) { return a && b; }
bool eitherFlag(bool a, bool b) { return a || b; }
bool differingFlags(bool a, bool b) { return a != b; }
bool inverseFlag(bool a) { return !a; }
bool sameFlag(bool a) { return a; }

// Shifts by the width or more are shifts by the width: nothing is left, or the sign.
template <class T>
T shiftLeft(T a, uint32_t by) {
  return by >= 8 * sizeof(T) ? T{0} : static_cast<T>(a << by);
}
template <class T>
T shiftRight(T a, uint32_t by) {
  if (by >= 8 * sizeof(T)) return std::is_signed<T>::value && a < 0 ? static_cast<T>(-1) : T{0};
  return static_cast<T>(a >> by);
}

template <class T>
T choose(T a, T b, bool first) {
  return first ? a : b;
}
template <class T>
T same(T a) {
  return a;
}

// What is divided by zero is not specified: no kernel may count on it.
template <class T, bool isRemainder>
void divide(Warp& w, const Instruction& i) {
  auto* out = w.row<T>(i, 0);
  const auto *a = w.row<T>(i, 1), *b = w.row<T>(i, 2);
  w.each([&](int lane) {
    const T x = a[lane], y = b[lane];
    if (y == 0) w.block->fail(w, lane, std::to_string(x) + " is divided by 0");
    const bool isMinus = std::is_signed<T>::value && y == static_cast<T>(-1);
    // The least number divided by -1 overflows.
    if (isRemainder) out[lane] = isMinus ? T{0} : static_cast<T>(x % y);
    else out[lane] = isMinus ? negate<T>(x) : static_cast<T>(x / y);
  });
}

// Two numbers of half the width, the first below.
template <class Whole, class Part>
void pack(Warp& w, const Instruction& i) {
  auto* out = w.row<Whole>(i, 0);
  const auto *low = w.row<uint32_t>(i, 1), *high = w.row<uint32_t>(i, 2);
  w.each([&](int lane) {
    out[lane] = static_cast<Whole>(static_cast<Part>(low[lane])) |
                static_cast<Whole>(static_cast<Part>(high[lane])) << (4 * sizeof(Whole));
  });
}
template <class Whole, class Part>
void unpack(Warp& w, const Instruction& i) {
  const auto* in = w.row<Whole>(i, 2);
  auto *low = w.row<uint32_t>(i, 0), *high = w.row<uint32_t>(i, 1);
  w.each([&](int lane) {
    const Whole whole = in[lane];
    low[lane] = static_cast<Part>(whole);
    high[lane] = static_cast<Part>(whole >> (4 * sizeof(Whole)));
  });
}

template <class U, class S>
void addWidth(Opcodes& o, const std::string& bits, const char* one, const char* two, const char* three) {
  const auto plain = [&](const char* name, const char* operands, Step step) {
    for (const char* type : {"s", "u", "b"}) o[std::string(name) + type + bits] = {operands, step};
  };
  plain("add.", two, lanewise<add<U>>);
  plain("sub.", two, lanewise<subtract<U>>);
  plain("mul.lo.", two, lanewise<multiply<U>>);
  plain("mad.lo.", three, lanewise<multiplyAdd<U>>);
  plain("and.", two, lanewise<both<U>>);
  plain("or.", two, lanewise<either<U>>);
  plain("xor.", two, lanewise<differing<U>>);
  plain("not.", one, lanewise<inverse<U>>);
  plain("mov.", one, lanewise<same<U>>);
  o["neg.s" + bits] = {one, lanewise<negate<U>>};
  o["abs.s" + bits] = {one, lanewise<absolute<S>>};
  o["min.s" + bits] = {two, lanewise<lower<S>>};
  o["min.u" + bits] = {two, lanewise<lower<U>>};
  o["max.s" + bits] = {two, lanewise<largest<S>>};
  o["max.u" + bits] = {two, lanewise<largest<U>>};
}

template <class U, class S>
void addShifts(Opcodes& o, const std::string& bits, const char* operands, const char* chosen) {
  o["shl.b" + bits] = {operands, lanewise<shiftLeft<U>>};
  o["shr.u" + bits] = {operands, lanewise<shiftRight<U>>};
  o["shr.b" + bits] = {operands, lanewise<shiftRight<U>>};
  o["shr.s" + bits] = {operands, lanewise<shiftRight<S>>};
  for (const char* type : {"s", "u", "b", "f"}) o[std::string("selp.") + type + bits] = {chosen, lanewise<choose<U>>};
}

template <class U, class S>
void addDivisions(Opcodes& o, const std::string& bits, const char* operands) {
  o["div.u" + bits] = {operands, divide<U, false>};
  o["div.s" + bits] = {operands, divide<S, false>};
  o["rem.u" + bits] = {operands, divide<U, true>};
  o["rem.s" + bits] = {operands, divide<S, true>};
}

}  // namespace

void addIntegers(Opcodes& o) {
  addWidth<uint16_t, int16_t>(o, "16", "hh", "hhh", "hhhh");
  addWidth<uint32_t, int32_t>(o, "32", "ii", "iii", "iiii");
  addWidth<uint64_t, int64_t>(o, "64", "ll", "lll", "llll");
  o["mov.f32"] = {"ii", lanewise<same<uint32_t>>};
  o["mov.f64"] = {"ll", lanewise<same<uint64_t>>};
  addShifts<uint16_t, int16_t>(o, "16", "hhi", "hhhp");
  addShifts<uint32_t, int32_t>(o, "32", "iii", "iiip");
  addShifts<uint64_t, int64_t>(o, "64", "lli", "lllp");
  addDivisions<uint32_t, int32_t>(o, "32", "iii");
  addDivisions<uint64_t, int64_t>(o, "64", "lll");
  o["mul.wide.u16"] = {"ihh", lanewise<multiplyWide<uint32_t, uint16_t>>};
  o["mul.wide.s16"] = {"ihh", lanewise<multiplyWide<int32_t, int16_t>>};
  o["mul.wide.u32"] = {"lii", lanewise<multiplyWide<uint64_t, uint32_t>>};
  o["mul.wide.s32"] = {"lii", lanewise<multiplyWide<int64_t, int32_t>>};
  o["mad.wide.u32"] = {"liil", lanewise<multiplyAddWide<uint64_t, uint32_t>>};
  o["mad.wide.s32"] = {"liil", lanewise<multiplyAddWide<int64_t, int32_t>>};
  o["and.pred"] = {"ppp", lanewise<bothFlags>};
  o["or.pred"] = {"ppp", lanewise<eitherFlag>};
  o["xor.pred"] = {"ppp", lanewise<differingFlags>};
  o["not.pred"] = {"pp", lanewise<inverseFlag>};
  o["mov.pred"] = {"pp", lanewise<sameFlag>};
  // With braces: see decode.cpp.
  o["mov.b32 pack"] = {"i2h", pack<uint32_t, uint16_t>};
  o["mov.b32 unpack"] = {"2hi", unpack<uint32_t, uint16_t>};
  o["mov.b64 pack"] = {"l2i", pack<uint64_t, uint32_t>};
  o["mov.b64 unpack"] = {"2il", unpack<uint64_t, uint32_t>};
}

}  // namespace ptx
}  // namespace trainyard
