#include "regimes/regime.h"

namespace eexit::regime {

MakePhases mixed(JsonReader& reader) {
  reader.done();
  return [](TrainSpec const& spec) { return std::vector<Phase>{backbone_phase(spec), joint_phase(spec)}; };
}

}  // namespace eexit::regime
