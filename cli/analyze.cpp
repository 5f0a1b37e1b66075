#include <cstdio>

#include "cli/command.h"
#include "core/analysis/analysis.h"
#include "core/base/log.h"
#include "core/plan/plan.h"

namespace eexit::cli {

int analyze(Args const& args) {
  auto const& name = args.positional.at(0);
  auto const& entry = find(analyses(), "analysis", name, "eexit analyze");
  // Parameters are a document of their own, edited as a spec is.
  auto const text = edit_spec("{}", name, args.sets);
  JsonReader reader(strict_json(text, name), std::make_shared<Source>(Source{"eexit analyze " + name, {}}));
  auto const run = entry.make(reader);
  auto const study = open_study(args.positional.at(1), args.out);
  auto const finding = run(study);
  for (auto const& table : finding.tables)
    std::fputs((args.json ? to_json(table) + "\n" : to_console(table)).c_str(), stdout);
  for (auto const& [file, chart] : finding.charts) {
    if (args.dry_run) continue;
    if (draw(chart, study.folder / file)) say("analyze", "chart: " + (study.folder / file).string() + ".svg, .png");
  }
  return 0;
}

}  // namespace eexit::cli
