// Loads, stores, atomic operations and asynchronous copies.
#include <algorithm>
#include <type_traits>

#include "block.h"
#include "numbers.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

template <Space space, Deed deed>
unsigned char* reach(Warp& w, int lane, uint64_t address, uint32_t bytes) {
  if constexpr (space == Space::global) return w.block->global<deed>(w, lane, address, bytes);
  else return w.block->shared<deed>(w, lane, address, bytes);
}

template <Space space>
void countTraffic(const Warp& w, const Instruction& i, int operand, uint32_t bytes) {
  if constexpr (space == Space::global) w.block->countGlobal(w, i, operand, bytes);
  else w.block->countShared(w, i, operand, bytes);
}

// T: as it lies in memory. Row: of the register; a narrower number is extended by its sign, or by zeros.
template <class T, class Row, Space space>
void load(Warp& w, const Instruction& i) {
  const uint32_t count = i.count;
  countTraffic<space>(w, i, i.count, count * sizeof(T));
  w.inTurn([&](int lane) {
    unsigned char* from = reach<space, Deed::read>(w, lane, w.address(i, i.count, lane), count * sizeof(T));
    for (uint32_t n = 0; n < count; n++) {
      T value;
      std::memcpy(&value, from + n * sizeof(T), sizeof value);
      w.row<Row>(i, static_cast<int>(n))[lane] = static_cast<Row>(value);
    }
  });
}

template <class T, class Row, Space space>
void store(Warp& w, const Instruction& i) {
  const uint32_t count = i.count;
  countTraffic<space>(w, i, 0, count * sizeof(T));
  w.inTurn([&](int lane) {
    unsigned char* to = reach<space, Deed::write>(w, lane, w.address(i, 0, lane), count * sizeof(T));
    for (uint32_t n = 0; n < count; n++) {
      const auto value = static_cast<T>(w.row<Row>(i, static_cast<int>(n) + 1)[lane]);
      std::memcpy(to + n * sizeof(T), &value, sizeof value);
    }
  });
}

// Of the arguments of a launch.
template <class T, class Row>
void loadParameter(Warp& w, const Instruction& i) {
  w.inTurn([&](int lane) {
    const unsigned char* from = w.block->parameter(w, lane, w.address(i, i.count, lane), i.count * sizeof(T));
    for (uint32_t n = 0; n < i.count; n++) {
      T value;
      std::memcpy(&value, from + n * sizeof(T), sizeof value);
      w.row<Row>(i, static_cast<int>(n))[lane] = static_cast<Row>(value);
    }
  });
}

template <class T>
T sum(T old, T with) {
  return static_cast<T>(static_cast<uint32_t>(old) + static_cast<uint32_t>(with));
}

// Operand 0: what was there before, unless nobody asks for it.
template <class T, T (*combined)(T, T), bool isAsked>
void atomic(Warp& w, const Instruction& i) {
  constexpr int kAddress = isAsked ? 1 : 0;
  w.inTurn([&](int lane) {
    unsigned char* at = w.block->global<Deed::add>(w, lane, w.address(i, kAddress, lane), sizeof(T));
    T old;
    std::memcpy(&old, at, sizeof old);
    const T now = combined(old, static_cast<T>(w.row<uint32_t>(i, kAddress + 1)[lane]));
    std::memcpy(at, &now, sizeof now);
    if (isAsked) w.row<uint32_t>(i, 0)[lane] = static_cast<uint32_t>(old);
  });
}

// Operands: shared address, global address, and how many of the bytes are copied, where that is told.
template <bool isPartial>
void copyAsync(Warp& w, const Instruction& i) {
  if (Traffic* traffic = w.block->traffic) {
    uint64_t to[kLanes] = {}, from[kLanes] = {};
    uint32_t copying = 0;
    w.each([&](int lane) {
      to[lane] = w.row<uint32_t>(i, 0)[lane] + i.target;
      from[lane] = w.address(i, 1, lane);
      if (!isPartial || w.row<uint32_t>(i, 2)[lane] > 0) copying |= 1u << lane;
    });
    traffic->reachShared(to, w.active, i.count);
    if (copying) traffic->reachGlobal(from, copying, i.count);
  }
  w.inTurn([&](int lane) {
    Copy copy;
    copy.to = w.row<uint32_t>(i, 0)[lane] + i.target;
    copy.from = w.address(i, 1, lane);
    copy.room = i.count;
    copy.bytes = isPartial ? w.row<uint32_t>(i, 2)[lane] : copy.room;
    copy.at = w.pc;
    w.block->copy(w, lane, copy);
  });
}

