#include "core/execute/pretrained.h"

#include <algorithm>

#include "core/arch/position_table.h"
#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/execute/build.h"
#include "core/net/weights.h"

namespace eexit {

namespace {

using Names = std::vector<std::string>;

// What a reader of the message can take in; the rest is counted.
std::string some_of(Names const& names) {
  constexpr std::size_t most = 8;
  Names const shown(names.begin(), names.begin() + static_cast<long>(std::min(most, names.size())));
  auto const more = names.size() - shown.size();
  return join(shown, ", ") + (more > 0 ? " and " + std::to_string(more) + " more" : "");
}

std::string text_of(c10::IntArrayRef sizes) {
  std::vector<std::string> numbers;
  for (auto const size : sizes) numbers.push_back(std::to_string(size));
  return "[" + join(numbers, ", ") + "]";
}

std::string read_weights(fs::path const& file) {
  if (!fs::is_regular_file(file)) throw SpecError(file.string() + ": no such file", Exit::missing);
  return read_file(file);
}

using Tensors = std::map<std::string, Tensor>;

Tensors decode(std::string const& bytes, fs::path const& file) {
  // A safetensors file begins with the length of its header, whose first byte may be anything, then has the header.
  bool const has_header = bytes.size() > 8 && bytes[8] == '{';
  if (!has_header && (bytes.starts_with("PK") || bytes.starts_with("\x80")))
    throw SpecError(file.string() +
                    ": is a pickle, which may run any program when it is read; convert it where you trust it: "
                    "import torch, safetensors.torch; safetensors.torch.save_file({k: v.contiguous() for k, v in "
                    "torch.load(\"" +
                    file.filename().string() + "\", weights_only=True).items()}, \"weights.safetensors\")");
  try {
    Tensors tensors;
    for (auto const& [name, packed] : decode_tensors(bytes, file.string(), /*need_digest=*/false).tensors)
      tensors[name] = from_bytes(packed);
    return tensors;
  } catch (RunError const& error) {
    throw SpecError(error.what());  // the file is the user's own
  }
}

// Swin transformers V2 of timm and of their authors have biases for queries and values alone: those of keys are 0.
void join_biases(Tensors& tensors) {
  Tensors joined;
  for (auto const& [name, q] : tensors) {
    if (!name.ends_with("attn.q_bias")) continue;
    auto const attention = name.substr(0, name.size() - std::string("q_bias").size());
    auto const v = tensors.find(attention + "v_bias");
    if (v != tensors.end() && q.dim() == 1 && v->second.sizes() == q.sizes())
      joined[attention] = torch::cat({q, torch::zeros_like(q), v->second});
  }
  for (auto const& [attention, bias] : joined) {
    for (auto const* part : {"q_bias", "v_bias"}) tensors.erase(attention + part);
    tensors[attention + "qkv.bias"] = bias;
  }
}

// The name here of a tensor of the file; "" where it has no place, none where nothing is known of it.
std::optional<std::string> own_name(std::string const& name, Backbone const& names,
                                    std::map<std::string, Tensor> const& mine) {
  if (mine.contains(name)) return name;
  std::string const *longest = nullptr, *here = nullptr;
  for (auto const& [there, own] : names.published)
    if (name.starts_with(there) && (longest == nullptr || there.size() > longest->size())) {
      longest = &there;
      here = &own;
    }
  if (longest == nullptr) return std::nullopt;
  return here->empty() ? "" : *here + name.substr(longest->size());
}

bool is_float(Tensor const& tensor) { return tensor.is_floating_point(); }

class Loading {
 public:
  // ours: a file of this program, whose positions are of any grid; published ones are of a square.
  Loading(ExitNet& net, Backbone const& names, bool ours)
      : names_(names), ours_(ours), mine_(tensors_of(net, {"stage.", "last."})) {}

