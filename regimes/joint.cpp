#include "regimes/regime.h"

namespace eexit::regime {

MakePhases joint(JsonReader& reader) {
  reader.done();
  return [](TrainSpec const& spec) { return std::vector<Phase>{joint_phase(spec)}; };
}

}  // namespace eexit::regime
