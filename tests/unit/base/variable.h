// An environment variable as a test needs it, restored afterwards.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>

namespace eexit::test {

class Variable {
 public:
  // No value: not set.
  Variable(char const* name, std::optional<std::string> const& value) : name_(name) {
    if (char const* const old = std::getenv(name)) before_ = old;
    set(value);
  }
  Variable(Variable const&) = delete;
  Variable& operator=(Variable const&) = delete;
  ~Variable() { set(before_); }

 private:
  void set(std::optional<std::string> const& value) const {
    if (value)
      setenv(name_, value->c_str(), 1);
    else
      unsetenv(name_);
  }
  char const* name_;
  std::optional<std::string> before_;
};

}  // namespace eexit::test
