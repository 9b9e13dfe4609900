// Failures that a user may meet: a code with arguments, which whoever shows it words. The codes are generated from
// electron/engine/devices/native/failures.ts, where the words are.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "codes.h"

namespace trainyard {

class Failure : public std::runtime_error {
 public:
  using Value = std::variant<double, std::string>;
  using Args = std::vector<std::pair<std::string, Value>>;

  explicit Failure(Code code, Args args = {})
      : std::runtime_error(nameOf(code)), code_(code), args_(std::move(args)) {}

  Code code() const { return code_; }
  const Args& args() const { return args_; }

 private:
  Code code_;
  Args args_;
};

// A number as an argument of a failure.
template <class Number>
double number(Number n) {
  return static_cast<double>(n);
}

}  // namespace trainyard
