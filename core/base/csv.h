// Comma-separated values (RFC 4180): quoted where needed, LF line ends, a header line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace eexit {

struct Csv {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  std::size_t column(std::string_view name) const;  // position; RunError naming the column when missing
};

std::string encode_csv(Csv const&);

// RunError with line number on a row of another width, an open quote, or an empty text.
Csv decode_csv(std::string_view text, std::string const& where);

}  // namespace eexit
