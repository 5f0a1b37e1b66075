#include "tests/support/approve.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "tests/support/catch.h"

namespace eexit {
namespace {

namespace fs = std::filesystem;

// Keeps line ends, so that a missing last one is a difference too.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    std::size_t const end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string shown(std::vector<std::string_view> const& lines, std::size_t index) {
  if (index >= lines.size()) return "(end of text)";
  std::string_view const line = lines[index];
  if (line.ends_with('\n')) return std::string(line.substr(0, line.size() - 1));
  return std::string(line) + "(no line end)";
}

// The first line that differs, after up to two lines before it.
std::string first_difference(std::string const& expected, std::string const& actual) {
  auto const old_lines = lines_of(expected);
  auto const new_lines = lines_of(actual);
  std::size_t at = 0;
  while (at < std::min(old_lines.size(), new_lines.size()) && old_lines[at] == new_lines[at]) ++at;
  std::string text = "line " + std::to_string(at + 1) + " differs:\n";
  for (std::size_t before = at - std::min<std::size_t>(at, 2); before < at; ++before) {
    text += "  " + shown(old_lines, before) + "\n";
  }
  return text + "- " + shown(old_lines, at) + "\n+ " + shown(new_lines, at) + "\n";
}

}  // namespace

void approve(std::string const& name, std::string const& actual) {
  fs::path const path = fs::path(EEXIT_TESTS_DIR) / "golden" / "approved" / name;
  char const* const rewrite = std::getenv("APPROVE");
  if (rewrite != nullptr && std::string_view(rewrite) == "1") {
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << actual;
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    FAIL_CHECK("nothing approved at " + path.string() + "; scripts/approve writes it. Actual text:\n" + actual);
    return;
  }
  std::ostringstream expected;
  expected << file.rdbuf();
  if (expected.str() == actual) {
    SUCCEED(name);
  } else {
    FAIL_CHECK(name + ": " + first_difference(expected.str(), actual) + "(scripts/approve rewrites it)");
  }
}

}  // namespace eexit
