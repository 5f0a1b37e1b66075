#include "core/methods/method.h"

namespace eexit {

#define ENTRY(name, help) Method name(JsonReader&);
namespace method {
#include "core/methods/list.inc"
}
#undef ENTRY

Registry<MethodMaker> methods() {
#define ENTRY(name, help) {#name, help, method::name},
  static constexpr Entry<MethodMaker> all[] = {
#include "core/methods/list.inc"
  };
#undef ENTRY
  return all;
}

}  // namespace eexit
