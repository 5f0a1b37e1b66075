#include "core/plan/kinds.h"

namespace eexit {

namespace {

Phase phase(std::string const& name, std::vector<std::string> learn, TrainSpec const& spec, int epochs) {
  return Train{.name = name, .learn = std::move(learn), .recipe = spec.recipe_for(name), .epochs = epochs};
}

}  // namespace

Phase backbone_phase(TrainSpec const& spec, int epochs) { return phase("backbone", {"stage.", "last."}, spec, epochs); }

Phase joint_phase(TrainSpec const& spec, int epochs) {
  return phase("joint", {"stage.", "head.", "last.", "extra."}, spec, epochs);
}

Phase heads_phase(TrainSpec const& spec, int epochs) { return phase("heads", {"head.", "extra."}, spec, epochs); }

Phase fine_tune_phase(TrainSpec const& spec, std::vector<std::string> const& learn, int steps) {
  return Train{.name = "fine_tune",
               .learn = learn,
               .recipe = spec.recipe_for("fine_tune"),
               .steps = steps,
               .fine_tunes = steps == 0};
}

Phase appended_phase(std::string const& name, TrainSpec const& spec, int epochs) {
  return Train{
      .name = name, .learn = {"extra."}, .recipe = spec.recipe_for("heads"), .epochs = epochs, .appended = true};
}

}  // namespace eexit
