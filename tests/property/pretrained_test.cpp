// Weights files that networks start from.
#include "core/execute/pretrained.h"

#include "core/arch/arch.h"
#include "core/execute/build.h"
#include "core/net/weights.h"
#include "tests/contract/readers.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

ImageShape const shape = {.channels = 3, .height = 32, .width = 32};
Choice const resnet = {"resnet", R"({"depth": 18, "type": "imagenet", "width": 4})"};
Choice const vit = {"vit", R"({"heads": 2, "layers": 2, "patch": 8, "width": 8})"};

std::map<std::string, TensorBytes> bytes_of(ExitNet const& net) {
  std::map<std::string, TensorBytes> all;
  for (auto const& [name, tensor] : tensors_of(net)) all[name] = to_bytes(tensor);
  return all;
}

// A net's tensors under the names that a published file gives them.
std::map<std::string, TensorBytes> published(Backbone const& names, ExitNet const& net) {
  std::map<std::string, TensorBytes> all;
  for (auto const& [name, tensor] : bytes_of(net)) {
    std::pair<std::string, std::string> best;
    for (auto const& [there, here] : names.published)
      if (!here.empty() && name.starts_with(here) && here.size() > best.second.size()) best = {there, here};
    INFO(name);
    REQUIRE_FALSE(best.first.empty());
    all[best.first + name.substr(best.second.size())] = tensor;
  }
  return all;
}

struct File {
  test::TemporaryFolder folder;
  fs::path path = folder.path / "weights.safetensors";
  explicit File(std::map<std::string, TensorBytes> tensors) {
    write_file(path, encode_tensors({.tensors = std::move(tensors), .metadata = {}}, /*digest=*/false));
  }
};

struct Network {
  Backbone names;
  std::shared_ptr<ExitNet> net;
  Network(Choice const& arch, ImageShape const& of, int classes, std::uint64_t seed)
      : names(build_backbone(arch, of, classes, seed)), net(build_net(arch, of, classes, seed)) {}
};

bool same_weights(ExitNet const& a, ExitNet const& b, std::string const& but = "nothing") {
  auto const theirs = tensors_of(b);
  for (auto const& [name, tensor] : tensors_of(a))
    if (!name.starts_with(but) && !torch::equal(tensor, theirs.at(name))) return false;
  return true;
}

}  // namespace

TEST_CASE("a network starts from a file in published names, or in its own", "[weights]") {
  for (auto const& arch : {resnet, vit}) {
    INFO(arch.name);
    Network const from(arch, shape, 10, 1);
    for (auto const& tensors : {published(from.names, *from.net), bytes_of(*from.net)}) {
      File const file(tensors);
      Network const to(arch, shape, 10, 2);
      CHECK_FALSE(same_weights(*from.net, *to.net));
      CHECK(load_pretrained(*to.net, to.names, file.path).notes.empty());
      CHECK(same_weights(*from.net, *to.net));
    }
  }
}

TEST_CASE("half precision is widened, counters of batches may be missing", "[weights]") {
  Network const from(resnet, shape, 10, 1);
  auto tensors = published(from.names, *from.net);
  for (auto& [name, tensor] : tensors)
    if (tensor.dtype == Dtype::f32) tensor = to_bytes(from_bytes(tensor).to(torch::kBFloat16));
  std::erase_if(tensors, [](auto const& each) { return each.first.ends_with("num_batches_tracked"); });
  File const file(tensors);
  Network const to(resnet, shape, 10, 2);
  CHECK(load_pretrained(*to.net, to.names, file.path).notes.empty());
  auto const mine = tensors_of(*from.net), theirs = tensors_of(*to.net);
  for (auto const& [name, tensor] : mine)
    CHECK(torch::allclose(tensor.to(torch::kFloat32), theirs.at(name).to(torch::kFloat32), 1e-2, 1e-2));
}

TEST_CASE("a header of any length is a header, however its length begins", "[weights]") {
  Network const from(resnet, shape, 10, 1);
  auto const tensors = published(from.names, *from.net);
  std::string bytes;
  // A pickle begins with this byte; of headers one in 32 has such a length.
  for (std::string pad; bytes.empty() || bytes[0] != '\x80'; pad += "x")
    bytes = encode_tensors({.tensors = tensors, .metadata = {{"pad", pad}}}, /*digest=*/false);
  test::TemporaryFolder const folder;
  auto const file = folder.path / "weights.safetensors";
  write_file(file, bytes);
  Network const to(resnet, shape, 10, 2);
  CHECK(load_pretrained(*to.net, to.names, file).notes.empty());
  CHECK(same_weights(*from.net, *to.net));
  CHECK_THROWS_WITH(load_pretrained(*to.net, to.names, file, std::string(64, '0')),
                    Catch::Matchers::Contains("changed since"));
}

