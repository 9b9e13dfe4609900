#include "block.h"

#include <algorithm>

namespace trainyard {
namespace ptx {
namespace {

// Of shared memory before a copy arrives, and before anything was written.
constexpr int kPoison = 0xcb;

std::string fileAt(const Module& module, int file, int line) {
  const std::string name = module.fileName(file);
  const size_t slash = name.rfind('/');
  return (slash == std::string::npos ? name : name.substr(slash + 1)) + ":" + std::to_string(line);
}

}  // namespace

std::string Block::title() const {
  return kernel->name + ", block " + std::to_string(x) + "," + std::to_string(y);
}

std::string Block::place(uint32_t pc) const {
  std::string out = "PTX line " + std::to_string(kernel->code[pc].line);
  const Place& place = kernel->places[pc];
  if (place.file > 0) out += ", " + fileAt(module_, place.file, place.line);
  if (place.callerFile > 0) out += " in " + fileAt(module_, place.callerFile, place.callerLine);
  return out;
}

void Block::failAt(int thread, uint32_t pc, const std::string& what) const {
  throw Fault(title() + ", thread " + std::to_string(thread) + ": " + what + " (" + place(pc) + ")");
}

const Range* Block::look(const Warp& warp, int lane, uint64_t address, uint32_t bytes) {
  Range* found = memory_.find(address, bytes);
  if (!found) {
    const Range* near = memory_.find(address, 1);
    std::string where = "no memory of the GPU lies at " + std::to_string(address);
    if (!near && address > 0 && memory_.find(address - 1, 1)) near = memory_.find(address - 1, 1);
    if (near)
      where = "it reaches byte " + std::to_string(address - near->begin + bytes - 1) + " of an allocation of " +
              std::to_string(near->bytes);
    fail(warp, lane, where);
  }
  last_ = found;
  return found;
}

void Block::misaligned(const Warp& warp, int lane, const char* space, uint64_t at, uint32_t bytes) const {
  fail(warp, lane, std::string(space) + " byte " + std::to_string(at) + " is not aligned to " + std::to_string(bytes));
}

void Block::outside(const Warp& warp, int lane, uint64_t offset, uint32_t bytes) const {
  const auto from = static_cast<int64_t>(offset);
  fail(warp, lane, "it reaches shared byte " + std::to_string(from < 0 ? from : from + bytes - 1) + " of " +
                       std::to_string(sharedMemory.size()));
}

void Block::awaits(const Warp& warp, int lane, uint64_t offset, const Cell& cell) const {
  const std::string by = std::to_string(cell.pending - 1);
  fail(warp, lane, "shared byte " + std::to_string(offset) + " awaits a copy of thread " + by);
}

void Block::neverWritten(const Warp& warp, int lane, uint64_t offset) const {
  fail(warp, lane, "shared byte " + std::to_string(offset) + " is read and was never written");
}

std::string Block::other(const Cell& cell, bool isWrite) const {
  const uint32_t at = isWrite ? cell.writeAt : cell.readAt;
  return at < kernel->code.size() ? " at " + place(at) : "";
}

void Block::sharedRace(const Warp& warp, int lane, uint64_t offset, const Cell& cell, const char* wrong) const {
  const bool isWrite = !std::strstr(wrong, "reads");
  const std::string who = isWrite ? "thread " + std::to_string(cell.writer & Cell::kSeveral) : "other threads";
  fail(warp, lane, "shared byte " + std::to_string(offset) + wrong + who + other(cell, isWrite));
}

void Block::globalRace(const Warp& warp, int lane, uint64_t address, const Cell& cell, const char* wrong) const {
  const bool isWrite = !std::strstr(wrong, "reads");
  const uint32_t stamp = isWrite ? cell.writeStamp : cell.readStamp;
  const bool isElsewhere = stamp < now.block || (!isWrite && cell.earlierRead >= now.launch);
  std::string who = isWrite ? "thread " + std::to_string(cell.writer & Cell::kSeveral) : "other threads";
  if (isElsewhere) who += " of another block";
  const std::string byte = std::to_string(address - last_->begin);
  fail(warp, lane, "byte " + byte + " of an allocation" + wrong + who + other(cell, isWrite));
}

void Block::countGlobal(const Warp& w, const Instruction& i, int operand, uint32_t bytes) {
  if (!traffic) return;
  uint64_t addresses[kLanes] = {};
  w.each([&](int lane) { addresses[lane] = w.address(i, operand, lane); });
  traffic->reachGlobal(addresses, w.active, bytes);
}

void Block::countShared(const Warp& w, const Instruction& i, int operand, uint32_t bytes) {
  if (!traffic) return;
  uint64_t addresses[kLanes] = {};
  w.each([&](int lane) { addresses[lane] = w.address(i, operand, lane); });
  traffic->reachShared(addresses, w.active, bytes);
}

void Block::copy(Warp& warp, int lane, const Copy& copy) {
  unsigned char* to = shared<Deed::write>(warp, lane, copy.to, copy.room);
  if (copy.from % copy.room != 0) misaligned(warp, lane, "global", copy.from, copy.room);
  const auto granule = static_cast<uint32_t>(kernel->globalGranule);
  if (copy.bytes > copy.room || copy.bytes % granule != 0)
    fail(warp, lane, "a copy has " + std::to_string(copy.bytes) + " bytes of " + std::to_string(copy.room));
  for (uint32_t byte = 0; byte < copy.bytes; byte += granule) global<Deed::read>(warp, lane, copy.from + byte, granule);
  std::memset(to, kPoison, copy.room);
  const size_t cell = (copy.to - kSharedBase) / kernel->sharedGranule;
  for (size_t i = 0; i < copy.room / kernel->sharedGranule; i++)
    sharedShadow.cells(cell)[i].pending = static_cast<uint16_t>(warp.index * kLanes + lane + 1);
  warp.copies[static_cast<size_t>(lane)].open.push_back(copy);
}

void Block::deliver(Warp& warp, int lane, size_t newest) {
  Copies& copies = warp.copies[static_cast<size_t>(lane)];
  // As late as is allowed: those that need not have arrived have not, and what they copy is read as they do.
  for (; copies.groups.size() > newest; copies.groups.pop_front()) {
    for (const Copy& copy : copies.groups.front()) {
      const size_t cell = (copy.to - kSharedBase) / kernel->sharedGranule;
      for (size_t i = 0; i < copy.room / kernel->sharedGranule; i++) sharedShadow.cells(cell)[i].pending = 0;
      unsigned char* to = shared<Deed::write>(warp, lane, copy.to, copy.room);
      const auto granule = static_cast<uint32_t>(kernel->globalGranule);
      std::memset(to, 0, copy.room);
      for (uint32_t byte = 0; byte < copy.bytes; byte += granule)
        std::memcpy(to + byte, global<Deed::read>(warp, lane, copy.from + byte, granule), granule);
    }
  }
}

}  // namespace ptx
}  // namespace trainyard
