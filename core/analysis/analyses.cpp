#include "core/analysis/analysis.h"

namespace eexit {

#define ENTRY(name, help) Analyse name(JsonReader&);
namespace analysis {
#include "core/analysis/list.inc"
}
#undef ENTRY

Registry<AnalysisMaker> analyses() {
#define ENTRY(name, help) {#name, help, analysis::name},
  static constexpr Entry<AnalysisMaker> all[] = {
#include "core/analysis/list.inc"
  };
#undef ENTRY
  return all;
}

}  // namespace eexit
