#include "cli/catalog.h"

#include <nlohmann/json.hpp>

#include "core/arch/arch.h"
#include "core/base/host.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/execute/augment.h"
#include "core/execute/build.h"
#include "core/execute/environment.h"
#include "core/execute/pretrained.h"
#include "core/execute/prune.h"
#include "core/execute/timed_training.h"
#include "core/execute/work.h"
#include "core/exits/policy.h"
#include "core/exits/statistics.h"
#include "core/methods/method.h"
#include "core/net/cost.h"
#include "core/net/masks.h"
#include "core/net/shrink.h"
#include "core/pixels/augmentation.h"
#include "core/plan/plan.h"
#include "core/plan/protocol.h"
#include "core/plan/run_text.h"
#include "datasets/dataset.h"
#include "datasets/test_sets.h"
#include "regimes/regime.h"

namespace eexit::cli {

namespace {

using Json = nlohmann::json;

Json json_of(Cost const& cost) { return {cost.mac, cost.fv}; }
Cost cost_from(Json const& json) { return {json.at(0), json.at(1)}; }

// A file as it is now: its path, size (a folder has none) and time.
std::string identity_of(fs::path const& path) {
  return fs::weakly_canonical(path).string() + " " +
         (fs::is_directory(path) ? "folder" : std::to_string(fs::file_size(path))) + " " +
         std::to_string(fs::last_write_time(path).time_since_epoch().count());
}

std::string shape_text(ImageShape const& shape, int classes) {
  return Json({shape.channels, shape.height, shape.width, classes}).dump();
}

// What is remembered must not outlive a change of the code that found it out.
std::string code_version() { return std::to_string(numerics_version) + " " + revision(); }
bool memo_is_safe() { return !revision().ends_with("-dirty") && revision() != "unknown"; }

std::string remember(Store const& store, std::string const& kind, std::string const& depends_on,
                     std::function<std::string()> const& find_out) {
  return memo_is_safe() ? store.remember(kind, code_version() + depends_on, find_out) : find_out();
}

BackboneFacts find_backbone(Choice const& arch, ImageShape const& shape, int classes) {
  auto backbone = build_backbone(arch, shape, classes, 0);
  auto const presets = backbone.presets;
  bool const unlabelled = static_cast<bool>(backbone.unlabelled.loss), channels = !backbone.channels.empty();
  auto const net = std::make_shared<ExitNet>(std::move(backbone));
  auto const costs = count_cost(*net, blank_images(shape));
  BackboneFacts facts{
      .cost = costs.stages, .last = costs.last, .presets = presets, .unlabelled = unlabelled, .channels = channels};
  if (unlabelled) {
    auto const image = blank_images(shape);
    net->eval();
    auto const answer = answer_all(*net, image).back();
    facts.unlabelled_macs = count_cost([&] { net->unlabelled.loss(image, answer); }).mac;
  }
  for (auto const& stage : net->stages) facts.stages.push_back(stage.name);
  for (auto const& parameter : net->parameters()) facts.params += parameter.numel();
  return facts;
}

HeadFacts find_heads(Choice const& arch, Choice const& method, ImageShape const& shape, int classes,
                     std::vector<std::string> const& after) {
  auto const net = build_net(arch, shape, classes, 0, HeadsToBuild{.method = method, .after = after});
  HeadFacts facts{.cost = count_cost(*net, blank_images(shape)).heads};
  auto const own = read_method(method).own;
  if (own) facts.own_passes = own->passes;
  for (auto const& name : after) facts.learns[name] = !parameters_of(*net, {"head." + name + "."}).empty();
  for (auto const& buffer : net->named_buffers())
    if (buffer.key().starts_with("head.")) facts.buffer_bytes += static_cast<double>(buffer.value().nbytes());
  // What learns by a rule of its own takes no part in answers.
  auto const answering = own ? std::vector<std::string>{"head."} : std::vector<std::string>{"head.", "extra."};
  for (auto const& [name, parameter] : parameters_of(*net, answering)) facts.params += parameter.numel();
  return facts;
}

// Beginnings of names that no weight has, and prunings that are left nothing.
void check_pruning(ExitNet const& net, Prune const& prune) {
  std::vector<std::string> names;
  for (auto const& [name, weight] : layers_of(net)) names.push_back(name);
  for (auto const& start : prune.without)
    if (std::none_of(names.begin(), names.end(), [&](auto const& name) { return name.starts_with(start); }))
      throw SpecError("without: no weight's name begins with \"" + start + "\"" + nearest_of(start, names));
  bool const none =
      prune.by == Prune::By::channels ? prunable_channels(net, prune).empty() : prunable(net, prune).empty();
  if (none) throw SpecError("nothing is left to prune of " + join(prune.within, ", ") + ": without spares all of it");
}

std::pair<BackboneFacts, HeadFacts> find_pruned(Choice const& arch, Choice const& method, ImageShape const& shape,
                                                int classes, std::vector<std::string> const& after,
                                                std::vector<Prune> const& prunings) {
  auto const net = build_net(arch, shape, classes, 0, HeadsToBuild{.method = method, .after = after});
  for (auto const& prune : prunings) {
    check_pruning(*net, prune);
    if (prune.by != Prune::By::channels) continue;
    add_masks(*net, prune);
    mask_channels(*net, prune);
  }
  shrink(*net);
  auto const costs = count_cost(*net, blank_images(shape));
  BackboneFacts left{.cost = costs.stages, .last = costs.last};
  for (auto const& stage : net->stages) left.stages.push_back(stage.name);
  HeadFacts heads{.cost = costs.heads};
  for (auto const& [name, parameter] : parameters_of(*net, {""}))
    (name.starts_with("stage.") || name.starts_with("last.") ? left.params : heads.params) += parameter.numel();
  return {left, heads};
}

// By what a phase of `few` steps takes and one of `many`: what comes before the first step is told from the steps.
long steps_between(std::function<double(long)> const& time, long few, long many, double seconds) {
  double const begun = time(few), step = (time(many) - begun) / static_cast<double>(many - few);
  if (!(step > 0))
    throw RunError("the time of steps cannot be told from what comes before them: this machine is too busy; try again",
                   Exit::runs_failed);
  return std::max(1L, few + std::lround((seconds - begun) / step));
}

// On the CPU. Heads alone that are trained for an epoch or more read features that are computed once: shorter phases
// are timed as such.
long timed_steps(Run const& run, std::size_t number, double seconds) {
  OpenData data(torch::kCPU);
  auto const& images = data.images(run.data.source, Split::train);
  auto const time = [&](long steps) {
    TimedTraining const timed(run, number, static_cast<int>(steps), torch::kCPU, images);
    return median({timed(run.train.bf16), timed(run.train.bf16), timed(run.train.bf16)});
  };
  auto const& train = std::get<Train>(run.phases[number].phase);
  if (train.learns("stage.")) return steps_between(time, 10, 40, seconds);
  auto const epoch = steps_an_epoch({.rows = static_cast<int>(run.splits->train.size()), .batch = run.train.batch});
  auto const shorter = epoch > 2 ? steps_between(time, 1, std::min(40L, epoch - 1), seconds) : epoch;
  if (shorter < epoch) return shorter;
  return std::max(epoch, steps_between(time, epoch, 8 * epoch, seconds));
}

using KnownSteps = std::map<std::string, std::string>;  // of this process: a dry run remembers nothing else

long steps_in(Store const& store, KnownSteps& known, Run const& run, std::size_t number, double seconds) {
  auto const key = Json::parse(key_text(run, number));
  Json const depends_on = {key.at("arch"),
                           key.at("augment"),
                           key.at("batch"),
                           key.at("precision"),
                           key.at("phase"),
                           key.value("method", Json()),
                           key.value("placement", Json()),
                           run.data.source.name + run.data.source.params,
                           run.splits->train.size(),
                           seconds};
  auto& text = known[depends_on.dump()];
  if (text.empty())
    text = store.remember("steps", depends_on.dump(), [&] {
      auto const steps = timed_steps(run, number, seconds);
      auto const phase = name_of(run.phases[number].phase);
      say("plan", run.id + ": " + shortest(seconds) + " s of phase " + phase + " are " + std::to_string(steps) +
                      " steps, with " + std::to_string(at::get_num_threads()) + " threads at load " +
                      fixed(load_average(), 2));
      return Json({{"steps", steps}, {"threads", at::get_num_threads()}, {"host", host_name()}}).dump();
    });
  return Json::parse(text).at("steps");
}

BackboneFacts backbone_facts(Store const& store, Choice const& arch, ImageShape const& shape, int classes) {
  auto const text = remember(store, "backbone", arch.name + arch.params + shape_text(shape, classes), [&] {
    auto const facts = find_backbone(arch, shape, classes);
    Json json = {{"stages", facts.stages},
                 {"last", json_of(facts.last)},
                 {"params", facts.params},
                 {"presets", facts.presets},
                 {"unlabelled", facts.unlabelled},
                 {"channels", facts.channels},
                 {"unlabelled_macs", facts.unlabelled_macs},
                 {"cost", Json::array()}};
    for (auto const& cost : facts.cost) json["cost"].push_back(json_of(cost));
    return json.dump();
  });
  auto const json = Json::parse(text);
  BackboneFacts facts{.stages = json.at("stages"),
                      .last = cost_from(json.at("last")),
                      .params = json.at("params"),
                      .presets = json.at("presets"),
                      .unlabelled_macs = json.at("unlabelled_macs"),
                      .unlabelled = json.at("unlabelled"),
                      .channels = json.at("channels")};
  for (auto const& cost : json.at("cost")) facts.cost.push_back(cost_from(cost));
  return facts;
}

HeadFacts head_facts(Store const& store, Choice const& arch, Choice const& method, ImageShape const& shape, int classes,
                     std::vector<std::string> const& after) {
  auto const depends_on =
      arch.name + arch.params + method.name + method.params + shape_text(shape, classes) + join(after, ";");
  auto const text = remember(store, "heads", depends_on, [&] {
    auto const facts = find_heads(arch, method, shape, classes, after);
    Json json = {{"cost", Json::object()},
                 {"learns", facts.learns},
                 {"params", facts.params},
                 {"own_passes", facts.own_passes},
                 {"buffer_bytes", facts.buffer_bytes}};
    for (auto const& [name, cost] : facts.cost) json["cost"][name] = json_of(cost);
    return json.dump();
  });
  auto const json = Json::parse(text);
  HeadFacts facts{.learns = json.at("learns"),
                  .params = json.at("params"),
                  .own_passes = json.at("own_passes"),
                  .buffer_bytes = json.at("buffer_bytes")};
  for (auto const& [name, cost] : json.at("cost").items()) facts.cost[name] = cost_from(cost);
  return facts;
}

DataFacts facts_from(std::string const& text) {
  auto const json = Json::parse(text);
  auto const& shape = json.at("shape");
  return {.shape = {shape.at(0), shape.at(1), shape.at(2)},
          .classes = json.at("classes"),
          .labels = json.at("labels"),
          .test_rows = json.at("test_rows"),
          .identity = json.at("identity"),
          .known = json.at("known"),
          .class_names = json.at("class_names")};
}

constexpr char const* facts_version = "facts 1 ";  // raised when the facts change

// By what a spec says of it alone, wherever its files lie.
std::string text_of(Choice const& choice) { return facts_version + choice.name + choice.params; }

// Facts of a data set, remembered by its parameters (the labels asked for, say) and by path, size and time of its
// files.
DataFacts data_facts(Store const& store, Choice const& choice) {
  JsonReader reader(choice.params, std::make_shared<Source>());
  auto const source = find(datasets(), "data set", choice.name, "data").make(reader);
  auto depends_on = text_of(choice);
  for (auto const& path : source.files()) depends_on += "\n" + identity_of(path);
  auto const text = store.remember("data", depends_on, [&] {
    auto const facts = source.facts();
    auto const& shape = facts.shape;
    return Json({{"shape", {shape.channels, shape.height, shape.width}},
                 {"classes", facts.classes},
                 {"labels", facts.labels},
                 {"test_rows", facts.test_rows},
                 {"identity", facts.identity},
                 {"known", facts.known},
                 {"class_names", facts.class_names}})
        .dump();
  });
  store.replace("data-last", text_of(choice), text);
  return facts_from(text);
}

std::string weights_text(fs::path const& file, Choice const& arch, ImageShape const& shape, int classes) {
  return file.string() + arch.name + arch.params + shape_text(shape, classes);
}

// Remembered by the file's path, size and time: large files are read once. What was not simply copied is said each
// time.
std::string weights_digest(Store const& store, fs::path const& file, Choice const& arch, ImageShape const& shape,
                           int classes) {
  auto const asked = weights_text(file, arch, shape, classes);
  auto const look = [&] {
    auto const checked = check_weights(file, arch, shape, classes);
    return Json({{"digest", checked.digest}, {"notes", checked.notes}}).dump();
  };
  std::optional<std::string> text;
  if (fs::is_regular_file(file))
    text = remember(store, "weights", identity_of(file) + asked, look);
  else if ((text = store.recall("weights-last", asked)))
    warn(file.string() + ": is gone; phases that are to start from it will fail");
  else
    text = look();  // says that it is not there
  store.replace("weights-last", asked, *text);
  auto const json = Json::parse(*text);
  for (std::string const note : json.at("notes")) say("weights", file.string() + ": " + note);
  return json.at("digest");
}

// The file may be gone, or another, when one looks at what a sweep has done.
std::string last_weights_digest(Store const& store, fs::path const& file, Choice const& arch, ImageShape const& shape,
                                int classes) {
  auto const last = store.recall("weights-last", weights_text(file, arch, shape, classes));
  return last ? Json::parse(*last).at("digest").get<std::string>() : weights_digest(store, file, arch, shape, classes);
}

// What is here, if anything, may be another data set than that of the sweep.
DataFacts last_data_facts(Store const& store, Choice const& choice) {
  auto const last = store.recall("data-last", text_of(choice));
  return last ? facts_from(*last) : data_facts(store, choice);
}

std::string text_of(Choice const& extra, DataFacts const& trained_on) {
  return text_of(extra) + shape_text(trained_on.shape, trained_on.classes);
}

std::vector<TestSet> test_sets_from(Choice const& extra, std::string const& text) {
  std::vector<TestSet> all;
  auto const json = Json::parse(text);
  for (auto const& set : json.at("sets"))
    all.push_back({.source = extra, .name = set.at("name"), .identity = set.at("identity"), .rows = set.at("rows")});
  return all;
}

// Remembered as facts of data sets are.
std::vector<TestSet> test_sets_for(Store const& store, Choice const& extra, DataFacts const& trained_on) {
  auto const asked = text_of(extra, trained_on);
  auto depends_on = asked;
  JsonReader reader(extra.params, std::make_shared<Source>());
  for (auto const& path : read_test_sets(extra.name, reader).files()) depends_on += "\n" + identity_of(path);
  auto const text = store.remember("test-sets", depends_on, [&] {
    auto json = Json::array();
    for (auto const& set : look_at_test_sets(extra, trained_on))
      json.push_back({{"name", set.name}, {"identity", set.identity}, {"rows", set.rows}});
    return Json({{"sets", json}}).dump();
  });
  store.replace("test-sets-last", asked, text);
  return test_sets_from(extra, text);
}

std::vector<TestSet> last_test_sets(Store const& store, Choice const& extra, DataFacts const& trained_on) {
  auto const last = store.recall("test-sets-last", text_of(extra, trained_on));
  return last ? test_sets_from(extra, *last) : test_sets_for(store, extra, trained_on);
}

template <class Make>
void read_with(Registry<Make> registry, std::string const& what, std::string const& name, JsonReader& params) {
  find(registry, what, name, params.place("name")).make(params);
}

}  // namespace

Catalog real_catalog(Store const& store) {
  return {
      .read =
          [](std::string const& folder, std::string const& name, JsonReader& params) {
            if (folder == "arch") return read_with(archs(), "architecture", name, params);
            if (folder == "datasets") return read_with(datasets(), "data set", name, params);
            if (folder == "methods") return read_with(methods(), "method", name, params);
            if (folder == "policies") return read_with(policies(), "policy", name, params);
            if (folder == "augmentations") return read_with(augmentations(), "augmentation", name, params);
            if (folder == "test_sets") return static_cast<void>(read_test_sets(name, params));
            require(folder == "regimes", "no such plug-in folder");
            read_with(regimes(), "regime", name, params);
          },
      .names =
          [](std::string const& folder) {
            if (folder == "arch") return names(archs());
            if (folder == "datasets") return names(datasets());
            if (folder == "methods") return names(methods());
            if (folder == "policies") return names(policies());
            if (folder == "augmentations") return names(augmentations());
            if (folder == "test_sets") return test_set_names();
            require(folder == "regimes", "no such plug-in folder");
            return names(regimes());
          },
      .data = [&store](Choice const& data) { return data_facts(store, data); },
      .test_sets = [&store](Choice const& extra, DataFacts const& facts) { return test_sets_for(store, extra, facts); },
      .backbone = [&store](Choice const& arch, ImageShape const& shape,
                           int classes) { return backbone_facts(store, arch, shape, classes); },
      .weights = [&store](std::string const& file, Choice const& arch, ImageShape const& shape,
                          int classes) { return weights_digest(store, file, arch, shape, classes); },
      .heads =
          [&store](Choice const& arch, Choice const& method, ImageShape const& shape, int classes,
                   std::vector<std::string> const& after) {
            return head_facts(store, arch, method, shape, classes, after);
          },
      .pruned = find_pruned,
      .regime_phases =
          [](Choice const& regime, TrainSpec const& spec) {
            JsonReader reader(regime.params, std::make_shared<Source>());
            return find(regimes(), "regime", regime.name, "regime").make(reader)(spec);
          },
      .method =
          [](Choice const& choice, TrainSpec const& spec) {
            auto const method = read_method(choice);
            MethodFacts facts{.parameters = method.idle_parameters, .own_weights = method.own_weights};
            if (method.fitting) facts.fit = method.fitting->phase;
            if (!method.appended) return facts;
            facts.appended = method.appended->phases(spec);
            auto const& own = method.appended->parameters;
            facts.parameters.insert(facts.parameters.end(), own.begin(), own.end());
            return facts;
          },
      .policy = [](std::string const& policy) -> PolicyFacts {
        auto reader = empty_reader();
        auto const family = find(policies(), "policy", policy, "policy").make(reader);
        return {.by_confidence = family.by_confidence, .swept = static_cast<bool>(family.sweep)};
      },
      .mixes = [](Choice const& choice) { return static_cast<bool>(read_augmentation(choice).mix); },
      .steps_in = [&store, known = std::make_shared<KnownSteps>()](
                      Run const& run, std::size_t phase,
                      double seconds) { return steps_in(store, *known, run, phase, seconds); }};
}

Catalog looking_catalog(Store const& store) {
  auto catalog = real_catalog(store);
  catalog.data = [&store](Choice const& data) { return last_data_facts(store, data); };
  catalog.test_sets = [&store](Choice const& extra, DataFacts const& facts) {
    return last_test_sets(store, extra, facts);
  };
  catalog.weights = [&store](std::string const& file, Choice const& arch, ImageShape const& shape, int classes) {
    return last_weights_digest(store, file, arch, shape, classes);
  };
  return catalog;
}

}  // namespace eexit::cli
