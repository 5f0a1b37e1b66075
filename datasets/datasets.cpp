#include "datasets/dataset.h"

namespace eexit {

namespace data {
#define ENTRY(name, help) DataSource name(JsonReader&);
#include "datasets/list.inc"
#undef ENTRY
}  // namespace data

Registry<DataMaker> datasets() {
  static constexpr Entry<DataMaker> entries[] = {
#define ENTRY(name, help) {#name, help, data::name},
#include "datasets/list.inc"
#undef ENTRY
  };
  return entries;
}

}  // namespace eexit
