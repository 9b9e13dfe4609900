#include "text.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>

namespace trainyard {
namespace ptx {
namespace {

[[noreturn]] void fail(int line, const std::string& what) {
  throw TextError("PTX line " + std::to_string(line) + ": " + what);
}

bool isNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_' || c == '$' || c == '%'; }
bool isNamePart(char c) { return isNameStart(c) || std::isdigit(static_cast<unsigned char>(c)); }

// Reads text piece by piece and counts lines.
class Reader {
 public:
  Reader(const std::string& text, size_t at, int line) : text_(text), at_(at), line_(line) {}
  size_t at() const { return at_; }
  int line() const { return line_; }
  bool ended() const { return at_ >= text_.size(); }
  char peek() const { return ended() ? '\0' : text_[at_]; }
  char next() {
    const char c = text_[at_++];
    if (c == '\n') line_++;
    return c;
  }
  void skipSpace() {
    while (!ended()) {
      if (std::isspace(static_cast<unsigned char>(peek()))) {
        next();
      } else if (text_.compare(at_, 2, "//") == 0) {
        restOfLine();
      } else {
        return;
      }
    }
  }
  std::string restOfLine() {
    std::string out;
    while (!ended() && peek() != '\n') out += next();
    return out;
  }
  std::string name() {
    std::string out;
    while (isNamePart(peek())) out += next();
    return out;
  }
  // Up to one of the characters, which is read, too, and no part of it.
  std::string until(char end) {
    std::string out;
    while (peek() != end) {
      if (ended()) fail(line_, "the text ends in the middle of a statement");
      if (text_.compare(at_, 2, "//") == 0) restOfLine();
      else out += next();
    }
    next();
    return trimmed(out);
  }

 private:
  const std::string& text_;
  size_t at_;
  int line_;
};

std::vector<std::string> words(const std::string& text) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : text + " ") {
    if (!std::isspace(static_cast<unsigned char>(c)) && c != ',') {
      word += c;
    } else if (!word.empty()) {
      out.push_back(std::move(word));
      word.clear();
    }
  }
  return out;
}

// `.loc file line column[, function_name label, inlined_at file line column]`
Place placeOf(const std::vector<std::string>& parts) {
  Place place;
  if (parts.size() >= 3) {
    place.file = std::atoi(parts[1].c_str());
    place.line = std::atoi(parts[2].c_str());
  }
  const auto at = std::find(parts.begin(), parts.end(), "inlined_at");
  if (parts.end() - at >= 3) {
    place.callerFile = std::atoi(at[1].c_str());
    place.callerLine = std::atoi(at[2].c_str());
  }
  return place;
}

std::vector<Parameter> parametersOf(const std::string& list, int line, size_t& bytes) {
  std::vector<Parameter> out;
  bytes = 0;
  if (trimmed(list).empty()) return out;
  for (const std::string& declared : splitAtCommas(list)) {
    // Apart from where they lie, parameters are declared as variables are.
    const SharedVariable v = sharedVariable(declared, line);
    Parameter p;
    p.name = v.name;
    p.bytes = v.bytes;
    p.offset = (bytes + v.align - 1) / v.align * v.align;
    bytes = p.offset + p.bytes;
    out.push_back(std::move(p));
  }
  return out;
}

// The body of an entry, behind its brace.
std::vector<Statement> bodyOf(Reader& reader) {
  std::vector<Statement> out;
  Place place;
  for (int depth = 1;;) {
    reader.skipSpace();
    Statement s;
    s.line = reader.line();
    if (reader.ended()) fail(s.line, "the text ends in the middle of an entry");
    const char c = reader.peek();
    if (c == '{' || c == '}') {
      reader.next();
      depth += c == '{' ? 1 : -1;
      if (depth == 0) return out;
      s.kind = c == '{' ? Statement::open : Statement::close;
      out.push_back(std::move(s));
      continue;
    }
    if (c == ';') {
      reader.next();
      continue;
    }
    if (c == '.') {
      reader.next();
      s.kind = Statement::directive;
      s.name = "." + reader.name();
      if (s.name == ".loc") {
        place = placeOf(words(s.name + " " + reader.restOfLine()));
        continue;
      }
      s.operands = {reader.until(';')};
      if (s.name != ".pragma") out.push_back(std::move(s));
      continue;
    }
    if (c == '@') {
      while (!std::isspace(static_cast<unsigned char>(reader.peek()))) s.guard += reader.next();
      reader.skipSpace();
    }
    while (isNamePart(reader.peek()) || reader.peek() == '.') s.name += reader.next();
    if (reader.peek() == ':' && s.guard.empty() && s.name.find('.') == std::string::npos) {
      reader.next();
      s.kind = Statement::label;
      out.push_back(std::move(s));
      continue;
    }
    // The rest of an opcode may hold colons: `.L2::128B`.
    while (reader.peek() == ':' || reader.peek() == '.' || isNamePart(reader.peek())) s.name += reader.next();
    if (s.name.empty()) fail(s.line, "what begins with '" + std::string(1, c) + "' is no statement");
    s.operands = splitAtCommas(reader.until(';'));
    s.place = place;
    out.push_back(std::move(s));
  }
}

}  // namespace