void commit(Warp& w, const Instruction&) {
  w.inTurn([&](int lane) {
    Copies& copies = w.copies[static_cast<size_t>(lane)];
    copies.groups.push_back(std::move(copies.open));
    copies.open.clear();
  });
}
void waitGroup(Warp& w, const Instruction& i) {
  w.inTurn([&](int lane) { w.block->deliver(w, lane, static_cast<size_t>(i.offset)); });
}
void waitAll(Warp& w, const Instruction& i) {
  commit(w, i);
  w.inTurn([&](int lane) { w.block->deliver(w, lane, 0); });
}

template <class T>
void addType(Opcodes& o, const std::string& type) {
  struct Count {
    const char *in, *load, *store;
  };
  constexpr auto bytes = static_cast<int>(sizeof(T));
  for (const Count& c : {Count{"", "rm", "mr"}, Count{"v2.", "2rm", "m2r"}, Count{"v4.", "4rm", "m4r"}}) {
    const auto add = [&](const char* opcode, const char* operands, Space space, Step step, Step wideStep) {
      o[opcode + std::string(c.in) + type] = {operands, step, wideStep, Flow::plain, space, bytes};
    };
    constexpr Space kGlobal = Space::global, kShared = Space::shared;
    add("ld.param.", c.load, Space::parameter, loadParameter<T, uint32_t>, loadParameter<T, uint64_t>);
    add("ld.global.", c.load, kGlobal, load<T, uint32_t, kGlobal>, load<T, uint64_t, kGlobal>);
    add("ld.shared.", c.load, kShared, load<T, uint32_t, kShared>, load<T, uint64_t, kShared>);
    add("st.global.", c.store, kGlobal, store<T, uint32_t, kGlobal>, store<T, uint64_t, kGlobal>);
    add("st.shared.", c.store, kShared, store<T, uint32_t, kShared>, store<T, uint64_t, kShared>);
  }
}

template <class T>
void addAtomics(Opcodes& o, const std::string& type) {
  const auto add = [&](const std::string& name, Step asked, Step unasked) {
    o["atom.global." + name + type] = {"imi", asked, nullptr, Flow::plain, Space::global, 4};
    o["red.global." + name + type] = {"mi", unasked, nullptr, Flow::plain, Space::global, 4};
  };
  add("max.", atomic<T, largest<T>, true>, atomic<T, largest<T>, false>);
  add("min.", atomic<T, lower<T>, true>, atomic<T, lower<T>, false>);
  add("add.", atomic<T, sum<T>, true>, atomic<T, sum<T>, false>);
}

}  // namespace

void addTransfers(Opcodes& o) {
  addType<uint8_t>(o, "u8");
  addType<uint8_t>(o, "b8");
  addType<int8_t>(o, "s8");
  addType<uint16_t>(o, "u16");
  addType<uint16_t>(o, "b16");
  addType<int16_t>(o, "s16");
  addType<uint32_t>(o, "u32");
  addType<uint32_t>(o, "b32");
  addType<uint32_t>(o, "f32");
  addType<int32_t>(o, "s32");
  for (const char* type : {"u64", "b64", "s64", "f64"}) addType<uint64_t>(o, type);
  addAtomics<uint32_t>(o, "u32");
  addAtomics<int32_t>(o, "s32");
  for (const char* hint : {"", ".L2::64B", ".L2::128B", ".L2::256B"}) {
    for (const char* level : {"ca", "cg"}) {
      const std::string name = std::string("cp.async.") + level + ".shared.global" + hint;
      o[name] = {"amc", copyAsync<false>, nullptr, Flow::plain, Space::shared, 0, Space::global};
      o[name + " partial"] = {"amci", copyAsync<true>, nullptr, Flow::plain, Space::shared, 0, Space::global};
    }
  }
  o["cp.async.commit_group"] = {"", commit};
  o["cp.async.wait_group"] = {"n", waitGroup};
  o["cp.async.wait_all"] = {"", waitAll};
  // Addresses are those of the host's memory, and one space's.
  o["cvta.to.global.u64"] = o["mov.u64"];
  o["cvta.global.u64"] = o["mov.u64"];
}

}  // namespace ptx
}  // namespace trainyard
