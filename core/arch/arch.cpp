#include "core/arch/arch.h"

namespace eexit {

#define ENTRY(name, help) MakeBackbone name(JsonReader&);
namespace arch {
#include "core/arch/list.inc"
}
#undef ENTRY

Registry<ArchMaker> archs() {
#define ENTRY(name, help) {#name, help, arch::name},
  static constexpr Entry<ArchMaker> all[] = {
#include "core/arch/list.inc"
  };
#undef ENTRY
  return all;
}

}  // namespace eexit
