#include "decode.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <map>

#include "numbers.h"
#include "opcodes.h"

namespace trainyard {
namespace ptx {
namespace {

const Opcodes& opcodes() {
  static const Opcodes all = [] {
    Opcodes made;
    addIntegers(made);
    addFloats(made);
    addComparisons(made);
    addConversions(made);
    addTransfers(made);
    addCollectives(made);
    addFragments(made);
    return made;
  }();
  return all;
}

struct Register {
  char letter;  // h, i, l or p
  uint32_t at;
  uint32_t number;  // 0: always known
};

bool isBraced(const std::string& text) { return !text.empty() && text[0] == '{'; }

std::vector<std::string> inBraces(const std::string& text) {
  return splitAtCommas(text.substr(1, text.size() - 2));
}

class Decoder {
 public:
  Decoder(const Module& module, const Entry& entry) : entry_(entry) {
    out_.name = entry.name;
    out_.parameterBytes = entry.parameterBytes;
    out_.maxThreads = entry.maxThreads;
    scopes_.emplace_back();
    // The first word is the predicate that nothing refers to, the second that which nobody asks for.
    out_.fileWords = kLanesOfRow;
    addSpecials();
    // Of fixed size first: what a launch asks for lies behind.
    for (const Statement& s : entry.statements) {
      if (s.kind == Statement::directive && s.name == ".shared") place(sharedVariable(s.operands[0], s.line));
    }
    for (const SharedVariable& v : module.shared()) {
      const size_t align = std::max<size_t>(v.align, 1);
      out_.sharedBytes = (out_.sharedBytes + align - 1) / align * align;
      addresses_[v.name] = kSharedBase + static_cast<uint32_t>(out_.sharedBytes);
    }
    for (const Parameter& p : entry.parameters) addresses_[p.name] = kParameterBase + static_cast<uint32_t>(p.offset);
  }

  Kernel decode() {
    for (const Statement& s : entry_.statements) {
      line_ = s.line;
      switch (s.kind) {
        case Statement::open: scopes_.emplace_back(); break;
        case Statement::close: scopes_.pop_back(); break;
        case Statement::label: labels_[s.name] = static_cast<uint32_t>(out_.code.size()); break;
        case Statement::directive: directive(s); break;
        case Statement::instruction: instruction(s); break;
      }
    }
    // Whoever runs off the end has ended.
    Statement end;
    end.name = "ret";
    end.line = line_;
    instruction(end);
    for (const auto& jump : jumps_) {
      const auto label = labels_.find(jump.second);
      if (label == labels_.end()) fail("there is no label " + jump.second);
      out_.code[jump.first].target = label->second;
    }
    return std::move(out_);
  }

 private:
  static constexpr size_t kLanesOfRow = 32;
  static constexpr uint32_t kIgnoredPredicate = 1;

  [[noreturn]] void fail(const std::string& what) const {
    throw TextError(entry_.name + ", PTX line " + std::to_string(line_) + ": " + what);
  }

  uint32_t newRow(size_t words) {
    const size_t at = out_.fileWords;
    out_.fileWords += words;
    return static_cast<uint32_t>(at);
  }

  void addSpecials() {
    const std::pair<const char*, Special> named[] = {
        {"%tid.x", Special::tidX},     {"%tid.y", Special::zero},     {"%tid.z", Special::zero},
        {"%ntid.x", Special::ntidX},   {"%ntid.y", Special::one},     {"%ntid.z", Special::one},
        {"%ctaid.x", Special::ctaidX}, {"%ctaid.y", Special::ctaidY}, {"%ctaid.z", Special::zero},
        {"%nctaid.x", Special::nctaidX}, {"%nctaid.y", Special::nctaidY}, {"%nctaid.z", Special::one},
        {"%laneid", Special::laneId}};
    for (const auto& special : named) {
      const uint32_t at = newRow(kLanesOfRow);
      out_.specials.push_back({at, special.second});
      scopes_[0][special.first] = {'i', at, 0};
    }
  }

  void place(const SharedVariable& v) {
    out_.sharedBytes = (out_.sharedBytes + v.align - 1) / v.align * v.align;
    addresses_[v.name] = kSharedBase + static_cast<uint32_t>(out_.sharedBytes);
    out_.sharedBytes += v.bytes;
  }

  void directive(const Statement& s) {
    if (s.name == ".shared") return;
    if (s.name != ".reg") fail("what " + s.name + " declares is not known");
    // `.b32 %r<26>` or `.b16 low, high`
    const std::string& text = s.operands[0];
    const size_t space = text.find_first_of(" \t");
    const std::string type = text.substr(0, space);
    const char letter = type == ".pred" ? 'p' : letterOf(bytesOfType(type, line_));
    for (const std::string& declared : splitAtCommas(text.substr(space))) {
      const size_t count = declared.find('<');
      if (count == std::string::npos) {
        declare(declared, letter);
        continue;
      }
      const std::string prefix = declared.substr(0, count);
      for (int n = 0, many = std::atoi(declared.c_str() + count + 1); n < many; n++)
        declare(prefix + std::to_string(n), letter);
    }
  }

