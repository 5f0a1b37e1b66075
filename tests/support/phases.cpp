#include "tests/support/phases.h"

#include <numeric>

#include "core/base/registry.h"
#include "core/net/weights.h"
#include "core/plan/kinds.h"
#include "core/plan/protocol.h"
#include "core/tasks/classify.h"
#include "tests/unit/base/temporary_folder.h"

namespace eexit {

namespace {

constexpr int rows = 80, batch = 16, epochs = 2;

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
  run_.seed = 1;
  run_.after = {"0", "1"};
  run_.exit_cost = {{1, 1}, {2, 2}, {3, 3}};
  run_.train.batch = batch;
}

std::shared_ptr<ExitNet> PhaseBench::build(Train const& phase) const {
  Builder builder(1);
  auto backbone = small_.backbone(builder);
  if (!phase.with_heads()) return std::make_shared<ExitNet>(std::move(backbone));
  auto made = method_.make_heads(sites_, small_.classes, builder);
  if (phase.appended) method_.appended->attach(made, sites_, small_.classes, builder);
  return std::make_shared<ExitNet>(std::move(backbone), std::move(made.heads), std::move(made.extra));
}

std::vector<Values> PhaseBench::train(std::vector<std::string> const& regime) {
  TrainSpec spec;
  spec.batch = batch;
  std::vector<Phase> phases;
  for (auto const& name : regime) phases.push_back(phase_of(name, spec));
  if (method_.appended)
    for (auto const& phase : method_.appended->phases(spec)) phases.push_back(phase);
  std::vector<Values> after;
  run_.phases.clear();
  for (auto const& phase : phases) {
    auto const steps = epochs * steps_an_epoch({.rows = static_cast<int>(run_.splits->train.size()), .batch = batch});
    run_.phases.push_back({.phase = phase, .key = std::to_string(run_.phases.size()), .steps = steps});
    auto const& train_phase = std::get<Train>(phase);
    net_ = build(train_phase);
    if (!after.empty()) {
      torch::NoGradGuard no_grad;
      for (auto& [name, tensor] : tensors_of(*net_)) {
        auto const known = after.back().find(name);
        if (known != after.back().end()) Tensor(tensor).copy_(known->second);
      }
    }
    test::TemporaryFolder const folder;
    Method const none;
    std::vector<TrainJob> const jobs = {{.run = run_,
                                         .phase = run_.phases.back(),
                                         .net = *net_,
                                         .method = train_phase.with_heads() ? method_ : none,
                                         .folder = folder.path,
                                         .label = "bench"}};
    eexit::train(jobs, {.task = classify(), .images = images_},
                 {.done = [](std::size_t, TrainResult const&) {},
                  .diverged = [](std::size_t, std::string const& reason, long) { throw std::runtime_error(reason); }});
    after.push_back(values_of(*net_));
  }
  net_->eval();
  return after;
}

}  // namespace eexit
