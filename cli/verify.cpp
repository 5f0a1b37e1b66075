#include "core/store/verify.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "core/base/error.h"

namespace eexit::cli {

int verify(Args const& args) {
  auto const found = verify_store(args.out);
  if (args.json) {
    auto problems = nlohmann::ordered_json::array();
    for (auto const& [path, what] : found.problems) problems.push_back({{"path", path.string()}, {"what", what}});
    nlohmann::ordered_json const json = {
        {"phases", found.phases}, {"runs", found.runs}, {"studies", found.studies}, {"problems", problems}};
    std::puts(json.dump(2).c_str());
  } else {
    for (auto const& [path, what] : found.problems) std::printf("%s: %s\n", path.c_str(), what.c_str());
    std::printf("%ld phases, %ld runs, %ld studies checked; %zu problems\n", found.phases, found.runs, found.studies,
                found.problems.size());
  }
  return static_cast<int>(found.problems.empty() ? Exit::ok : Exit::io);
}

}  // namespace eexit::cli
