// Instructions that each lane does for itself, made of functions of single numbers.
#pragma once
#include <tuple>
#include <type_traits>
#include <utility>

#include "block.h"

namespace trainyard {
namespace ptx {

// Numbers of 16 bits lie in the lower half of a lane's word; nobody looks at the upper half.
template <class T>
struct Held {
  using Type = T;
  static T get(typename Warp::Lane<T>::type* row, int lane) { return row[lane]; }
};
template <class T>
struct HeldShort {
  using Type = uint32_t;
  static T get(typename Warp::Lane<uint32_t>::type* row, int lane) { return static_cast<T>(row[lane]); }
};
template <>
struct Held<uint16_t> : HeldShort<uint16_t> {};
template <>
struct Held<int16_t> : HeldShort<int16_t> {};
template <>
struct Held<uint8_t> : HeldShort<uint8_t> {};
template <>
struct Held<int8_t> : HeldShort<int8_t> {};
// A predicate is a bit of one word.
template <>
struct Held<bool> {
  using Type = uint32_t;
  static bool get(typename Warp::Lane<uint32_t>::type* row, int lane) { return row[0] >> lane & 1u; }
};

template <class T>
struct Unsigned {
  using Type = T;
};
template <>
struct Unsigned<int16_t> {
  using Type = uint16_t;
};
template <>
struct Unsigned<int8_t> {
  using Type = uint8_t;
};

template <auto f, class F = decltype(f)>
struct Lanewise;

template <auto f, class D, class... A>
struct Lanewise<f, D (*)(A...)> {
  static void step(Warp& w, const Instruction& i) { run(w, i, std::index_sequence_for<A...>()); }

 private:
  template <size_t... n>
  static void run(Warp& w, const Instruction& i, std::index_sequence<n...>) {
    const auto rows = std::make_tuple(w.row<typename Held<A>::Type>(i, static_cast<int>(n) + 1)...);
    if constexpr (std::is_same<D, bool>::value) {
      uint32_t bits = 0;
      w.each([&](int lane) { bits |= static_cast<uint32_t>(f(Held<A>::get(std::get<n>(rows), lane)...)) << lane; });
      uint32_t* out = w.word(i, 0);
      *out = (*out & ~w.active) | bits;
    } else {
      auto* out = w.row<typename Held<D>::Type>(i, 0);
      w.each([&](int lane) {
        out[lane] = static_cast<typename Unsigned<D>::Type>(f(Held<A>::get(std::get<n>(rows), lane)...));
      });
    }
  }
};

template <auto f>
constexpr Step lanewise = &Lanewise<f>::step;

}  // namespace ptx
}  // namespace trainyard
