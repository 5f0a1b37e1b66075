#include <cstdio>

#include "cli/command.h"
#include "core/analysis/analysis.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/plan/plan.h"

namespace eexit::cli {

namespace {

std::vector<Study> open_studies(Args const& args) {
  std::vector<Study> studies;
  for (std::size_t i = 1; i < args.positional.size(); ++i) {
    studies.push_back(open_study(args.positional[i], args.out));
    for (std::size_t j = 0; j + 1 < studies.size(); ++j)
      if (fs::equivalent(studies[j].folder, studies.back().folder))
        throw SpecError("eexit analyze: " + args.positional[i] + " is given twice", Exit::usage);
  }
  return studies;
}

}  // namespace

int analyze(Args const& args) {
  auto const& name = args.positional.at(0);
  auto const& entry = find(analyses(), "analysis", name, "eexit analyze");
  // Parameters are a document of their own, edited as a spec is.
  auto const text = edit_spec("{}", name, args.sets);
  JsonReader reader(strict_json(text, name), std::make_shared<Source>(Source{"eexit analyze " + name, {}}));
  auto const run = entry.make(reader);
  auto const studies = open_studies(args);
  auto const finding = run(studies);
  for (auto const& table : finding.tables)
    std::fputs((args.json ? to_json(table) + "\n" : to_text(table, finding.format)).c_str(), stdout);
  for (auto const& [file, chart] : finding.charts) {
    if (args.dry_run) continue;
    auto const place = studies.front().folder / file;
    if (draw(chart, place)) say("analyze", "chart: " + place.string() + ".svg, .png");
  }
  return 0;
}

}  // namespace eexit::cli
