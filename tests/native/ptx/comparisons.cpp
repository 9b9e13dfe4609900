
#include "lanewise.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

template <class T>
bool equal(T a, T b) {
  return a == b;
}
// Of floats, too: ordered, so not of NaN.
template <class T>
bool different(T a, T b) {
  return a < b || a > b;
}
template <class T>
bool less(T a, T b) {
  return a < b;
}
template <class T>
bool lessEqual(T a, T b) {
  return a <= b;
}
template <class T>
bool greater(T a, T b) {
  return a > b;
}
template <class T>
bool greaterEqual(T a, T b) {
  return a >= b;
}

// True where one of the two is NaN.
template <class T>
bool equalOrNot(T a, T b) {
  return !(a < b || a > b);
}
template <class T>
bool differentOrNot(T a, T b) {
  return !(a == b);
}
template <class T>
bool lessOrNot(T a, T b) {
  return !(a >= b);
}
template <class T>
bool lessEqualOrNot(T a, T b) {
  return !(a > b);
}
template <class T>
bool greaterOrNot(T a, T b) {
  return !(a <= b);
}
template <class T>
bool greaterEqualOrNot(T a, T b) {
  return !(a < b);
}
template <class T>
bool areNumbers(T a, T b) {
  return a == a && b == b;
}
template <class T>
bool isNaN(T a, T b) {
  return a != a || b != b;
}

template <class T>
void addOrdered(Opcodes& o, const std::string& type, const char* operands) {
  o["setp.eq." + type] = {operands, lanewise<equal<T>>};
  o["setp.ne." + type] = {operands, lanewise<different<T>>};
  o["setp.lt." + type] = {operands, lanewise<less<T>>};
  o["setp.le." + type] = {operands, lanewise<lessEqual<T>>};
  o["setp.gt." + type] = {operands, lanewise<greater<T>>};
  o["setp.ge." + type] = {operands, lanewise<greaterEqual<T>>};
}

template <class T>
void addUnordered(Opcodes& o, const std::string& type, const char* operands) {
  o["setp.equ." + type] = {operands, lanewise<equalOrNot<T>>};
  o["setp.neu." + type] = {operands, lanewise<differentOrNot<T>>};
  o["setp.ltu." + type] = {operands, lanewise<lessOrNot<T>>};
  o["setp.leu." + type] = {operands, lanewise<lessEqualOrNot<T>>};
  o["setp.gtu." + type] = {operands, lanewise<greaterOrNot<T>>};
  o["setp.geu." + type] = {operands, lanewise<greaterEqualOrNot<T>>};
  o["setp.num." + type] = {operands, lanewise<areNumbers<T>>};
  o["setp.nan." + type] = {operands, lanewise<isNaN<T>>};
}

template <class U, class S>
void addIntegersOf(Opcodes& o, const std::string& bits, const char* operands) {
  addOrdered<U>(o, "u" + bits, operands);
  addOrdered<S>(o, "s" + bits, operands);
  o["setp.eq.b" + bits] = {operands, lanewise<equal<U>>};
  o["setp.ne.b" + bits] = {operands, lanewise<different<U>>};
}

}  // namespace

void addComparisons(Opcodes& o) {
  addIntegersOf<uint16_t, int16_t>(o, "16", "phh");
  addIntegersOf<uint32_t, int32_t>(o, "32", "pii");
  addIntegersOf<uint64_t, int64_t>(o, "64", "pll");
  addOrdered<float>(o, "f32", "pii");
  addUnordered<float>(o, "f32", "pii");
  addOrdered<double>(o, "f64", "pll");
  addUnordered<double>(o, "f64", "pll");
}

}  // namespace ptx
}  // namespace trainyard
