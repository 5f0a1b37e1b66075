// Short names of plug-ins with their parameters, for files and tables.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"

namespace eexit {

enum class First { if_changed, always };  // whether the first parameter's value is said

// The plug-in's name, then the parameters that differ from their defaults: "ztw-ensemblenone". The first parameter
// stands without its key: "resnet-14". `not_its_own`: keys that are read with it and are not its parameters.
std::string label_of(std::string const& name, JsonReader const&, First,
                     std::vector<std::string> const& not_its_own = {});

}  // namespace eexit
