// Weights that a network starts from: files in the names of torchvision, timm or this program.
#pragma once

#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/net/net.h"
#include "core/plan/facts.h"
#include "core/plan/spec.h"

namespace eexit {

// Copies tensors by name into the stages and the last classifier of `net`, built as Backbone `names` was; returns what
// was not simply copied, a line each. Half precision is widened; a table of positions is made to fit another grid; a
// classifier for another number of classes stays as the seed gave it. SpecError: missing, unexpected and mis-shaped
// tensors by name, and nothing is copied.
std::vector<std::string> start_from(ExitNet& net, Backbone const& names, std::map<std::string, Tensor> tensors);

struct LoadedWeights {
  std::string digest;              // SHA-256 of the file
  std::vector<std::string> notes;  // of start_from
};

// The same from a safetensors file. SpecError too: Exit::missing without the file; a pickle, with how to convert it;
// another digest than the one given.
LoadedWeights load_pretrained(ExitNet& net, Backbone const& names, fs::path const& file,
                              std::string const& digest = "");

// After trying the file on a network of its own. SpecError as above.
LoadedWeights check_weights(fs::path const& file, Choice const& arch, ImageShape const&, int classes);

}  // namespace eexit
