// Shallow-deep networks (Kaya et al. 2019) with the heads of the regimes benchmark (facts: methods 2, 3).
#include "core/methods/heads.h"

namespace eexit::method {

Method sdn(JsonReader& reader) {
  auto const head = read_head(reader);
  reader.done();
  return {.make_heads = [head](Sites const& sites, int classes, Builder& builder) {
    return plain_heads(sites, head, classes, builder);
  }};
}

}  // namespace eexit::method
