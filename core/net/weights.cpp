#include "core/net/weights.h"

#include "core/base/error.h"
#include "core/base/text.h"

namespace eexit {

namespace {

struct Pair {
  Dtype dtype;
  torch::ScalarType scalar;
};
constexpr Pair pairs[] = {{Dtype::f64, torch::kFloat64},   {Dtype::f32, torch::kFloat32}, {Dtype::f16, torch::kFloat16},
                          {Dtype::bf16, torch::kBFloat16}, {Dtype::i64, torch::kInt64},   {Dtype::i32, torch::kInt32},
                          {Dtype::i16, torch::kInt16},     {Dtype::i8, torch::kInt8},     {Dtype::u8, torch::kUInt8},
                          {Dtype::boolean, torch::kBool}};

Dtype dtype_of(torch::ScalarType scalar) {
  for (auto const& pair : pairs)
    if (pair.scalar == scalar) return pair.dtype;
  throw std::logic_error("a tensor has a type that safetensors does not know");
}

torch::ScalarType scalar_of(Dtype dtype) {
  for (auto const& pair : pairs)
    if (pair.dtype == dtype) return pair.scalar;
  throw std::logic_error("unknown dtype");
}

std::string shape_text(c10::IntArrayRef sizes) {
  std::string text = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) text += (i ? ", " : "") + std::to_string(sizes[i]);
  return text + "]";
}

}  // namespace

TensorBytes to_bytes(Tensor const& tensor) {
  auto const packed = tensor.detach().to(torch::kCPU).contiguous();
  return {dtype_of(packed.scalar_type()), packed.sizes().vec(),
          std::string(static_cast<char const*>(packed.const_data_ptr()), packed.nbytes())};
}

Tensor from_bytes(TensorBytes const& tensor) {
  auto made = torch::empty(tensor.shape, scalar_of(tensor.dtype));
  require(made.nbytes() == tensor.bytes.size(), "a tensor's bytes do not fill its shape");
  std::copy(tensor.bytes.begin(), tensor.bytes.end(), static_cast<char*>(made.data_ptr()));
  return made;
}

std::map<std::string, Tensor> tensors_of(ExitNet const& net, std::vector<std::string> const& prefixes) {
  std::map<std::string, Tensor> all;
  for (auto const& item : net.named_parameters())
    if (starts_with_any(item.key(), prefixes)) all[item.key()] = item.value();
  for (auto const& item : net.named_buffers())
    if (starts_with_any(item.key(), prefixes)) all[item.key()] = item.value();
  for (auto const& [name, mask] : net.masks)
    if (starts_with_any("mask." + name, prefixes)) all["mask." + name] = mask;
  return all;
}

void load_tensors(ExitNet& net, std::map<std::string, TensorBytes> const& values,
                  std::vector<std::string> const& prefixes, std::string const& where) {
  torch::NoGradGuard no_grad;
  std::vector<std::string> wrong;
  auto const mine = tensors_of(net, prefixes);
  for (auto const& [name, tensor] : mine) {
    auto const found = values.find(name);
    if (found == values.end()) {
      wrong.push_back(name + " is missing");
      continue;
    }
    auto const value = from_bytes(found->second);
    if (value.sizes() != tensor.sizes() || value.scalar_type() != tensor.scalar_type())
      wrong.push_back(name + " has shape " + shape_text(value.sizes()) + ", expected " + shape_text(tensor.sizes()));
  }
  for (auto const& [name, value] : values)
    if (starts_with_any(name, prefixes) && !mine.contains(name)) wrong.push_back(name + " is not part of the network");
  if (!wrong.empty()) throw RunError(where + ": " + join(wrong, "; "));
  // copy_ keeps the strides of the destination, channels-last or not.
  for (auto const& [name, tensor] : mine) {
    Tensor destination = tensor;
    destination.copy_(from_bytes(values.at(name)));
  }
}

}  // namespace eexit
