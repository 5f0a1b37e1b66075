// A folder of its own for a test, gone at the end of it; and the message of what a call throws.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace eexit::test {

struct TemporaryFolder {
  std::filesystem::path path;

  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eexit-test-XXXXXX").string();
    if (!mkdtemp(pattern.data())) throw std::runtime_error("cannot make a temporary folder");
    path = pattern;
  }
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

// The message of the Error that the call throws; "nothing thrown" else. Errors of another type pass through.
template <class Error, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (Error const& error) {
    return error.what();
  }
  return "nothing thrown";
}

}  // namespace eexit::test
