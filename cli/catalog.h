// The planner's catalog from the real registries.
#pragma once

#include "core/plan/catalog.h"
#include "core/store/store.h"

namespace eexit::cli {

// Facts about data and networks are remembered in the store.
Catalog real_catalog(Store const&);

// For those who only look, with or without the data: what the last sweep found in them.
Catalog looking_catalog(Store const&);

}  // namespace eexit::cli
