// Published weights files: names and shapes of torchvision's and timm's tensors (tests/golden/weights) fit the networks
// of full size here. Answers are compared by hand.
#include <nlohmann/json.hpp>
#include <optional>

#include "core/execute/build.h"
#include "core/execute/pretrained.h"
#include "datasets/formats/inflated_file.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

using Json = nlohmann::json;

fs::path const folder = fs::path(EEXIT_TESTS_DIR) / "golden" / "weights";

Json inflated(fs::path const& path) {
  InflatedFile file(path);
  std::vector<std::uint8_t> text;
  read_rest(file, path, text);
  return Json::parse(text);
}

std::map<std::string, Tensor> tensors_like(Json const& listed) {
  std::map<std::string, Tensor> made;
  for (auto const& [name, type_and_sizes] : listed.items()) {
    auto sizes = type_and_sizes.get<std::vector<Json>>();
    auto const type = sizes.front() == "I64" ? torch::kInt64 : torch::kFloat32;
    made[name] = torch::zeros(std::vector<std::int64_t>(sizes.begin() + 1, sizes.end()), type);
  }
  return made;
}

std::vector<std::string> notes_of(Json const& asked, Json const& listed) {
  auto params = asked.at("arch");
  std::string const name = params.at("name");
  params.erase("name");
  // Tensors made below have shapes and no numbers, so that no network is too large; but swin_v2 works out tables.
  std::optional<c10::impl::IncludeDispatchKeyGuard> shapes_alone;
  if (name != "swin_v2") shapes_alone.emplace(c10::DispatchKey::Meta);
  auto const& shape = asked.at("shape");
  auto const names = build_backbone({name, params.dump()}, {shape.at(0), shape.at(1), shape.at(2)}, 1000, 1);
  ExitNet net(names);
  return start_from(net, names, tensors_like(listed));
}

}  // namespace

TEST_CASE("names and shapes of published weights fit, or are refused where answers would differ", "[golden]") {
  auto const tensors = inflated(folder / "tensors.json.gz");
  auto const asked_of = Json::parse(read_file(folder / "models.json"));
  for (auto const& [library, models] : asked_of.items())
    for (auto const& asked : models) {
      INFO(library << " " << asked.dump());
      auto const& listed = tensors.at(library).at(asked.at("model").get<std::string>());
      CHECK(listed.size() > 50);
      if (asked.contains("refused"))
        CHECK_THROWS_AS(notes_of(asked, listed), SpecError);
      else
        CHECK(notes_of(asked, listed).empty());
    }
}

}  // namespace eexit
