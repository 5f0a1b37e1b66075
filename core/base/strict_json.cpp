#include <algorithm>
#include <cstdint>
#include <set>
#include <stdexcept>
#include <utility>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/text.h"

namespace eexit {
namespace {

constexpr std::size_t most_bytes = std::size_t{1} << 20;
constexpr std::size_t most_depth = 32;

std::string json_text(std::string_view text) { return nlohmann::json(text).dump(); }

// Checks what the parser of the library lets pass (repeated keys, depth) and writes the compact form as it goes.
class StrictWriter {
 public:
  StrictWriter(std::string_view text, std::string const& file) : text_(text), file_(file) {}
  std::string take() { return std::move(out_); }

  // What nlohmann's sax_parse calls. Numbers that are no integers keep the form they are written in.
  bool null() { return value("null"); }
  bool boolean(bool flag) { return value(flag ? "true" : "false"); }
  bool number_integer(std::int64_t number) { return value(std::to_string(number)); }
  bool number_unsigned(std::uint64_t number) { return value(std::to_string(number)); }
  bool number_float(double, std::string const& written) { return value(written); }
  bool string(std::string const& text) { return value(json_text(text)); }
  bool binary(std::vector<std::uint8_t> const&) { throw std::logic_error("JSON text holds no binary values"); }
  bool start_object(std::size_t) { return open('{'); }
  bool start_array(std::size_t) { return open('['); }
  bool end_object() { return close('}'); }
  bool end_array() { return close(']'); }

  bool key(std::string const& name) {
    Level& object = levels_.back();
    object.key = name;
    if (!object.keys.insert(name).second)
      throw SpecError(file_ + " " + pointer() + ": key " + json_text(shortened(name, 60)) + " is written twice");
    if (object.count++ > 0) out_ += ',';
    out_ += json_text(name) + ":";
    return true;
  }

  bool parse_error(std::size_t position, std::string const&, nlohmann::json::exception const& error) {
    std::string what = error.what();
    // The library's own "[json.exception...] parse error at line 1, column 2: " says the place its own way.
    if (auto const end = what.find("] "); end != std::string::npos) what.erase(0, end + 2);
    if (what.starts_with("parse error")) what.erase(0, what.find(": ") + 2);
    fail_at(position == 0 ? 0 : position - 1, shortened(what, 200));
  }

  [[noreturn]] void fail_at(std::size_t offset, std::string const& what) const {
    auto const before = text_.substr(0, std::min(offset, text_.size()));
    auto const line = 1 + std::count(before.begin(), before.end(), '\n');
    auto const start = before.rfind('\n');
    auto const byte = before.size() - (start == std::string_view::npos ? 0 : start + 1) + 1;
    throw SpecError(file_ + " line " + std::to_string(line) + ", byte " + std::to_string(byte) + ": " + what);
  }

 private:
  struct Level {
    char kind;
    std::size_t count = 0;  // members begun
    std::string key = {};   // of the member being read
    std::set<std::string> keys = {};
  };

  bool value(std::string const& written) {
    begin_value();
    out_ += written;
    return true;
  }

  bool open(char kind) {
    begin_value();
    if (levels_.size() == most_depth)
      throw SpecError(file_ + " " + pointer() + ": nested deeper than " + std::to_string(most_depth) + " levels");
    levels_.push_back({.kind = kind});
    out_ += kind;
    return true;
  }

  bool close(char kind) {
    levels_.pop_back();
    out_ += kind;
    return true;
  }

  void begin_value() {
    if (levels_.empty() || levels_.back().kind != '[') return;
    if (levels_.back().count++ > 0) out_ += ',';
  }

  std::string pointer() const {
    std::string all;
    for (auto const& level : levels_)
      all += level.kind == '{' ? pointer_step(level.key) : pointer_step(level.count - 1);
    return all;
  }

  std::string_view text_;
  std::string const& file_;
  std::vector<Level> levels_;
  std::string out_;
};

}  // namespace

std::string pointer_step(std::string_view key) {
  std::string text = "/";
  for (char const c : key) {
    if (c == '~')
      text += "~0";
    else if (c == '/')
      text += "~1";
    else
      text += c;
  }
  return text;
}

std::string pointer_step(std::size_t index) { return "/" + std::to_string(index); }

std::string Source::place(std::string_view pointer) const {
  std::string where(pointer);
  // From the whole pointer down to "", cutting one step at a time: the first hit is the longest prefix.
  for (std::string_view prefix = pointer;; prefix = prefix.substr(0, prefix.rfind('/'))) {
    if (auto const known = origin.find(std::string(prefix)); known != origin.end()) {
      where = known->second + std::string(pointer.substr(prefix.size()));
      break;
    }
    if (prefix.find('/') == std::string_view::npos) break;
  }
  if (file.empty() || where.empty()) return file + where;
  return file + " " + where;
}

std::string strict_json(std::string_view text, std::string const& file) {
  if (text.size() > most_bytes)
    throw SpecError(file + ": larger than 1 MiB (" + grouped(static_cast<long long>(text.size())) + " bytes)");
  StrictWriter writer(text, file);
  if (auto const good = valid_utf8_prefix(text); good < text.size()) writer.fail_at(good, "not UTF-8");
  // The parser would take a zero byte for the end of the text.
  if (auto const zero = text.find('\0'); zero != std::string_view::npos) writer.fail_at(zero, "a zero byte");
  nlohmann::json::sax_parse(text, &writer);
  return writer.take();
}

}  // namespace eexit
