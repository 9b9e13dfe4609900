// The text of a PTX module: its entries, and the statements of their bodies. What statements mean is decode.h's.
#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace trainyard {
namespace ptx {

// PTX that can't be read, or that this interpreter does not know: it names the line.
class TextError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where in the source something comes from; file 0: it is not told.
struct Place {
  int file = 0, line = 0;
  int callerFile = 0, callerLine = 0;  // of what was inlined
};

struct Statement {
  enum Kind { instruction, label, open, close, directive };
  Kind kind = instruction;
  int line = 0;  // of the text
  Place place;
  std::string guard;  // `@%p1`, `@!%p1` or nothing
  std::string name;   // opcode, label or directive
  std::vector<std::string> operands;
};

struct Parameter {
  std::string name;
  size_t offset = 0, bytes = 0;
};

struct Entry {
  std::string name;
  std::vector<Parameter> parameters;
  size_t parameterBytes = 0;
  int maxThreads = 1024;
  std::vector<Statement> statements;
};

// Space for a variable in shared memory; `bytes` 0: what a launch asks for.
struct SharedVariable {
  std::string name;
  size_t bytes = 0, align = 1;
};

class Module {
 public:
  // Notes where entries are; they are read when they are asked for.
  explicit Module(std::string text);
  // Mangled, as they stand in the text.
  const std::vector<std::string>& entries() const { return names_; }
  // Throws TextError.
  Entry entry(const std::string& name) const;
  const std::vector<SharedVariable>& shared() const { return shared_; }
  // The source's name, of its number in a Place; empty where it is not told.
  std::string fileName(int number) const;

 private:
  std::string text_;
  std::vector<std::string> names_;
  std::map<std::string, std::pair<size_t, int>> starts_;  // offset of the name, and its line
  std::vector<SharedVariable> shared_;
  std::map<int, std::string> files_;
};

// `.shared .align 4 .b8 name[64]`, without its first word.
SharedVariable sharedVariable(const std::string& declaration, int line);
std::vector<std::string> splitAtCommas(const std::string& list);
std::string trimmed(const std::string& text);
int bytesOfType(const std::string& type, int line);

}  // namespace ptx
}  // namespace trainyard
