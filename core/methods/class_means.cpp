// Early exit by class means (Gormez et al. 2022): the exit's answer is the softmax of distances to the means of
// classes, each divided by that mean's average distance, negated. Nothing is trained and no weight changes.
#include "core/methods/means.h"

namespace eexit::method {

namespace {

// The numbers of the surest class and of the nearest mean change places: predictions are by raw distance, and every
// confidence, which looks at the numbers alone, stays as it is.
Tensor with_nearest_first(Tensor const& logits_bk, Tensor const& distance_bk) {
  auto const surest = logits_bk.argmax(1, true), nearest = distance_bk.argmin(1, true);
  return logits_bk.scatter(1, surest, logits_bk.gather(1, nearest)).scatter(1, nearest, logits_bk.gather(1, surest));
}

}  // namespace

Method class_means(JsonReader& reader) {
  bool const raw = reader.one_of("decision", "normalised", {"normalised", "raw"},
                                 "what the class is decided by: distances over their means, as the confidence is, or "
                                 "the distances themselves") == "raw";
  auto const rule = read_means(reader, /*clusters=*/true);
  reader.done();
  return {.make_heads =
              [=](Sites const& sites, int classes, Builder&) {
                Heads made;
                for (auto const& [name, means] : make_means(sites, rule, classes))
                  made.heads[name] = {means, [means = means, raw](State const& state, Earlier const&) {
                                        auto const distance_bk = means->distances(state.x);
                                        auto const logits_bk = means->normalised(distance_bk) * -1;
                                        return Answer{raw ? with_nearest_first(logits_bk, distance_bk) : logits_bk, {}};
                                      }};
                return made;
              },
          .fitting = fitting_of(rule),
          .idle_parameters = {"decision", "memory"}};
}

}  // namespace eexit::method
