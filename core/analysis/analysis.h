// Analyses of a finished study: one file an analysis, one line in list.inc.
#pragma once

#include <functional>
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
};
using Analyse = std::function<Finding(Study const&)>;
using AnalysisMaker = Analyse (*)(JsonReader&);
Registry<AnalysisMaker> analyses();

}  // namespace eexit
