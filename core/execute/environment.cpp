#include "core/execute/environment.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/text.h"
#include "revision.h"

namespace eexit {

namespace {

// The value behind "key : value" in one of the kernel's text files, "" when it is not there.
std::string kernel_value(char const* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key)) continue;
    auto const colon = line.find(':');
    if (colon == std::string::npos) continue;
    auto const from = line.find_first_not_of(" \t", colon + 1);
    return from == std::string::npos ? "" : line.substr(from);
  }
  return "";
}

}  // namespace

std::string revision() { return eexit_revision(); }

double load_average() {
  double load = 0;
  return getloadavg(&load, 1) == 1 ? load : 0;
}

std::string environment_json(torch::Device device, int jobs, int threads) {
  nlohmann::ordered_json json;
  json["cpu"] = kernel_value("/proc/cpuinfo", "model name");
  json["cores"] = std::thread::hardware_concurrency();
  json["jobs"] = jobs;
  json["threads"] = threads > 0 ? threads : at::get_num_threads();
  json["memory"] = kernel_value("/proc/meminfo", "MemTotal");
  json["device"] = device.str();
  json["compiler"] = eexit_compiler();
  json["flags"] = eexit_build_flags();
  json["libtorch"] = TORCH_VERSION;
  json["revision"] = revision();
  json["load"] = load_average();
  json["date"] = utc_now();
  return json.dump(2) + "\n";
}

}  // namespace eexit
