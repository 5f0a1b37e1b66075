// Golden texts: plans, errors and tables compared byte by byte with files in tests/golden/approved.
#pragma once

#include <string>

namespace eexit {

// Fails the running Catch2 test, showing the first line that differs, unless `actual` equals
// tests/golden/approved/<name>. With APPROVE=1 in the environment (scripts/approve) it rewrites the file instead.
void approve(std::string const& name, std::string const& actual);

}  // namespace eexit
