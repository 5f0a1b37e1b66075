// A network's tensors as bytes and back, for weight files and checkpoints.
#pragma once

#include <map>
#include <string>

#include "core/base/safetensors.h"
#include "core/net/net.h"

namespace eexit {

TensorBytes to_bytes(Tensor const&);    // any device and layout -> packed row-major
Tensor from_bytes(TensorBytes const&);  // CPU, contiguous

// Parameters, buffers and masks ("mask." before the parameter's name) by name, those whose names start with one of the
// prefixes ({""}: all).
std::map<std::string, Tensor> tensors_of(ExitNet const&, std::vector<std::string> const& prefixes = {""});

// Copies values into the net's tensors of the same names, strides and device of the net kept. Every tensor of the net
// whose name starts with one of the prefixes must be there with its shape and type; RunError lists missing and
// mis-shaped ones by name. Tensors the net does not have are ignored unless their names start with one of the prefixes.
void load_tensors(ExitNet&, std::map<std::string, TensorBytes> const&, std::vector<std::string> const& prefixes,
                  std::string const& where);

}  // namespace eexit
