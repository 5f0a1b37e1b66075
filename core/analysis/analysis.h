// Analyses of finished studies: one file an analysis, one line in list.inc.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/registry.h"
#include "core/report/chart.h"
#include "core/report/table.h"
#include "core/store/study.h"

namespace eexit {

struct Finding {
  std::vector<Table> tables;
  std::vector<std::pair<std::string, Chart>> charts;  // file name without suffix, chart
  std::string format = "console";                     // of the tables, see table.h
};
using Studies = std::span<Study const>;
using Analyse = std::function<Finding(Studies)>;
using AnalysisMaker = Analyse (*)(JsonReader&);
Registry<AnalysisMaker> analyses();

// The parameter that every analysis with tables worth printing elsewhere takes.
std::string read_format(JsonReader&);

// SpecError (Exit::usage) unless the analysis is given as many studies as it takes.
void must_be(std::size_t wanted, Studies, std::string const& analysis);

}  // namespace eexit