  static char letterOf(int bytes) { return bytes == 8 ? 'l' : bytes == 4 ? 'i' : 'h'; }

  void declare(const std::string& name, char letter) {
    const size_t words = letter == 'p' ? 1 : letter == 'l' ? 2 * kLanesOfRow : kLanesOfRow;
    scopes_.back()[name] = {letter, newRow(words), static_cast<uint32_t>(out_.registers++)};
  }

  const Register* find(const std::string& name) const {
    for (size_t s = scopes_.size(); s-- > 0;) {
      const auto found = scopes_[s].find(name);
      if (found != scopes_[s].end()) return &found->second;
    }
    return nullptr;
  }

  uint32_t registerOf(const std::string& name, char letter) const {
    const Register* found = find(name);
    if (!found) fail("there is no register " + name);
    if (found->letter != letter) fail(name + " is no register of the size that the instruction has");
    return found->at;
  }

  uint32_t constant(uint64_t bits, bool isWide) {
    const auto key = std::make_pair(isWide, bits);
    const auto known = constants_.find(key);
    if (known != constants_.end()) return known->second;
    const uint32_t at = newRow(isWide ? 2 * kLanesOfRow : kLanesOfRow);
    out_.constants.push_back({at, isWide, bits});
    constants_[key] = at;
    return at;
  }

  // Of a register, a number or a variable's address.
  uint32_t value(const std::string& text, char letter) {
    if (find(text)) return registerOf(text, letter);
    if (letter == 'p') return constantPredicate(text);
    const auto variable = addresses_.find(text);
    const uint64_t bits = variable != addresses_.end() ? variable->second : number(text);
    return constant(letter == 'l' ? bits : letter == 'h' ? bits & 0xffffu : bits & 0xffffffffu, letter == 'l');
  }

  // All lanes of it: a row whose words are all ones, or zeros.
  uint32_t constantPredicate(const std::string& text) { return constant(number(text) ? 0xffffffffu : 0u, false); }

  uint64_t number(const std::string& text) const {
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'f' || text[1] == 'F'))
      return std::strtoull(text.c_str() + 2, nullptr, 16);
    if (text.size() > 2 && text[0] == '0' && (text[1] == 'd' || text[1] == 'D'))
      return std::strtoull(text.c_str() + 2, nullptr, 16);
    char* end = nullptr;
    const uint64_t bits = text[0] == '-' ? static_cast<uint64_t>(std::strtoll(text.c_str(), &end, 0))
                                         : std::strtoull(text.c_str(), &end, 0);
    if (text.empty() || (*end != '\0' && std::string(end) != "U")) fail("'" + text + "' is no operand that is known");
    return bits;
  }

  std::string baseOf(const std::string& text) const {
    if (text.size() < 3 || text[0] != '[') fail("'" + text + "' is no address");
    return trimmed(text.substr(1, text.find_first_of("+-]", 2) - 1));
  }

  // `[base+offset]`: the base's row; the offset is noted.
  uint32_t address(const std::string& text, int32_t& offset, bool& isWide) {
    const std::string base = baseOf(text), inside = trimmed(text.substr(1, text.size() - 2));
    const size_t sign = inside.find_first_of("+-", 1);
    offset = 0;
    if (sign != std::string::npos) {
      const std::string rest = trimmed(inside.substr(sign + 1));
      const auto by = static_cast<int64_t>(number(rest));
      offset = static_cast<int32_t>(inside[sign] == '-' ? -by : by);
    }
    if (const Register* found = find(base)) {
      isWide = found->letter == 'l';
      if (found->letter != 'l' && found->letter != 'i') fail(base + " holds no address");
      return found->at;
    }
    isWide = false;
    return value(base, 'i');
  }

  void guard(const std::string& text, Instruction& i) {
    if (text.empty()) return;
    i.isGuardNegated = text.size() > 1 && text[1] == '!';
    const std::string name = text.substr(i.isGuardNegated ? 2 : 1);
    i.guard = registerOf(name, 'p');
    i.guardNumber = find(name)->number;
  }

  // Opcodes that mean different things by their operands have a word behind their name in the table.
  std::string keyOf(const Statement& s) const {
    if (s.name.compare(0, 4, "mov.") == 0 && s.operands.size() == 2) {
      if (isBraced(s.operands[0])) return s.name + " unpack";
      if (isBraced(s.operands[1])) return s.name + " pack";
    }
    if (s.name.compare(0, 8, "cp.async") == 0 && s.operands.size() == 4) return s.name + " partial";
    return s.name;
  }

