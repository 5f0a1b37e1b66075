#include "core/report/pivot_items.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit::pivots {

namespace {

std::string pair_text(Result const& r) { return r.confidence.empty() ? r.policy : r.policy + " on " + r.confidence; }

void must_be_known(char const* what, std::string const& name, Texts const& known) {
  if (name.empty() || known.empty() || contains(known, name)) return;
  throw SpecError("results.csv: " + unknown_name(what, name, known));
}

// Whether the row has that column at all.
bool has(Result const& r, std::string const& column) {
  auto const section = section_of(r);
  bool const of_policy = column == "policy" || column == "confidence" || column == "temperature" || column == "knobs";
  bool const of_place = of_policy || column == "split" || column == "budget" || column == "metric";
  if (r.metric == "failed" && of_place) return false;
  if (is_fixed(section)) return !is_foreign(column) && !of_policy && column != "budget";
  if (section == Section::oracle) return !of_policy || column == "policy";
  return section == Section::run || !text_of(r, column).empty();
}

// The places that a plain network or a failed run takes: every (split, policy, confidence, budget) of its study's other
// rows.
std::vector<Item> widen(Result const& r, Section section, std::vector<Item> const& places, Selection const& selection) {
  bool const failed = r.metric == "failed";
  bool const own = std::any_of(places.begin(), places.end(), [&](Item const& p) { return p.from->study == r.study; });
  std::vector<Item> items;
  std::set<Texts> taken;
  for (auto place : places) {
    if (own && place.from->study != r.study) continue;
    place.from = &r;
    place.section = section;
    if (is_fixed(section)) place.policy = place.confidence = "";
    if (is_fixed(section) && !failed) place.split = r.split;
    if (!taken.insert({place.split, place.policy, place.confidence, place.budget}).second) continue;
    place.state = failed ? Item::State::failed : Item::State::value;
    bool const limited = !place.budget.empty() && place.budget != "max";
    // One accuracy at one cost: worth showing only where the budget pays for it; 1e-9 for rounding of the fraction.
    if (!failed && limited && parse_double(place.budget, "budget") < r.cost_fraction.value_or(1) - 1e-9)
      place.state = Item::State::too_dear;
    items.push_back(place);
  }
  if (items.empty())
    items.push_back({&r, section, failed ? Item::State::failed : Item::State::value,
                     failed ? selection.pivot.split : r.split, "", "", selection.budget});
  return items;
}

// A study of which nothing is shown must not be missed.
void must_have_rows(std::vector<Result> const& results, std::vector<Item> const& items, Pivot const& pivot) {
  Texts seen;
  for (auto const& item : items) add_once(seen, item.from->study);
  for (auto const& r : results)
    if (!contains(seen, r.study))
      throw RunError(r.study + ": no row with metric " + pivot.metric + " on " + pivot.split +
                     (pivot.policy.empty() ? "" : ", policy " + pivot.policy) +
                     (pivot.confidence.empty() ? "" : ", confidence " + pivot.confidence));
}

}  // namespace

void add_once(Texts& texts, std::string const& text) {
  if (!contains(texts, text)) texts.push_back(text);
}

bool contains(Texts const& texts, std::string const& text) {
  return std::find(texts.begin(), texts.end(), text) != texts.end();
}

Section section_of(Result const& r) {
  if (r.role == "plain") return Section::plain;
  if (r.role == "rival") return Section::rival;
  if (r.role == "published") return Section::published;
  return r.policy == "oracle" ? Section::oracle : Section::run;
}

bool is_foreign(std::string const& column) {
  for (auto const* name : {"method", "regime", "placement", "policy", "confidence"})
    if (column == name || column.starts_with(std::string(name) + ".")) return true;
  return false;
}

std::string text_of(Item const& item, std::string const& column) {
  if (column == "split") return item.split;
  if (column == "policy") return item.policy;
  if (column == "confidence") return item.confidence;
  if (column == "budget") return item.budget;
  return text_of(*item.from, column);
}

