// Architectures: sizes and costs against the numbers their papers or arithmetic give, and small instances against an
// independent implementation in Python (tests/golden/arch). Both loop over the registry: a family is listed by
// tests/golden/arch/<name>.json.
#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "core/arch/arch.h"
#include "core/execute/build.h"
#include "core/net/cost.h"
#include "core/net/weights.h"
#include "tests/contract/readers.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

using Json = nlohmann::json;

std::string const folder = std::string(EEXIT_TESTS_DIR) + "/golden/arch/";

Json listed(std::string_view family) { return Json::parse(read_file(folder + std::string(family) + ".json")); }

ImageShape shape_of(Json const& listed) {
  auto const& shape = listed.at("shape");
  return {.channels = shape.at(0), .height = shape.at(1), .width = shape.at(2)};
}

Backbone backbone_of(Entry<ArchMaker> const& family, Json const& asked) {
  auto reader = reader_of(asked.at("arch").dump());
  Builder builder(1);
  return family.make(reader)(shape_of(asked), asked.at("classes"), builder);
}

std::shared_ptr<ExitNet> build(Entry<ArchMaker> const& family, Json const& asked) {
  return std::make_shared<ExitNet>(backbone_of(family, asked));
}

// Named placements stand after stages that may carry exits; published names lead to weights that there are.
void check_names(Backbone const& backbone) {
  std::set<std::string> stages;
  for (std::size_t i = 0; i + 1 < backbone.stages.size(); ++i) stages.insert(backbone.stages[i].name);
  for (auto const& [name, after] : backbone.presets)
    for (auto const& stage : after) {
      INFO("preset " << name << ", stage " << stage);
      CHECK(stages.contains(stage));
    }
  auto const names = ExitNet(backbone).named_parameters().keys();
  for (auto const& [theirs, ours] : backbone.published) {
    INFO(theirs << " is " << ours);
    CHECK(std::any_of(names.begin(), names.end(),
                      [&, &start = ours](auto const& name) { return name.starts_with(start); }));
  }
}

long long parameters_in(torch::nn::Module const& part) {
  long long sum = 0;
  for (auto const& value : part.parameters()) sum += value.numel();
  return sum;
}

// "exits": {"method", "after", "params", "mac"}, the latter two up to and including each exit, with the heads so far.
void check_exits(Entry<ArchMaker> const& family, Json const& asked) {
  auto const& exits = asked.at("exits");
  auto params = exits.at("method");
  std::string const name = params.at("name");
  params.erase("name");
  Choice const method{name, params.dump()};
  auto const after = exits.at("after").get<std::vector<std::string>>();
  auto const shape = shape_of(asked);
  auto const net = build_net({std::string(family.name), asked.at("arch").dump()}, shape, asked.at("classes"), 1,
                             HeadsToBuild{.method = method, .after = after});
  auto const costs = count_cost(*net, blank_images(shape));
  std::vector<long long> params_k;
  std::vector<double> mac_k;
  long long params_so_far = 0;
  double mac_so_far = 0;
  auto const add = [&](ModulePtr const& part, Cost const& cost) {
    if (part) params_so_far += parameters_in(*part);
    mac_so_far += cost.mac;
  };
  auto const leave = [&](Head const& head, Cost const& cost) {
    add(head.module, cost);
    params_k.push_back(params_so_far);
    mac_k.push_back(mac_so_far);
  };
  for (std::size_t i = 0; i < net->stages.size(); ++i) {
    auto const& stage = net->stages[i];
    add(stage.module, costs.stages[i]);
    if (auto const head = net->heads.find(stage.name); head != net->heads.end())
      leave(head->second, costs.heads.at(stage.name));
  }
  leave(net->last, costs.last);
  CHECK(params_k == exits.at("params").get<std::vector<long long>>());
  CHECK(mac_k == exits.at("mac").get<std::vector<double>>());
}

// The formulas of tests/golden/arch/make.py: nothing but answers is stored.
Tensor wave(c10::IntArrayRef sizes, double own = 0) {
  auto made = torch::empty(sizes, torch::kFloat64);
  auto* values = made.mutable_data_ptr<double>();
  for (std::int64_t at = 0; at < made.numel(); ++at) {
    auto const i = static_cast<double>(at);
    values[at] = std::sin(1.3 * i + 0.02 * i * i + own);
  }
  return made;
}

Tensor parameter(std::string const& name, c10::IntArrayRef sizes) {
  double sum = 0;
  for (unsigned char const letter : name) sum += letter;
  auto const made = wave(sizes, 0.11 * sum);
  if (sizes.size() >= 2)
    return made * std::sqrt(2.0 * static_cast<double>(sizes[0]) / static_cast<double>(made.numel()));
  return name.ends_with("weight") ? 1 + 0.1 * made : 0.1 * made;
}

