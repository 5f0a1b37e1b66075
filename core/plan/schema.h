// JSON Schema (draft-07) of a whole spec, for editors.
#pragma once

#include <string>

#include "core/plan/catalog.h"

namespace eexit {

// Indented JSON text. It accepts every spec that make_plan accepts; what depends on the data or on several keys at once
// is left to make_plan. Values of a grid's pointers are not looked into.
std::string spec_schema(Catalog const&);

}  // namespace eexit
