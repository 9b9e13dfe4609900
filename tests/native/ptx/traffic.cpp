#include "traffic.h"

#include <algorithm>

namespace trainyard {
namespace ptx {
namespace {

constexpr uint32_t kBanks = 32, kWord = 4, kSector = 32;

// Different numbers among some.
size_t different(uint64_t* numbers, size_t count) {
  std::sort(numbers, numbers + count);
  return static_cast<size_t>(std::unique(numbers, numbers + count) - numbers);
}

// Words of `bytes` at the addresses of some lanes.
size_t wordsOf(const uint64_t* addresses, uint32_t lanes, uint32_t bytes, uint64_t* words) {
  size_t count = 0;
  for (int lane = 0; lane < kWarpLanes; lane++) {
    if (!(lanes >> lane & 1u)) continue;
    for (uint64_t word = addresses[lane] / kWord; word * kWord < addresses[lane] + bytes; word++) words[count++] = word;
  }
  return different(words, count);
}

constexpr size_t kMaxWords = kWarpLanes * 5;

uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

}  // namespace

void Traffic::reachShared(const uint64_t (&addresses)[kWarpLanes], uint32_t lanes, uint32_t bytes) {
  shared.requests++;
  // 128 bytes are given at once: of wider numbers to a half of the warp, or a quarter.
  const int fusedCount = bytes <= 4 ? kWarpLanes : bytes <= 8 ? kWarpLanes / 2 : kWarpLanes / 4;
  for (int first = 0; first < kWarpLanes; first += fusedCount) {
    const uint32_t group = (fusedCount == kWarpLanes ? ~0u : (1u << fusedCount) - 1) << first & lanes;
    if (!group) continue;
    uint64_t words[kMaxWords];
    const size_t count = wordsOf(addresses, group, bytes, words);
    uint32_t ofBank[kBanks] = {};
    for (size_t i = 0; i < count; i++) ofBank[words[i] % kBanks]++;
    shared.parts += *std::max_element(ofBank, ofBank + kBanks);
    shared.min += ceilDiv(count, kBanks);
  }
}

void Traffic::reachGlobal(const uint64_t (&addresses)[kWarpLanes], uint32_t lanes, uint32_t bytes) {
  global.requests++;
  uint64_t words[kMaxWords];
  const size_t count = wordsOf(addresses, lanes, bytes, words);
  global.min += ceilDiv(count * kWord, kSector);
  for (size_t i = 0; i < count; i++) words[i] = words[i] * kWord / kSector;
  global.parts += different(words, count);
}

Traffic& Traffic::operator+=(const Traffic& other) {
  const auto add = [](Kind& to, const Kind& from) {
    to.requests += from.requests;
    to.parts += from.parts;
    to.min += from.min;
  };
  launches += other.launches;
  warpInstructions += other.warpInstructions;
  products += other.products;
  add(shared, other.shared);
  add(global, other.global);
  return *this;
}

}  // namespace ptx
}  // namespace trainyard
