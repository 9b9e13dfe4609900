#include "quantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <vector>

namespace trainyard {
namespace {

std::vector<double> dynamicMap(bool isSigned, int bits) {
  const int exponents = bits - 1;
  std::vector<double> values = {0.0, 1.0};
  for (int i = 0; i < exponents; i++) {
    const int parts = 1 << (i + (isSigned ? 0 : 1));
    for (int k = 0; k < parts; k++) {
      // The middle of the k-th of `parts` equal parts of [0.1, 1], in the i-th decade.
      const double fraction = 0.1 + 0.9 * (k + 0.5) / parts;
      const double value = fraction * std::pow(10.0, i - exponents + 1);
      values.push_back(value);
      if (isSigned) values.push_back(-value);
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

float fromBits(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

QuantizationMap makeMap(const std::vector<double>& values, bool keepSign) {
  const size_t n = values.size();
  QuantizationMap map;
  for (size_t i = 0; i < 256; i++) {
    map.values[i] = static_cast<float>(values[std::min(i, n - 1)]);
    map.middles[i] =
        i + 1 < n ? static_cast<float>((values[i] + values[i + 1]) / 2) : std::numeric_limits<float>::infinity();
    if (keepSign && i + 1 < n && values[i] < 0 && values[i + 1] == 0) {
      map.middles[i] = -std::numeric_limits<float>::denorm_min();
    }
  }
  const float* const begin = map.middles;
  const auto below = [&](float x) { return std::lower_bound(begin, begin + n - 1, x) - begin; };
  for (uint32_t upper = 0; upper < 65536; upper++) {
    const float first = fromBits(upper << 16), last = fromBits(upper << 16 | 0xffffu);
    if (std::isnan(first) || std::isnan(last)) {
      map.base[upper] = static_cast<uint8_t>(n - 1);
      continue;
    }
    const auto low = below(std::min(first, last)), high = below(std::max(first, last));
    if (high > low + 1) throw std::logic_error("two middles of a quantization map begin alike");
    map.base[upper] = static_cast<uint8_t>(low);
  }
  return map;
}

std::vector<double> sixteenths() {
  std::vector<double> values;
  for (int k = 1; k <= 16; k++) values.push_back(k / 16.0);
  return values;
}

}  // namespace

const QuantizationMap& signedMap8() {
  static const QuantizationMap map = makeMap(dynamicMap(true, 8), true);
  return map;
}

const QuantizationMap& unsignedMap8() {
  static const QuantizationMap map = makeMap(dynamicMap(false, 8), false);
  return map;
}

const QuantizationMap& signedMap4() {
  static const QuantizationMap map = makeMap(dynamicMap(true, 4), false);
  return map;
}

const QuantizationMap& unsignedMap4() {
  static const QuantizationMap map = makeMap(sixteenths(), false);
  return map;
}

}  // namespace trainyard