void fill(ExitNet& net) {
  torch::NoGradGuard no_grad;
  net.to(torch::kFloat64);
  for (auto& item : net.named_parameters()) item.value().copy_(parameter(item.key(), item.value().sizes()));
}

std::map<std::string, Tensor> golden(std::string const& name) {
  auto const path = folder + name + ".safetensors";
  std::map<std::string, Tensor> tensors;
  for (auto const& [key, tensor] : decode_tensors(read_file(path), path, /*need_digest=*/false).tensors)
    tensors[key] = from_bytes(tensor);
  return tensors;
}

// |a - b| <= 1e-5 max(|b|, 1e-3 largest), as for all numeric goldens.
void check_close(Tensor const& ours, Tensor const& theirs) {
  REQUIRE(ours.sizes() == theirs.sizes());
  auto const allowed = 1e-5 * theirs.abs().clamp_min(1e-3 * theirs.abs().max().item<double>());
  INFO("ours " << ours << "\ntheirs " << theirs);
  CHECK(((ours.detach() - theirs).abs() <= allowed).all().item<bool>());
}

Tensor logits_of(ExitNet const& net, Tensor const& x_bchw) {
  return answer_all(net, {.x = x_bchw, .side = {}, .active = {}}).back().logits;
}

}  // namespace

TEST_CASE("architectures have the parameters and costs that are written of them", "[golden]") {
  for (auto const& family : archs()) {
    auto const numbers = listed(family.name).at("numbers");
    CHECK_FALSE(numbers.empty());
    for (auto const& asked : numbers) {
      INFO(family.name << " " << asked.dump());
      auto const backbone = backbone_of(family, asked);
      check_names(backbone);
      auto net = std::make_shared<ExitNet>(backbone);
      CHECK(parameters_in(*net) == asked.at("params").get<long long>());
      auto const costs = count_cost(*net, blank_images(shape_of(asked)));
      Cost sum = costs.last;
      for (auto const& cost : costs.stages) sum += cost;
      CHECK(sum.mac == asked.at("mac").get<double>());
      if (asked.contains("fv")) CHECK(sum.fv == asked.at("fv").get<double>());
      if (asked.contains("exits")) check_exits(family, asked);
    }
  }
}

TEST_CASE("small networks of each architecture answer and learn as an independent implementation", "[golden]") {
  constexpr int rows = 4;
  constexpr double rate = 0.01;
  for (auto const& family : archs()) {
    auto const goldens = listed(family.name).at("goldens");
    CHECK_FALSE(goldens.empty());
    for (auto const& asked : goldens) {
      INFO(family.name << " " << asked.dump());
      auto net = build(family, asked);
      fill(*net);
      auto const expected = golden(asked.at("name"));
      CHECK(static_cast<double>(parameters_in(*net)) == expected.at("parameters").item<double>());
      auto const shape = shape_of(asked);
      auto const x = wave({rows, shape.channels, shape.height, shape.width});
      std::vector<std::int64_t> target;
      for (int row = 0; row < rows; ++row) target.push_back((3 * row + 1) % asked.at("classes").get<int>());
      net->eval();
      check_close(logits_of(*net, x), expected.at("eval"));
      net->train();
      auto const answer = answer_all(*net, {.x = x, .side = {}, .active = {}}).back();
      check_close(answer.logits, expected.at("train"));
      auto const loss = net->unlabelled.loss
                            ? net->unlabelled.loss({.x = x, .side = {}, .active = {}}, answer).mean()
                            : torch::nn::functional::cross_entropy(answer.logits, torch::tensor(target));
      loss.backward();
      {
        torch::NoGradGuard no_grad;
        for (auto const& value : net->parameters()) Tensor(value).sub_(rate * value.grad());
      }
      net->eval();
      check_close(logits_of(*net, x), expected.at("after"));
    }
  }
}

TEST_CASE("what resnets of CIFAR type resolve to, and so the keys of their runs, stays", "[golden]") {
  auto const resolved = [](std::string const& text) {
    auto reader = reader_of(text);
    find(archs(), "architecture", "resnet", "test").make(reader);
    return reader.resolved();
  };
  CHECK(resolved(R"({"depth": 14})") == R"({"depth":14,"width":16})");
  CHECK(resolved(R"({"depth": 50, "type": "imagenet"})") == R"({"depth":50,"inner":1,"type":"imagenet","width":64})");
}

}  // namespace eexit