bool Selection::axis(std::string const& column) const {
  return contains(pivot.columns, column) || contains(pivot.rows, column);
}

bool Selection::measured(Result const& r) const {
  return r.metric != "failed" && (axis("metric") || r.metric == pivot.metric) &&
         (axis("split") || r.split == pivot.split);
}

bool Selection::wanted(Result const& r) const {
  if (!axis("budget") && r.budget != budget) return false;
  auto const section = section_of(r);
  if (section != Section::run && section != Section::published) return true;
  auto const of_study = shown.find(r.study);
  if (of_study == shown.end() || r.policy.empty()) return true;
  auto const& [rule, confidences] = of_study->second;
  auto const confidence = confidences.find(r.policy);
  return (axis("policy") || r.policy == rule) &&
         (axis("confidence") || r.confidence.empty() || confidence == confidences.end() ||
          r.confidence == confidence->second);
}

std::vector<Result> filtered(std::vector<Result> const& results, Pivot const& pivot) {
  auto kept = results;
  for (auto const& [column, values] : pivot.filter) {
    Texts known;
    for (auto const& r : results)
      if (has(r, column)) add_once(known, text_of(r, column));
    for (auto const& value : values)
      if (!contains(known, value)) throw SpecError("table: filter: " + unknown_name(column, value, known));
    std::erase_if(kept, [&, &name = column, &wanted = values](Result const& r) {
      return has(r, name) && !contains(wanted, text_of(r, name));
    });
  }
  return kept;
}

Selection select(std::vector<Result> const& results, Pivot const& pivot) {
  Selection selection{pivot};
  Texts metrics, policies, confidences, pairs;
  for (auto const& r : results) {
    if (r.metric != "failed") add_once(metrics, r.metric);
    if (section_of(r) != Section::run || !selection.measured(r)) continue;
    add_once(policies, r.policy);
    add_once(confidences, r.confidence);
    add_once(pairs, pair_text(r));
    auto& [policy, confidence] = selection.shown[r.study];
    if (policy.empty()) policy = pivot.policy.empty() ? r.policy : pivot.policy;
    confidence.try_emplace(r.policy, pivot.confidence.empty() ? r.confidence : pivot.confidence);
    if (r.budget.empty()) selection.budget = "";
  }
  if (!selection.axis("metric")) must_be_known("metric", pivot.metric, metrics);
  must_be_known("policy", pivot.policy, policies);
  must_be_known("confidence", pivot.confidence, confidences);
  Texts seen;
  for (auto const& r : results)
    if (section_of(r) == Section::run && selection.measured(r) && selection.wanted(r)) add_once(seen, pair_text(r));
  for (auto const& pair : pairs)
    if (!contains(seen, pair)) selection.unseen.push_back(pair);
  return selection;
}

std::vector<Item> items_of(std::vector<Result> const& results, Selection const& selection) {
  std::vector<Item> places;
  std::set<Texts> taken;
  for (auto const& r : results)
    if (section_of(r) == Section::run && selection.measured(r) && selection.wanted(r) &&
        taken.insert({r.study, r.split, r.policy, r.confidence, r.budget}).second)
      places.push_back({&r, Section::run, Item::State::value, r.split, r.policy, r.confidence, r.budget});
  std::vector<Item> items;
  for (auto const& r : results) {
    auto section = section_of(r);
    if (r.metric == "failed" || (selection.measured(r) && is_fixed(section) && r.budget == "max")) {
      for (auto const& item : widen(r, section, places, selection)) items.push_back(item);
      continue;
    }
    if (!selection.measured(r) || !selection.wanted(r)) continue;
    auto confidence = section == Section::oracle ? "" : r.confidence;  // the bound knows none
    auto state = r.value ? Item::State::value : Item::State::empty;
    items.push_back({&r, section, state, r.split, r.policy, confidence, r.budget});
  }
  if (items.empty())
    throw RunError("results.csv: no row with metric " + selection.pivot.metric + " on " + selection.pivot.split);
  must_have_rows(results, items, selection.pivot);
  return items;
}

}  // namespace eexit::pivots