  void instruction(const Statement& s) {
    const auto known = opcodes().find(keyOf(s));
    if (known == opcodes().end()) fail("the opcode " + s.name + " is not known");
    const Opcode& opcode = known->second;
    Instruction i;
    i.step = opcode.step;
    i.flow = opcode.flow;
    i.line = static_cast<uint32_t>(s.line);
    i.operands = static_cast<uint32_t>(out_.operands.size());
    guard(s.guard, i);
    size_t next = 0;
    const auto take = [&]() -> const std::string& {
      if (next == s.operands.size()) fail(s.name + " has too few operands");
      return s.operands[next++];
    };
    for (const char* letter = opcode.operands; *letter; letter++) {
      if (std::isdigit(static_cast<unsigned char>(*letter))) {
        const auto count = static_cast<size_t>(*letter++ - '0');
        const std::string& list = take();
        const std::vector<std::string> parts = isBraced(list) ? inBraces(list) : std::vector<std::string>();
        if (parts.size() != count) fail(s.name + " takes " + std::to_string(count) + " registers in braces");
        for (const std::string& part : parts) operand(part, *letter, opcode, i);
        i.count = static_cast<uint8_t>(count);
      } else {
        operand(take(), *letter, opcode, i);
      }
      // What stands first is what is written, unless it is an address, or a barrier's mask.
      if (next == 1 && std::strchr("hilrpq", *letter) && s.name != "bar.warp.sync") {
        i.results = static_cast<uint8_t>(out_.operands.size() - i.operands);
        if (out_.numbers[i.operands] == 0) fail(s.name + " writes to what is no register: " + s.operands[0]);
      }
    }
    if (next != s.operands.size()) fail(s.name + " has too many operands");
    i.operandCount = static_cast<uint8_t>(out_.operands.size() - i.operands);
    if (i.flow == Flow::collective)
      i.count = static_cast<uint8_t>(out_.operands.size() - i.operands - 1);
    if (i.flow == Flow::barrier && i.offset != 0) fail("barriers other than the first are not known");
    note(opcode, i);
    out_.code.push_back(i);
    out_.places.push_back(s.place);
  }

  void operand(const std::string& text, char letter, const Opcode& opcode, Instruction& i) {
    uint32_t at = 0;
    std::string name = text;
    switch (letter) {
      case 'm': name = baseOf(text), at = address(text, i.offset, i.isAddressWide); break;
      case 'a': {
        int32_t offset = 0;
        bool isWide = false;
        name = baseOf(text);
        at = address(text, offset, isWide);
        if (isWide) fail("addresses of shared memory have 32 bits here");
        i.target = static_cast<uint32_t>(offset);
        break;
      }
      case 't': jumps_.emplace_back(out_.code.size(), text); return;
      case 'n': i.offset = static_cast<int32_t>(number(text)); return;
      case 'c': i.count = static_cast<uint8_t>(number(text)); return;
      case 'q': {
        const size_t bar = text.find('|');
        const std::string first = trimmed(text.substr(0, bar));
        push(registerOf(first, 'i'), first);
        name = bar == std::string::npos ? "" : trimmed(text.substr(bar + 1));
        at = name.empty() ? kIgnoredPredicate : registerOf(name, 'p');
        break;
      }
      case 'r': {
        const Register* found = find(text);
        const char held = found ? found->letter : opcode.bytes == 8 ? 'l' : 'i';
        if (held == 'p') fail(text + " is no register that memory can be moved to or from");
        if (held == 'l') i.step = opcode.wideStep;
        at = value(text, held);
        break;
      }
      default: at = value(text, letter);
    }
    push(at, name);
  }

  void push(uint32_t at, const std::string& name) {
    const Register* found = find(name);
    out_.operands.push_back(at);
    out_.numbers.push_back(found ? found->number : 0);
  }

  // What races are looked for in.
  void note(const Opcode& opcode, const Instruction& i) {
    const auto lower = [](size_t& granule, size_t bytes) { granule = std::min(granule, bytes); };
    if (opcode.source != Space::none) {
      if (i.count != 4 && i.count != 8 && i.count != 16) fail("copies have 4, 8 or 16 bytes");
      lower(out_.sharedGranule, i.count);
      // Parts of them are of numbers, of 2 bytes at least.
      const bool isPartial = opcode.operands[3] != '\0';
      lower(out_.globalGranule, isPartial ? size_t{2} : size_t{i.count});
      return;
    }
    const size_t bytes = i.flow == Flow::whole ? 16 : static_cast<size_t>(opcode.bytes) * i.count;
    if (opcode.space == Space::shared) lower(out_.sharedGranule, bytes);
    if (opcode.space == Space::global) lower(out_.globalGranule, bytes);
  }

  const Entry& entry_;
  Kernel out_;
  int line_ = 0;
  std::vector<std::unordered_map<std::string, Register>> scopes_;
  std::map<std::string, uint32_t> addresses_;  // of variables and parameters, each in its space
  std::map<std::pair<bool, uint64_t>, uint32_t> constants_;
  std::map<std::string, uint32_t> labels_;
  std::vector<std::pair<size_t, std::string>> jumps_;
};

}  // namespace

Kernel decode(const Module& module, const Entry& entry) { return Decoder(module, entry).decode(); }

}  // namespace ptx
}  // namespace trainyard
