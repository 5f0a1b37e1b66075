#include "tests/support/phases.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/base/registry.h"
#include "core/execute/fit.h"
#include "core/net/weights.h"
#include "core/plan/kinds.h"
#include "core/plan/protocol.h"
#include "core/tasks/classify.h"
#include "tests/unit/base/temporary_folder.h"

namespace eexit {

namespace {

constexpr int rows = 80, epochs = 2;

Images random_images(SmallNet const& small) {
  torch::manual_seed(5);
  auto shape = small.input(rows, 1).x.sizes().vec();
  Images images{.x_bchw = torch::randint(256, shape, torch::kUInt8),
                .y_b = torch::arange(rows) % small.classes,
                .mean = torch::full({1, shape[1], 1, 1}, 0.5f),
                .deviation = torch::full({1, shape[1], 1, 1}, 0.25f)};
  for (int i = 0; i < rows; ++i) images.labels.push_back(i % small.classes);
  return images;
}

Phase phase_of(std::string const& name, TrainSpec const& spec) {
  if (name == "backbone") return backbone_phase(spec);
  return name == "joint" ? joint_phase(spec) : heads_phase(spec);
}

// Those that the net has.
void take_values(ExitNet const& net, Values const& values) {
  torch::NoGradGuard no_grad;
  for (auto& [name, tensor] : tensors_of(net)) {
    auto const known = values.find(name);
    if (known != values.end()) Tensor(tensor).copy_(known->second);
  }
}

}  // namespace

Values values_of(ExitNet const& net) {
  Values values;
  for (auto const& [name, tensor] : tensors_of(net)) values[name] = tensor.detach().clone();
  return values;
}

PhaseBench::PhaseBench(SmallNet small, std::string const& method, std::string const& params)
    : small_(std::move(small)) {
  JsonReader reader(params, std::make_shared<Source>());
  method_ = find(methods(), "method", method, "method").make(reader);
  Builder builder(1);
  auto const shapes = shapes_after(small_.backbone(builder).stages, small_.input(1, 1));
  for (std::string const name : {"0", "1"}) sites_.emplace_back(name, shapes.at(name));
  images_ = random_images(small_);
  auto splits = std::make_shared<Splits>();
  splits->train.resize(rows - 16);
  std::iota(splits->train.begin(), splits->train.end(), 0);
  for (int row = rows - 16; row < rows; ++row) (row % 2 ? splits->val : splits->cal).push_back(row);
  run_.splits = splits;
  run_.facts = std::make_shared<DataFacts>(DataFacts{.classes = small_.classes, .labels = images_.labels});
  run_.seed = 1;
  run_.after = {"0", "1"};
  run_.exit_cost = {{1, 1}, {2, 2}, {3, 3}};
  run_.train.batch = 16;
}

std::shared_ptr<ExitNet> PhaseBench::build(bool heads, bool appended) const {
  Builder builder(1);
  auto backbone = small_.backbone(builder);
  if (!heads) return std::make_shared<ExitNet>(std::move(backbone));
  auto made = method_.make_heads(sites_, small_.classes, builder);
  if (appended) method_.appended->attach(made, sites_, small_.classes, builder);
  return std::make_shared<ExitNet>(std::move(backbone), std::move(made.heads), std::move(made.extra));
}

PhaseBench::Trained PhaseBench::fit(Fit const& phase, Values const& values) {
  net_ = build(true, false);
  take_values(*net_, values);
  auto const before = values_of(*net_);
  Task const task = classify();
  val = eexit::fit(*net_, run_, phase, method_, {.task = task, .images = images_}).val;
  return {Train{.name = phase.name, .learn = {"head."}}, before, values_of(*net_)};
}

std::vector<PhaseBench::Trained> PhaseBench::train(std::vector<std::string> const& regime) {
  std::vector<Phase> phases;
  for (auto const& name : regime) phases.push_back(phase_of(name, spec));
  if (method_.fitting) phases.insert(std::find_if(phases.begin(), phases.end(), with_heads), method_.fitting->phase);
  if (method_.appended)
    for (auto const& phase : method_.appended->phases(spec)) phases.push_back(phase);
  std::vector<Trained> trained;
  run_.phases.clear();
  auto const two_epochs =
      epochs * steps_an_epoch({.rows = static_cast<int>(run_.splits->train.size()), .batch = run_.train.batch});
  for (auto const& phase : phases) {
    run_.phases.push_back(
        {.phase = phase, .key = std::to_string(run_.phases.size()), .steps = steps > 0 ? steps : two_epochs});
    if (auto const* fitted = std::get_if<Fit>(&phase)) {
      trained.push_back(fit(*fitted, trained.back().after));
      continue;
    }
    auto const& what = std::get<Train>(phase);
    Values before;
    test::TemporaryFolder const folder;
    Method const none;
    int calls = 0;
    Task task = classify();
    task.loss = [&, loss = task.loss](Tensor const& logits, Tensor const& target, double smoothing) {
      if (!torch::GradMode::is_enabled() && ++calls == stop_at) throw Interrupted("stop");
      return loss(logits, target, smoothing);
    };
    auto const train_once = [&] {
      net_ = build(what.with_heads(), what.appended);
      if (!trained.empty()) take_values(*net_, trained.back().after);
      before = values_of(*net_);
      std::vector<TrainJob> const jobs = {{.run = run_,
                                           .phase = run_.phases.back(),
                                           .net = *net_,
                                           .method = what.with_heads() ? method_ : none,
                                           .folder = folder.path,
                                           .label = "bench"}};
      eexit::train(
          jobs, {.task = task, .images = images_},
          {.done = [&](std::size_t, TrainResult const& result) { val = result.val; },
           .diverged = [](std::size_t, std::string const& reason, long) { throw std::runtime_error(reason); }});
    };
    try {
      train_once();
    } catch (Interrupted const&) {
      train_once();
    }
    trained.push_back({what, before, values_of(*net_)});
  }
  net_->eval();
  return trained;
}

}  // namespace eexit
