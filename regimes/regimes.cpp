#include "regimes/regime.h"

namespace eexit {

#define ENTRY(name, help) MakePhases name(JsonReader&);
namespace regime {
#include "regimes/list.inc"
}
#undef ENTRY

Registry<RegimeMaker> regimes() {
#define ENTRY(name, help) {#name, help, regime::name},
  static constexpr Entry<RegimeMaker> all[] = {
#include "regimes/list.inc"
  };
#undef ENTRY
  return all;
}

}  // namespace eexit