std::string trimmed(const std::string& text) {
  size_t from = 0, to = text.size();
  while (from < to && std::isspace(static_cast<unsigned char>(text[from]))) from++;
  while (to > from && std::isspace(static_cast<unsigned char>(text[to - 1]))) to--;
  return text.substr(from, to - from);
}

std::vector<std::string> splitAtCommas(const std::string& list) {
  std::vector<std::string> out;
  std::string part;
  int depth = 0;
  for (const char c : list) {
    if (c == '{' || c == '[') depth++;
    if (c == '}' || c == ']') depth--;
    if (c == ',' && depth == 0) {
      out.push_back(trimmed(part));
      part.clear();
    } else {
      part += c;
    }
  }
  if (!trimmed(part).empty() || !out.empty()) out.push_back(trimmed(part));
  return out;
}

int bytesOfType(const std::string& type, int line) {
  const size_t digit = type.find_first_of("0123456789");
  const int bits = digit == std::string::npos ? 0 : std::atoi(type.c_str() + digit);
  if (bits != 8 && bits != 16 && bits != 32 && bits != 64) fail(line, "there is no type '" + type + "'");
  return bits / 8;
}

SharedVariable sharedVariable(const std::string& declaration, int line) {
  SharedVariable out;
  int element = 0;
  std::vector<std::string> parts = words(declaration);
  for (size_t i = 0; i < parts.size(); i++) {
    const std::string& word = parts[i];
    if (word == ".align") {
      if (++i < parts.size()) out.align = static_cast<size_t>(std::atoi(parts[i].c_str()));
    } else if (word[0] == '.') {
      if (word != ".param" && word != ".ptr" && word != ".global" && word != ".shared") element = bytesOfType(word, line);
    } else {
      const size_t bracket = word.find('[');
      out.name = word.substr(0, bracket);
      const size_t count = bracket == std::string::npos ? 1 : static_cast<size_t>(std::atoi(word.c_str() + bracket + 1));
      out.bytes = count * static_cast<size_t>(element);
    }
  }
  if (out.name.empty() || element == 0 || out.align == 0) fail(line, "'" + declaration + "' declares nothing");
  out.align = std::max(out.align, static_cast<size_t>(element));
  return out;
}

Module::Module(std::string text) : text_(std::move(text)) {
  // Directives of the module stand at the beginning of lines.
  int line = 1;
  for (size_t at = 0; at < text_.size(); line++) {
    size_t end = text_.find('\n', at);
    if (end == std::string::npos) end = text_.size();
    size_t first = at;
    while (first < end && std::isspace(static_cast<unsigned char>(text_[first]))) first++;
    const auto starts = [&](const char* with) { return text_.compare(first, std::strlen(with), with) == 0; };
    if (text_[first] == '.') {
      if (starts(".visible .entry") || starts(".entry") || starts(".weak .entry")) {
        Reader reader(text_, text_.find(".entry", first) + 6, line);
        reader.skipSpace();
        const std::pair<size_t, int> start{reader.at(), reader.line()};
        const std::string name = reader.name();
        names_.push_back(name);
        starts_[name] = start;
      } else if (starts(".extern .shared")) {
        Reader reader(text_, first + std::strlen(".extern .shared"), line);
        shared_.push_back(sharedVariable(reader.until(';'), line));
        shared_.back().bytes = 0;
      } else if (starts(".file")) {
        const std::string rest = text_.substr(first, end - first);
        const size_t from = rest.find('"'), to = rest.rfind('"');
        if (from < to) files_[std::atoi(rest.c_str() + 5)] = rest.substr(from + 1, to - from - 1);
      } else if (starts(".global") || starts(".const") || starts(".func") || starts(".visible .func") ||
                 starts(".visible .global") || starts(".visible .const")) {
        fail(line, "variables and functions of a module are not known: " + text_.substr(first, end - first));
      }
    }
    at = end + 1;
  }
}

Entry Module::entry(const std::string& name) const {
  const auto start = starts_.find(name);
  if (start == starts_.end()) throw TextError("the PTX has no entry " + name);
  Reader reader(text_, start->second.first, start->second.second);
  Entry out;
  out.name = reader.name();
  reader.skipSpace();
  if (reader.peek() == '(') {
    reader.next();
    out.parameters = parametersOf(reader.until(')'), reader.line(), out.parameterBytes);
  }
  // Bounds of the launch, up to the body.
  for (std::vector<std::string> bounds = words(reader.until('{')); !bounds.empty(); bounds.erase(bounds.begin())) {
    if (bounds[0] != ".maxntid" && bounds[0] != ".reqntid") continue;
    out.maxThreads = 1;
    for (size_t i = 1; i < bounds.size() && bounds[i][0] != '.'; i++) out.maxThreads *= std::atoi(bounds[i].c_str());
  }
  out.statements = bodyOf(reader);
  return out;
}

std::string Module::fileName(int number) const {
  const auto found = files_.find(number);
  return found == files_.end() ? "" : found->second;
}

}  // namespace ptx
}  // namespace trainyard
