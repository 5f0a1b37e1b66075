#include "core/plan/schema.h"

#include <cstdio>

#include "cli/catalog.h"
#include "cli/command.h"

namespace eexit::cli {

int schema(Args const& args) {
  Store store(args.out);
  store.read_only = true;
  std::fputs(spec_schema(real_catalog(store)).c_str(), stdout);
  return 0;
}

}  // namespace eexit::cli
