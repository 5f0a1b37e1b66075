// published.csv: what others printed, shown beside what was measured and never compared with it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/report/results.h"

namespace eexit {

// The header names the columns: `value` in the unit of results.csv (0.931, not 93.1), `source`, and any of arch, data,
// method, regime, protocol, placement, split (else test), policy, confidence, budget (else max), metric (else
// accuracy), cost, cost_fraction, params, or an axis such as train.batch. Rows have role "published" and the study's
// name. SpecError naming file, line and column on anything else.
std::vector<Result> published_from(std::string_view text, std::string const& study, std::string const& where);

}  // namespace eexit
