// What training promises of every architecture: a phase that was stopped and gone on with ends with the same bytes,
// weights are the same after they were written and read, and bf16 gives finite losses. Small instances as in
// arch_test.cpp.
#include <cmath>

#include "core/arch/arch.h"
#include "core/base/log.h"
#include "core/net/weights.h"
#include "tests/contract/contract.h"
#include "tests/support/phases.h"
#include "tests/unit/base/temporary_folder.h"

#include "tests/support/catch.h"

namespace eexit {
namespace {

SmallNet net_of(Entry<ArchMaker> const& arch, ImageShape const& shape) {
  auto reader = reader_of(contract_of(arch.name).arch);
  return {.name = std::string(arch.name),
          .backbone = [make = arch.make(reader), shape](Builder& builder) { return make(shape, 4, builder); },
          .heads = {},
          .input =
              [shape](int batch, std::uint64_t seed) {
                return State{
                    .x = normals(batch, {shape.channels, shape.height, shape.width}, seed), .side = {}, .active = {}};
              },
          .target = {},
          .task = {},
          .classes = 4};
}

// The first shape suffices: the others differ in nothing that training knows of.
template <class Check>
void for_every_arch(Check const& check) {
  set_log_level(Level::quiet);
  for (auto const& arch : archs()) {
    INFO(arch.name);
    check(net_of(arch, contract_of(arch.name).shapes.front()));
  }
  set_log_level(Level::normal);
}

PhaseBench bench_of(SmallNet const& net) {
  PhaseBench bench(net, "sdn", R"({"head": "auto"})");
  bench.steps = 6;  // an epoch has four
  return bench;
}

}  // namespace

TEST_CASE("a stopped phase of every architecture ends with the bytes of one that was not", "[contract]") {
  for_every_arch([](SmallNet const& net) {
    auto whole = bench_of(net), stopped = bench_of(net);
    stopped.stop_at = 2;
    auto const expected = whole.train({"backbone", "joint"}), found = stopped.train({"backbone", "joint"});
    for (std::size_t phase = 0; phase < expected.size(); ++phase) {
      int moved = 0;
      for (auto const& [name, value] : expected[phase].after) {
        INFO(name);
        CHECK(torch::equal(found[phase].after.at(name), value));
        moved += !torch::equal(expected[phase].before.at(name), value);
      }
      CHECK(moved > 0);
    }
  });
}

TEST_CASE("weights of every architecture are the same after writing and reading", "[contract]") {
  for_every_arch([](SmallNet const& net) {
    auto bench = bench_of(net), other = bench_of(net);
    bench.train({"joint"});
    other.batch(8);
    other.train({"joint"});
    TensorFile file;
    for (auto const& [name, tensor] : tensors_of(bench.net())) file.tensors[name] = to_bytes(tensor);
    test::TemporaryFolder const folder;
    write_tensors(folder.path / "weights.safetensors", file);
    torch::NoGradGuard no_grad;
    auto const x = plain_batch(bench.images(), {0, 1, 2, 3}).input;
    auto const answers = [&](ExitNet& of) {
      std::vector<Tensor> logits;
      for (auto const& answer : answer_all(of, x)) logits.push_back(answer.logits);
      return torch::stack(logits);
    };
    auto const expected = answers(bench.net());
    CHECK_FALSE(torch::equal(answers(other.net()), expected));
    load_tensors(other.net(), read_tensors(folder.path / "weights.safetensors").tensors, {"stage.", "head.", "last."},
                 "test");
    CHECK(torch::equal(answers(other.net()), expected));
  });
}

TEST_CASE("losses of every architecture are finite in bf16", "[contract]") {
  for_every_arch([](SmallNet const& net) {
    auto exact = bench_of(net), rounded = bench_of(net);
    rounded.bf16();
    auto const in_f32 = exact.train({"joint"}), in_bf16 = rounded.train({"joint"});
    bool differs = false;
    for (auto const& [name, value] : in_bf16.front().after) {
      INFO(name);
      CHECK(value.isfinite().all().item<bool>());
      differs = differs || !torch::equal(value, in_f32.front().after.at(name));
    }
    CHECK(differs);
    REQUIRE(rounded.val.loss.size() == 3);
    for (double const loss : rounded.val.loss) CHECK(std::isfinite(loss));
  });
}

}  // namespace eexit