  void take(std::string const& name, Tensor value) {
    auto const own = own_name(name, names_, mine_);
    if (own && own->empty()) return;
    auto const found = own ? mine_.find(*own) : mine_.end();
    if (found == mine_.end()) {
      unexpected_.push_back(name);
      return;
    }
    auto const& to = found->second;
    if (values_.contains(*own)) {
      unexpected_.push_back(name + " (a second " + *own + ")");
      return;
    }
    if (*own == names_.positions.name && value.dim() == 3 && value.size(0) == 1 && value.size(1) > 1 &&
        value.size(2) == to.size(2) && (value.sizes() != to.sizes() || (!ours_ && !square()))) {
      value = resized(name, value);
      notes_.push_back("positions " + name + " are resized to " + std::to_string(names_.positions.height) + " x " +
                       std::to_string(names_.positions.width));
    }
    if (is_classifier_of_others(*own, value, to)) {
      notes_.push_back("classifier " + name + " has " + std::to_string(value.size(0)) + " classes, " +
                       std::to_string(to.size(0)) + " are needed: it starts afresh");
      values_[*own] = to.detach().clone();
      return;
    }
    if (value.squeeze().sizes() == to.squeeze().sizes()) value = value.reshape(to.sizes());  // sides of 1 hold nothing
    if (value.sizes() != to.sizes() || is_float(value) != is_float(to))
      wrong_.push_back(name + " " + text_of(value.sizes()) + " for " + text_of(to.sizes()));
    values_[*own] = value;
  }

  std::vector<std::string> finish() {
    Names missing, parts;
    for (auto const& [name, tensor] : mine_)
      // A counter of batches that files of older versions lack, and that nothing here depends on.
      if (!values_.contains(name) && !name.ends_with("num_batches_tracked")) missing.push_back(name);
    if (!missing.empty()) parts.push_back("missing " + some_of(missing));
    if (!wrong_.empty()) parts.push_back("of another shape " + some_of(wrong_));
    if (!unexpected_.empty()) parts.push_back("unexpected " + some_of(unexpected_));
    if (!parts.empty()) throw SpecError("does not fit the architecture: " + join(parts, "; "));
    torch::NoGradGuard no_grad;
    for (auto const& [name, value] : values_) Tensor(mine_.at(name)).copy_(value);  // widens, keeps strides
    return std::move(notes_);
  }

 private:
  Tensor resized(std::string const& name, Tensor const& table_1nd) {
    try {
      return arch::resized_positions(table_1nd.to(torch::kFloat32), names_.positions.height, names_.positions.width);
    } catch (SpecError const& error) {
      throw SpecError(name + ": " + error.what());
    }
  }

  // The last layer of another number of classes: all else of its shape is the same.
  static bool is_classifier_of_others(std::string const& own, Tensor const& value, Tensor const& to) {
    return own.starts_with("last.") && value.dim() == to.dim() && value.dim() > 0 && value.size(0) != to.size(0) &&
           value.sizes().slice(1) == to.sizes().slice(1);
  }

  bool square() const { return names_.positions.height == names_.positions.width; }

  Backbone const& names_;
  bool ours_;
  std::map<std::string, Tensor> mine_, values_;
  Names unexpected_, wrong_, notes_;
};

}  // namespace

std::vector<std::string> start_from(ExitNet& net, Backbone const& names, std::map<std::string, Tensor> tensors) {
  auto const is_ours = [](auto const& tensor) { return tensor.first.starts_with("stage."); };
  bool const ours = std::any_of(tensors.begin(), tensors.end(), is_ours);
  if (!ours) join_biases(tensors);
  Loading loading(net, names, ours);
  Names heads, masks;
  for (auto const& [name, tensor] : tensors) {
    // Heads of a network of ours are a method's; timm calls a classifier head.
    bool const of_method = ours && (name.starts_with("head.") || name.starts_with("extra."));
    if (of_method)
      heads.push_back(name);
    else if (ours && name.starts_with("mask."))
      masks.push_back(name);
    else
      loading.take(name, tensor);
  }
  auto notes = loading.finish();
  if (!masks.empty()) notes.push_back("pruned weights are 0 and may be learned again; left out " + some_of(masks));
  if (!heads.empty()) notes.push_back("heads start afresh; left out " + some_of(heads));
  return notes;
}

LoadedWeights load_pretrained(ExitNet& net, Backbone const& names, fs::path const& file, std::string const& digest) {
  auto const bytes = read_weights(file);
  LoadedWeights loaded{.digest = sha256(bytes), .notes = {}};
  if (!digest.empty() && loaded.digest != digest)
    throw SpecError(file.string() + ": changed since the sweep was planned");
  auto tensors = decode(bytes, file);
  try {
    loaded.notes = start_from(net, names, std::move(tensors));
  } catch (SpecError const& error) {
    throw SpecError(file.string() + ": " + error.what());
  }
  return loaded;
}

LoadedWeights check_weights(fs::path const& file, Choice const& arch, ImageShape const& shape, int classes) {
  auto backbone = build_backbone(arch, shape, classes, 0);
  auto const names = backbone;
  ExitNet net(std::move(backbone));
  return load_pretrained(net, names, file);
}

}  // namespace eexit
