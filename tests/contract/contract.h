// The small instance by which each architecture is tested, and the images it takes: tests/golden/arch/<name>.json,
// "contract"; without, the default at both of these shapes.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/plan/facts.h"
#include "tests/contract/readers.h"

namespace eexit {

struct Contract {
  std::string arch = "{}";
  std::vector<ImageShape> shapes = {{.channels = 1, .height = 28, .width = 28},
                                    {.channels = 3, .height = 32, .width = 32}};
};

inline Contract contract_of(std::string_view name) {
  auto const path = std::string(EEXIT_TESTS_DIR) + "/golden/arch/" + std::string(name) + ".json";
  auto const listed = nlohmann::json::parse(read_file(path));
  if (!listed.contains("contract")) return {};
  auto const& written = listed.at("contract");
  Contract contract{written.at("arch").dump(), {}};
  for (auto const& shape : written.at("shapes"))
    contract.shapes.push_back(ImageShape{.channels = shape.at(0), .height = shape.at(1), .width = shape.at(2)});
  return contract;
}

}  // namespace eexit