TEST_CASE("heads of a network of ours start afresh, and that is said", "[weights]") {
  Choice const sdn = {"sdn", R"({"head": "pooled", "pool": 4})"};
  std::vector<std::string> const after = {"0", "1"};
  auto const with_heads = build_net(resnet, shape, 10, 1, HeadsToBuild{.method = sdn, .after = after});
  File const file(bytes_of(*with_heads));
  Network const to(resnet, shape, 10, 2);
  auto const notes = load_pretrained(*to.net, to.names, file.path).notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].starts_with("heads start afresh; left out head.0."));
  CHECK(torch::equal(tensors_of(*to.net).at("last.weight"), tensors_of(*with_heads).at("last.weight")));
}

TEST_CASE("another number of classes keeps the seed's classifier, and that is said", "[weights]") {
  Network const from(vit, shape, 10, 1);
  File const file(published(from.names, *from.net));
  Network const to(vit, shape, 7, 2), seed(vit, shape, 7, 2);
  auto const notes = load_pretrained(*to.net, to.names, file.path).notes;
  REQUIRE(notes.size() == 2);  // weight and bias
  CHECK(notes[0].find("10 classes, 7 are needed") != std::string::npos);
  CHECK(torch::equal(tensors_of(*to.net).at("last.linear.bias"), tensors_of(*seed.net).at("last.linear.bias")));
  CHECK(torch::equal(tensors_of(*to.net).at("stage.0.qkv.weight"), tensors_of(*from.net).at("stage.0.qkv.weight")));
}

TEST_CASE("positions are made to fit another size of image", "[weights]") {
  Network const from(vit, shape, 10, 1);
  File const file(published(from.names, *from.net));
  ImageShape const larger = {.channels = 3, .height = 48, .width = 64};
  Network const to(vit, larger, 10, 2);
  auto const notes = load_pretrained(*to.net, to.names, file.path).notes;
  REQUIRE(notes.size() == 1);
  CHECK(notes[0].ends_with("are resized to 6 x 8"));
  CHECK(same_weights(*from.net, *to.net, "stage.stem.positions"));
  CHECK(tensors_of(*to.net).at("stage.stem.positions").size(1) == 49);
}

TEST_CASE("biases of queries and values alone leave keys without one", "[weights]") {
  Choice const swin = {"swin_v2", R"({"depths": [1], "heads": [2], "width": 4})"};
  Network const from(swin, shape, 10, 1), to(swin, shape, 10, 2);
  auto const q = torch::arange(4.0), v = 5 + q;
  auto tensors = published(from.names, *from.net);
  REQUIRE(tensors.erase("layers.0.blocks.0.attn.qkv.bias") + tensors.erase("features.1.0.attn.qkv.bias") == 1);
  tensors["layers.0.blocks.0.attn.q_bias"] = to_bytes(q);
  tensors["layers.0.blocks.0.attn.v_bias"] = to_bytes(v);
  File const file(tensors);
  CHECK(load_pretrained(*to.net, to.names, file.path).notes.empty());
  CHECK(torch::equal(tensors_of(*to.net).at("stage.0.attention.qkv.bias"), torch::cat({q, torch::zeros(4), v})));
}

TEST_CASE("a file that does not fit is refused with the names that do not", "[weights]") {
  Network const from(resnet, shape, 10, 1);
  auto const good = published(from.names, *from.net);
  auto const refusal = [&](std::map<std::string, TensorBytes> const& tensors, Choice const& arch = resnet) {
    File const file(tensors);
    Network const to(arch, shape, 10, 2), before(arch, shape, 10, 2);
    auto const message = test::message_of<SpecError>([&] { load_pretrained(*to.net, to.names, file.path); });
    CHECK(same_weights(*to.net, *before.net));  // nothing is half loaded
    return message;
  };
  auto tensors = good;
  tensors.erase("layer1.0.conv1.weight");
  tensors["layer9.0.conv1.weight"] = good.at("conv1.weight");
  tensors["layer1.1.conv1.weight"] = good.at("conv1.weight");
  auto const message = refusal(tensors);
  INFO(message);
  CHECK(message.find("missing stage.0.conv1.weight") != std::string::npos);
  CHECK(message.find("unexpected layer9.0.conv1.weight") != std::string::npos);
  CHECK(message.find("of another shape layer1.1.conv1.weight [4, 3, 3, 3] for [4, 4, 3, 3]") != std::string::npos);
  CHECK(refusal(good, vit).find(" more") != std::string::npos);  // long lists are cut

  test::TemporaryFolder const folder;
  Network const to(resnet, shape, 10, 2);
  auto const pickle = folder.path / "model.pth";
  write_file(pickle, "PK\x03\x04");
  CHECK(test::message_of<SpecError>([&] { load_pretrained(*to.net, to.names, pickle); }).find("save_file") !=
        std::string::npos);
  try {
    load_pretrained(*to.net, to.names, folder.path / "none");
    CHECK(false);
  } catch (SpecError const& error) {
    CHECK(error.code == Exit::missing);
  }
  write_file(pickle, "no tensors");
  CHECK_THROWS_AS(load_pretrained(*to.net, to.names, pickle), SpecError);
}

}  // namespace eexit
