#include "core/net/cost.h"

#include <ATen/record_function.h>

#include <set>
#include <string_view>
#include <unordered_map>

#include "core/base/error.h"
#include "core/net/masks.h"

namespace eexit {

namespace {

// The tensors of one operator call, as the profiler callbacks hand them over.
struct Call {
  std::vector<c10::IValue> const& inputs;
  std::vector<c10::IValue> const& outputs;

  Tensor in(std::size_t i) const {
    require(i < inputs.size() && inputs[i].isTensor(), "an operator has no such tensor input");
    return inputs[i].toTensor();
  }
  Tensor out() const {
    require(!outputs.empty() && outputs[0].isTensor(), "an operator has no tensor output");
    return outputs[0].toTensor();
  }
};

using Rule = Cost (*)(Call const&);

double element_count(Tensor const& t) { return static_cast<double>(t.numel()); }
Cost products(double macs) { return {macs, macs}; }

Cost free_of_charge(Call const&) { return {}; }
Cost convolution(Call const& c) {
  // weight [out, in / groups, kh, kw]: each output value takes element_count(weight) / out products.
  auto const weight = c.in(1);
  return products(element_count(c.out()) * element_count(weight) / static_cast<double>(weight.size(0)));
}
Cost linear(Call const& c) { return products(element_count(c.out()) * static_cast<double>(c.in(1).size(-1))); }
Cost matrix_product(Call const& c) { return products(element_count(c.out()) * static_cast<double>(c.in(0).size(-1))); }
Cost biased_product(Call const& c) { return products(element_count(c.out()) * static_cast<double>(c.in(1).size(-1))); }
Cost attention(Call const& c) {
  // query [..., T, d], key [..., S, d]: two products of T x S x d, scaling T x S, softmax 2 T x S, mask T x S.
  auto const query = c.in(0), key = c.in(1);
  double const d = static_cast<double>(query.size(-1)), s = static_cast<double>(key.size(-2));
  double const pairs = element_count(query) / d * s;
  bool const masked = c.inputs.size() > 3 && c.inputs[3].isTensor() && c.inputs[3].toTensor().defined();
  bool const causal = c.inputs.size() > 5 && c.inputs[5].isBool() && c.inputs[5].toBool();
  return {2 * pairs * d, 2 * pairs * d + pairs * (masked || causal ? 4 : 3)};
}
// x [b, d], y [k, d]: a difference, a square and a sum for each of d numbers; roots are left out. K (3 d - 1)
// operations a row (facts: class-means 4), two of them a product and sum.
Cost distances(Call const& c) {
  auto const x = c.in(0), y = c.in(1);
  return products(static_cast<double>(x.size(0) * y.size(0)) * (3.0 * static_cast<double>(x.size(1)) - 1) / 2);
}
Cost batch_norm(Call const& c) { return {0, 2 * element_count(c.in(0))}; }
Cost layer_norm(Call const& c) { return {0, 5 * element_count(c.in(0))}; }
Cost per_input(Call const& c) { return {0, element_count(c.in(0))}; }
Cost per_output(Call const& c) { return {0, element_count(c.out())}; }
Cost twice_output(Call const& c) { return {0, 2 * element_count(c.out())}; }
Cost input_and_output(Call const& c) { return {0, element_count(c.in(0)) + element_count(c.out())}; }

// A closed list: an operator that is not here is an error, never a silent zero.
std::unordered_map<std::string_view, Rule> const& rules() {
  static std::unordered_map<std::string_view, Rule> const all = {{"conv1d", convolution},
                                                                 {"conv2d", convolution},
                                                                 {"conv3d", convolution},
                                                                 {"linear", linear},
                                                                 {"matmul", matrix_product},
                                                                 {"mm", matrix_product},
                                                                 {"bmm", matrix_product},
                                                                 {"addmm", biased_product},
                                                                 {"baddbmm", biased_product},
                                                                 {"scaled_dot_product_attention", attention},
                                                                 {"row_distances", distances},
                                                                 {"batch_norm", batch_norm},
                                                                 {"layer_norm", layer_norm},
                                                                 {"group_norm", layer_norm},
                                                                 {"adaptive_avg_pool1d", per_input},
                                                                 {"adaptive_avg_pool2d", per_input},
                                                                 {"adaptive_max_pool2d", per_input},
                                                                 {"avg_pool2d", per_input},
                                                                 {"mean", per_input},
                                                                 {"sum", per_input},
                                                                 {"norm", per_input},
                                                                 {"add", per_output},
                                                                 {"add_", per_output},
                                                                 {"sub", per_output},
                                                                 {"sub_", per_output},
                                                                 {"rsub", per_output},
                                                                 {"mul", per_output},
                                                                 {"mul_", per_output},
                                                                 {"square", per_output},
                                                                 {"div", per_output},
                                                                 {"div_", per_output},
                                                                 {"exp", per_output},
                                                                 {"log", per_output},
                                                                 {"cumsum", per_output},
                                                                 {"gt", per_output},
                                                                 {"lt", per_output},
                                                                 {"ge", per_output},
                                                                 {"le", per_output},
                                                                 {"eq", per_output},
                                                                 {"gelu", per_output},
                                                                 {"silu", per_output},
                                                                 {"silu_", per_output},
                                                                 {"sigmoid", per_output},
                                                                 {"tanh", per_output},
                                                                 {"argmax", per_output},
                                                                 {"argmin", per_output},
                                                                 {"one_hot", per_output},
                                                                 {"dropout_", per_output},
                                                                 {"softmax", twice_output},
                                                                 {"log_softmax", twice_output},
                                                                 {"topk", input_and_output},
                                                                 {"scatter", input_and_output},
                                                                 {"gather", input_and_output},
                                                                 {"relu", free_of_charge},
                                                                 {"relu_", free_of_charge},
                                                                 {"clamp_min", free_of_charge},
                                                                 {"clamp_max", free_of_charge},
                                                                 {"hardswish", free_of_charge},
                                                                 {"hardswish_", free_of_charge},
                                                                 {"hardsigmoid", free_of_charge},
                                                                 {"max_pool2d", free_of_charge},
                                                                 {"embedding", free_of_charge},
                                                                 {"dropout", free_of_charge},
                                                                 {"feature_dropout", free_of_charge},
                                                                 {"flatten", free_of_charge},
                                                                 {"reshape", free_of_charge},
                                                                 {"view", free_of_charge},
                                                                 {"permute", free_of_charge},
                                                                 {"roll", free_of_charge},
                                                                 {"transpose", free_of_charge},
                                                                 {"t", free_of_charge},
                                                                 {"cat", free_of_charge},
                                                                 {"stack", free_of_charge},
                                                                 {"unsqueeze", free_of_charge},
                                                                 {"squeeze", free_of_charge},
                                                                 {"expand", free_of_charge},
                                                                 {"expand_as", free_of_charge},
                                                                 {"repeat", free_of_charge},
                                                                 {"select", free_of_charge},
                                                                 {"slice", free_of_charge},
                                                                 {"narrow", free_of_charge},
                                                                 {"split", free_of_charge},
                                                                 {"chunk", free_of_charge},
                                                                 {"unbind", free_of_charge},
                                                                 {"index", free_of_charge},
                                                                 {"index_select", free_of_charge},
                                                                 {"contiguous", free_of_charge},
                                                                 {"clone", free_of_charge},
                                                                 {"detach", free_of_charge},
                                                                 {"to", free_of_charge},
                                                                 {"_to_copy", free_of_charge},
                                                                 {"copy_", free_of_charge},
                                                                 {"zeros", free_of_charge},
                                                                 {"zeros_like", free_of_charge},
                                                                 {"ones", free_of_charge},
                                                                 {"empty", free_of_charge},
                                                                 {"empty_like", free_of_charge},
                                                                 {"fill_", free_of_charge},
                                                                 {"full", free_of_charge},
                                                                 {"arange", free_of_charge},
                                                                 {"masked_fill", free_of_charge},
                                                                 {"masked_fill_", free_of_charge},
                                                                 {"logical_not", free_of_charge},
                                                                 {"bitwise_not", free_of_charge},
                                                                 {"where", free_of_charge},
                                                                 {"upsample_bilinear2d", free_of_charge},
                                                                 {"upsample_nearest2d", free_of_charge},
                                                                 {"pad", free_of_charge},
                                                                 {"constant_pad_nd", free_of_charge},
                                                                 {"size", free_of_charge},
                                                                 {"item", free_of_charge},
                                                                 {"is_nonzero", free_of_charge},
                                                                 {"alias", free_of_charge},
                                                                 {"view_as", free_of_charge},
                                                                 {"reshape_as", free_of_charge},
                                                                 {"movedim", free_of_charge},
                                                                 {"tril", free_of_charge},
                                                                 {"unflatten", free_of_charge},
                                                                 {"numpy_T", free_of_charge},
                                                                 {"lift_fresh", free_of_charge}};
  return all;
}

// Callbacks are plain functions, so what is being counted hangs here while count_cost runs.
struct Tally {
  Cost cost;
  int depth = 0;
  std::set<std::string> unknown;
  std::map<void const*, double> by_weight = {};  // of convolutions and linear maps, by where the weight lies
};
thread_local Tally* tally = nullptr;

// Inputs are there only when a call starts, outputs only when it ends.
struct Started : at::ObserverContext {
  explicit Started(c10::ArrayRef<c10::IValue const> given) : inputs(given.begin(), given.end()) {}
  std::vector<c10::IValue> inputs;
};

std::unique_ptr<at::ObserverContext> on_start(at::RecordFunction const& call) {
  if (++tally->depth > 1) return nullptr;
  return std::make_unique<Started>(call.inputs());
}

void add_call(std::string_view name, Call const& call) {
  auto const rule = rules().find(name);
  if (rule == rules().end()) {
    tally->unknown.emplace(name);
    return;
  }
  auto const cost = rule->second(call);
  tally->cost += cost;
  if (rule->second == convolution || rule->second == linear) tally->by_weight[call.in(1).const_data_ptr()] += cost.mac;
}

// Torch's operators and our own.
void on_end(at::RecordFunction const& call, at::ObserverContext* started) {
  if (--tally->depth > 0) return;
  std::string_view const name = call.name();
  for (std::string_view const prefix : {"aten::", "eexit::"})
    if (name.starts_with(prefix))
      add_call(name.substr(prefix.size()), {static_cast<Started*>(started)->inputs, call.outputs()});
}

Tally count(std::function<void()> const& run) {
  Tally mine;
  Tally* const outer = tally;
  tally = &mine;
  auto const handle = at::addThreadLocalCallback(at::RecordFunctionCallback(on_start, on_end)
                                                     .needsInputs(true)
                                                     .needsOutputs(true)
                                                     .scopes({at::RecordScope::FUNCTION}));
  try {
    run();
  } catch (...) {
    at::removeCallback(handle);
    tally = outer;
    throw;
  }
  at::removeCallback(handle);
  tally = outer;
  if (!mine.unknown.empty())
    throw RunError(
        "cannot count the cost of operator aten::" + *mine.unknown.begin() + ": add its rule to core/net/cost.cpp",
        Exit::internal);
  return mine;
}

// Eval mode for all, and each module's own mode again at the end: parts may be in different ones.
struct InEval {
  explicit InEval(ExitNet& net) : modules(net.modules()) {
    for (auto const& module : modules) modes.push_back(module->is_training());
    net.eval();
  }
  InEval(InEval const&) = delete;
  InEval& operator=(InEval const&) = delete;
  ~InEval() {
    // A module's train() sets its children too, which come after it.
    for (std::size_t i = 0; i < modules.size(); ++i) modules[i]->train(modes[i]);
  }
  std::vector<std::shared_ptr<torch::nn::Module>> modules;
  std::vector<bool> modes;
};

// More threads gain nothing on one sample, and lose much where the machine is busy: they wait for each other.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  OneThread(OneThread const&) = delete;
  OneThread& operator=(OneThread const&) = delete;
  ~OneThread() { at::set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace

Cost count_cost(std::function<void()> const& run) { return count(run).cost; }

std::map<std::string, double> macs_by_layer(ExitNet& net, State const& one_sample) {
  torch::NoGradGuard no_grad;
  OneThread const one_thread;
  InEval const in_eval(net);
  auto const counted = count([&] { answer_all(net, one_sample); }).by_weight;
  std::map<std::string, double> macs;
  for (auto const& [name, weight] : layers_of(net)) {
    auto const found = counted.find(weight.const_data_ptr());
    macs[name] = found == counted.end() ? 0 : found->second;
  }
  return macs;
}

NetCost count_cost(ExitNet& net, State const& one_sample) {
  torch::NoGradGuard no_grad;
  OneThread const one_thread;
  InEval const in_eval(net);
  NetCost costs;
  Earlier earlier;
  State state = one_sample;
  // The walk, one stage at a time: a stage's own operators must not be mixed with its head's.
  for (std::size_t i = 0; i < net.stages.size(); ++i) {
    costs.stages.push_back(count_cost(
        [&] { state = walk(std::span(net.stages).subspan(i, 1), state, [](Stage const&, State&) { return true; }); }));
    auto const head = net.heads.find(net.stages[i].name);
    if (head == net.heads.end()) continue;
    Answer answer;
    costs.heads[head->first] = count_cost([&] { answer = head->second.run(state, earlier); });
    earlier.push_back(answer);
  }
  costs.last = count_cost([&] { net.last.run(state, earlier); });
  return costs;
}

double mean_cost(ExitNet const& net, NetCost const& costs, Answers const& answers, Convention convention) {
  double total = 0;
  for (std::size_t i = 0; i < costs.stages.size(); ++i)
    total += answers.stage_share[i] * in(convention, costs.stages[i]);
  auto const names = net.exit_names();
  for (std::size_t k = 0; k + 1 < names.size(); ++k)
    total += answers.exit_share[k] * in(convention, costs.heads.at(names[k]));
  return total + answers.exit_share.back() * in(convention, costs.last);
}

}  // namespace eexit
