#include "core/sweep/attempts.h"

#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

namespace {

using Json = nlohmann::json;

fs::path note_of(Node const& node, Store const& store) { return folder_of(node, store) / "attempts.json"; }

void write_attempts(Node const& node, Store const& store, Attempts const& attempts) {
  Json const json = {{"count", attempts.count}, {"log", attempts.last.log}, {"restarts", attempts.last.restarts}};
  write_file(note_of(node, store), json.dump() + "\n");
}

// How its last job ended is in the log, where the cluster has a word to say of it: out of memory, out of time.
std::string last_lines(std::string const& log) {
  std::string text;
  try {
    text = read_file(log);
  } catch (std::runtime_error const&) {
    return "";  // it may lie on the machine that ran the job
  }
  std::deque<std::string> lines;
  for (auto const& line : split(text, '\n')) {
    if (line.empty()) continue;
    lines.push_back(shortened(line, 300));
    if (lines.size() > 5) lines.pop_front();
  }
  return join(std::vector<std::string>(lines.begin(), lines.end()), " | ");
}

std::string reason_of(std::optional<Attempts> const& attempts, fs::path const& logs) {
  if (!attempts) return "no job of the sweep began it; the jobs' logs are in " + logs.string();
  auto reason = "ended without a result" + std::string(attempts->count > 1 ? " each of two times" : "") +
                "; the log is " + attempts->last.log;
  auto const lines = last_lines(attempts->last.log);
  return lines.empty() ? reason : reason + "; its last lines: " + lines;
}

bool any_of(std::vector<std::size_t> const& nodes, std::vector<bool> const& marked) {
  return std::any_of(nodes.begin(), nodes.end(), [&](std::size_t i) { return marked[i]; });
}

bool reads_any(Node const& node, std::vector<bool> const& marked) {
  return any_of(node.after, marked) || any_of(node.trials, marked);
}

}  // namespace

std::optional<Attempts> read_attempts(Node const& node, Store const& store) {
  std::string text;
  try {
    text = read_file(note_of(node, store));
  } catch (SpecError const&) {
    return std::nullopt;  // never there, or removed by who came to an end
  }
  auto const json = Json::parse(text, nullptr, false);
  try {
    return Attempts{.count = json.at("count"), .last = {.log = json.at("log"), .restarts = json.at("restarts")}};
  } catch (Json::exception const&) {
    return Attempts{.count = 1, .last = {}};  // damaged, but somebody was at it
  }
}

void forget_attempts(Node const& node, Store const& store) { remove_tree(note_of(node, store)); }

void take_back_attempt(Node const& node, Store const& store) {
  auto attempts = read_attempts(node, store);
  if (!attempts) return;
  if (--attempts->count > 0)
    write_attempts(node, store, *attempts);
  else
    forget_attempts(node, store);
}

bool is_given_up(Node const& node, Store const& store) {
  auto const failure = read_failure(node, store);
  if (!failure) return false;
  return failure->diverged || failure->unfit || read_attempts(node, store).value_or(Attempts{}).count >= most_attempts;
}

bool begin_attempt(Node const& node, Store const& store, ClusterJob const& job) {
  if (is_given_up(node, store)) return false;
  auto attempts = read_attempts(node, store).value_or(Attempts{});
  bool const goes_on = attempts.count > 0 && attempts.last.log == job.log && attempts.last.restarts < job.restarts;
  if (!goes_on && attempts.count >= most_attempts) {
    write_failure(node, store, {.reason = reason_of(attempts, fs::path(job.log).parent_path())});
    return false;
  }
  write_attempts(node, store, {.count = attempts.count + !goes_on, .last = job});
  return true;
}

std::vector<bool> left_to_try(Graph const& graph, std::vector<std::size_t> const& nodes, Store const& store) {
  std::vector<bool> left(graph.nodes.size(), false), hopeless(graph.nodes.size(), false);
  for (auto const i : nodes) left[i] = true;
  for (auto i = graph.nodes.size(); i-- > 0;) {
    left[i] = left[i] && !is_settled(graph.nodes[i], store);
    if (!left[i]) continue;
    for (auto const* parents : {&graph.nodes[i].after, &graph.nodes[i].trials})
      for (auto const parent : *parents) left[parent] = true;
  }
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    hopeless[i] = left[i] && (reads_any(graph.nodes[i], hopeless) || is_given_up(graph.nodes[i], store));
    left[i] = left[i] && !hopeless[i];
  }
  return left;
}

std::vector<std::vector<std::size_t>> groups_to_try(Graph const& graph, std::vector<bool> const& left,
                                                    Store const& store) {
  std::vector<std::size_t> fresh, tried;
  for (std::size_t i = 0; i < graph.nodes.size(); ++i)
    if (left[i] && !reads_any(graph.nodes[i], left))
      (read_attempts(graph.nodes[i], store) ? tried : fresh).push_back(i);
  auto groups = groups_of(graph, fresh, left);
  for (auto const i : tried)
    for (auto& group : groups_of(graph, {i}, left)) groups.push_back(std::move(group));
  return groups;
}

std::vector<GivenUp> give_up_rest(Graph const& graph, std::vector<std::size_t> const& nodes, Store const& store,
                                  fs::path const& logs) {
  std::set<std::size_t> const wanted(nodes.begin(), nodes.end());
  std::vector<GivenUp> rest;
  std::vector<bool> failed(graph.nodes.size(), false), open(graph.nodes.size(), false);
  for (auto const i : wanted) {
    auto const& node = graph.nodes[i];
    if (is_settled(node, store)) continue;
    open[i] = true;
    std::optional<std::size_t> parent;
    for (auto const* parents : {&node.after, &node.trials})
      for (auto const each : *parents)
        if (failed[each]) parent = each;
    failed[i] = parent.has_value();
    if (parent) rest.push_back({.node = i, .reason = graph.nodes[*parent].label + " failed"});
    if (parent || reads_any(node, open)) continue;  // or what it reads is being made elsewhere
    auto const lock = Lock::attempt(folder_of(node, store) / "lock");
    if (!lock || is_settled(node, store)) continue;
    failed[i] = true;
    if (is_given_up(node, store)) continue;
    auto failure = read_failure(node, store);
    if (!failure) {
      failure = Failure{.reason = reason_of(read_attempts(node, store), logs)};
      write_failure(node, store, *failure);
    }
    rest.push_back({.node = i, .reason = failure->reason});
  }
  return rest;
}

}  // namespace eexit
