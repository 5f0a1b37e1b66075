#include "core/analysis/analysis.h"

#include "core/base/error.h"

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

std::string read_format(JsonReader& reader) {
  return reader.one_of("format", "console", table_formats(), "form of the table");
}

void must_be(std::size_t wanted, Studies studies, std::string const& analysis) {
  if (studies.size() == wanted) return;
  throw SpecError("eexit analyze " + analysis + ": takes " + (wanted == 1 ? "one study" : "two studies") + ", found " +
                      std::to_string(studies.size()),
                  Exit::usage);
}

}  // namespace eexit
