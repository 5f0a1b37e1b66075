#include "core/execute/pretrained.h"

#include <algorithm>

#include "core/arch/position_table.h"
#include "core/base/error.h"
#include "core/base/log.h"
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

std::map<std::string, TensorBytes> read(fs::path const& file) {
  if (!fs::is_regular_file(file)) throw SpecError(file.string() + ": no such file", Exit::missing);
  auto const bytes = read_file(file);
  if (bytes.starts_with("PK") || bytes.starts_with("\x80"))
    throw SpecError(file.string() +
                    ": is a pickle, which may run any program when it is read; convert it where you trust it: "
                    "import torch, safetensors.torch; safetensors.torch.save_file({k: v.contiguous() for k, v in "
                    "torch.load(\"" +
                    file.filename().string() + "\", weights_only=True).items()}, \"weights.safetensors\")");
  try {
    return decode_tensors(bytes, file.string(), /*need_digest=*/false).tensors;
  } catch (RunError const& error) {
    throw SpecError(error.what());  // the file is the user's own
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
  Loading(ExitNet& net, Backbone const& names) : names_(names), mine_(tensors_of(net, {"stage.", "last."})) {}

  void take(std::string const& name, TensorBytes const& bytes) {
    auto const own = own_name(name, names_, mine_);
    if (own && own->empty()) return;
    auto const found = own ? mine_.find(*own) : mine_.end();
    if (found == mine_.end()) {
      unexpected_.push_back(name);
      return;
    }
    auto value = from_bytes(bytes);
    auto const& to = found->second;
    if (*own == names_.positions.name && value.dim() == 3 && value.size(2) == to.size(2) &&
        value.sizes() != to.sizes()) {
      value = arch::resized_positions(value.to(torch::kFloat32), names_.positions.height, names_.positions.width);
      notes_.push_back("positions " + name + " are resized to " + std::to_string(names_.positions.height) + " x " +
                       std::to_string(names_.positions.width));
    }
    if (is_classifier_of_others(*own, value, to)) {
      notes_.push_back("classifier " + name + " has " + std::to_string(value.size(0)) + " classes, " +
                       std::to_string(to.size(0)) + " are needed: it starts afresh");
      values_[*own] = to.detach().clone();
      return;
    }
    if (value.sizes() != to.sizes() || is_float(value) != is_float(to))
      wrong_.push_back(name + " " + text_of(value.sizes()) + " for " + text_of(to.sizes()));
    values_[*own] = value;
  }

  std::vector<std::string> finish(std::string const& file) {
    Names missing, parts;
    for (auto const& [name, tensor] : mine_)
      // A counter of batches that files of older versions lack, and that nothing here depends on.
      if (!values_.contains(name) && !name.ends_with("num_batches_tracked")) missing.push_back(name);
    if (!missing.empty()) parts.push_back("missing " + some_of(missing));
    if (!wrong_.empty()) parts.push_back("of another shape " + some_of(wrong_));
    if (!unexpected_.empty()) parts.push_back("unexpected " + some_of(unexpected_));
    if (!parts.empty()) throw SpecError(file + ": does not fit the architecture: " + join(parts, "; "));
    torch::NoGradGuard no_grad;
    for (auto const& [name, value] : values_) Tensor(mine_.at(name)).copy_(value);  // widens, keeps strides
    return std::move(notes_);
  }

 private:
  // The last layer of another number of classes: all else of its shape is the same.
  static bool is_classifier_of_others(std::string const& own, Tensor const& value, Tensor const& to) {
    return own.starts_with("last.") && value.dim() == to.dim() && value.dim() > 0 && value.size(0) != to.size(0) &&
           value.sizes().slice(1) == to.sizes().slice(1);
  }

  Backbone const& names_;
  std::map<std::string, Tensor> mine_, values_;
  Names unexpected_, wrong_, notes_;
};

}  // namespace

std::vector<std::string> load_pretrained(ExitNet& net, Backbone const& names, fs::path const& file) {
  Loading loading(net, names);
  auto const tensors = read(file);
  auto const is_ours = [](auto const& tensor) { return tensor.first.starts_with("stage."); };
  bool const ours = std::any_of(tensors.begin(), tensors.end(), is_ours);
  for (auto const& [name, bytes] : tensors) {
    // Heads of a network of ours are not the backbone's business; timm calls a classifier head.
    if (ours && (name.starts_with("head.") || name.starts_with("extra."))) continue;
    loading.take(name, bytes);
  }
  return loading.finish(file.string());
}

std::string checked_weights(fs::path const& file, Choice const& arch, ImageShape const& shape, int classes) {
  auto backbone = build_backbone(arch, shape, classes, 0);
  auto const names = backbone;
  ExitNet net(std::move(backbone));
  for (auto const& note : load_pretrained(net, names, file)) say("weights", file.string() + ": " + note);
  return sha256(read_file(file));
}

}  // namespace eexit
