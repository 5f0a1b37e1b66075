// Weights that a network starts from: files in the names of torchvision, timm or this program.
#pragma once

#include <string>
#include <vector>

#include "core/base/files.h"
#include "core/net/net.h"
#include "core/plan/facts.h"
#include "core/plan/spec.h"

namespace eexit {

// Copies a safetensors file into the stages and the last classifier of `net`, built as Backbone `names` was. Half
// precision is widened; a table of positions is made to fit another grid; a classifier for another number of classes
// stays as the seed gave it.  SpecError: Exit::missing without the
// file; a pickle, with how to convert it; else missing, unexpected and mis-shaped tensors by name.
// a pickle, with how to convert it; else missing, unexpected and mis-shaped tensors by name, or another digest than the
// one given.
struct LoadedWeights {
  std::string digest;              // SHA-256 of the file
  std::vector<std::string> notes;  // what was not simply copied, a line each
};
LoadedWeights load_pretrained(ExitNet& net, Backbone const& names, fs::path const& file,
                              std::string const& digest = "");

// After trying the file on a network of its own. SpecError as above.
LoadedWeights check_weights(fs::path const& file, Choice const& arch, ImageShape const&, int classes);

}  // namespace eexit
