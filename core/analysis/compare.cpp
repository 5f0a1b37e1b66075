#include "core/report/compare.h"

#include "core/analysis/analysis.h"
#include "core/base/text.h"
#include "core/store/answers.h"

namespace eexit::analysis {

Analyse compare(JsonReader& reader) {
  Comparison asked;
  asked.split = reader.one_of("split", asked.split, {"test", "cal"}, "which rows");
  asked.decimals = reader.integer("decimals", asked.decimals, {0, 6}, "decimals of a value");
  auto const format = read_format(reader);
  reader.done();
  return [asked, format](Studies studies) {
    must_be(2, studies, "compare");
    auto const names = names_of(studies);
    Comparison comparison = asked;
    comparison.first = names[0];
    comparison.second = names[1];
    comparison.settings = differing_defaults(studies[0], studies[1]);
    comparison.footer = footer(studies);
    std::vector<std::string> axes;
    for (auto const& study : studies) axes.insert(axes.end(), study.axes.header.begin(), study.axes.header.end());
    StoredAnswers first(studies[0]), second(studies[1]);
    auto const answers = [&](Result const& row) { return (row.study == names[0] ? first : second).at(row); };
    return Finding{
        .tables = eexit::compare(results_of(studies, axes), comparison, answers), .charts = {}, .format = format};
  };
}

}  // namespace eexit::analysis
