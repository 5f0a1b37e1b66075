#include "core/execute/feed.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/signals.h"
#include "core/base/text.h"
#include "core/execute/autocast.h"

namespace eexit {

namespace {

// A file without a name. Not every file system makes one in one step.
int nameless_file(fs::path const& folder) {
  int file = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)) return file;
  auto name = (folder / "features-XXXXXX").string();
  file = ::mkostemp(name.data(), O_CLOEXEC);
  if (file >= 0) ::unlink(name.c_str());
  return file;
}

// Zeros in a file that is gone when this process ends, however it ends. The disk is asked for all of it now: a full one
// must be an error here, not a crash when a page is first touched.
Tensor spilled(std::vector<std::int64_t> const& sizes, torch::TensorOptions const& options, fs::path const& folder) {
  make_folder(folder);
  std::int64_t count = 1;
  for (auto const size : sizes) count *= size;
  auto const bytes = static_cast<std::size_t>(count) * torch::elementSize(torch::typeMetaToScalarType(options.dtype()));
  int const file = nameless_file(folder);
  int error = file < 0 ? errno : ::posix_fallocate(file, 0, static_cast<off_t>(bytes));
  void* const memory = error == 0 ? ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) : MAP_FAILED;
  if (error == 0 && memory == MAP_FAILED) error = errno;
  if (file >= 0) ::close(file);
  if (error != 0)
    throw RunError(folder.string() + ": cannot keep " + std::to_string(bytes >> 20) +
                   " MiB of features: " + std::generic_category().message(error));
  return torch::from_blob(
      memory, sizes, [bytes](void* at) { ::munmap(at, bytes); }, options);
}

// Channels last where the portion is, so that rows taken out of it are like those put in.
Tensor like_rows_of(Tensor const& portion, std::int64_t rows, std::optional<fs::path> const& spill) {
  auto sizes = portion.sizes().vec();
  sizes[0] = rows;
  bool const last = portion.dim() == 4 && portion.is_contiguous(torch::MemoryFormat::ChannelsLast);
  if (last) sizes = {sizes[0], sizes[2], sizes[3], sizes[1]};
  auto const all =
      spill ? spilled(sizes, portion.options().device(torch::kCPU), *spill) : torch::empty(sizes, portion.options());
  return last ? all.permute({0, 3, 1, 2}) : all;
}

std::vector<Tensor*> parts_of(State& state) {
  std::vector<Tensor*> parts = {&state.x};
  for (auto& side : state.side) parts.push_back(&side);
  if (state.active.defined()) parts.push_back(&state.active);
  return parts;
}

}  // namespace

Feed Feed::part(std::int64_t first, std::int64_t last) const {
  auto const rows = torch::arange(first, last, torch::TensorOptions(torch::kInt64).device(target_b.device()));
  auto const some_of = [&](Tensor const& of_b) { return of_b.defined() ? of_b.index({rows}) : of_b; };
  Feed some{.input = input.x.defined() ? take_rows(input, rows) : State{},
            .target_b = some_of(target_b),
            .partner_b = some_of(partner_b),
            .share_b = some_of(share_b)};
  for (auto const& stage : replay)
    some.replay.push_back({.name = stage.name, .module = nullptr, .run = [stage, rows](State state) {
                             return take_rows(stage.run(std::move(state)), rows);
                           }});
  return some;
}

Feed Feed::labels(std::int64_t first, std::int64_t last) const {
  auto const some_of = [&](Tensor const& of_b) { return of_b.defined() ? of_b.narrow(0, first, last - first) : of_b; };
  return {.input = {}, .target_b = some_of(target_b), .partner_b = some_of(partner_b), .share_b = some_of(share_b)};
}

FeedRows plain_rows(Images const& images) {
  return [&images](std::vector<int> const& rows) {
    auto batch = plain_batch(images, rows);
    return Feed{.input = std::move(batch.input), .target_b = std::move(batch.target_b)};
  };
}

FrozenTrunk::FrozenTrunk(ExitNet& net, std::vector<std::string> carrying, Images const& images, bool bf16)
    : net_(net), carrying_(std::move(carrying)), images_(images), bf16_(bf16) {
  position_.assign(static_cast<std::size_t>(images.rows()), -1);
}

FrozenTrunk::States FrozenTrunk::run(State input) const {
  torch::NoGradGuard no_grad;
  Autocast const autocast(bf16_, images_.device());
  for (auto const& stage : net_.stages)
    if (stage.module) stage.module->eval();
  States states;
  walk(net_.stages, std::move(input), [&](Stage const& stage, State& state) {
    bool const carries = std::find(carrying_.begin(), carrying_.end(), stage.name) != carrying_.end();
    if (carries || stage.name == net_.stages.back().name) states[stage.name] = state;
    return true;
  });
  return states;
}

void FrozenTrunk::make_room(States& portion, std::int64_t rows, Room const& room) {
  for (auto& [stage, state] : portion) {
    auto& kept = kept_[stage] = state;
    for (auto* part : parts_of(kept)) {
      auto const bytes = static_cast<std::size_t>(static_cast<std::int64_t>(part->nbytes()) / part->size(0) * rows);
      bool const fits = bytes_ + bytes <= room.memory_bytes;
      *part = like_rows_of(*part, rows, fits ? std::nullopt : std::optional(room.folder));
      bytes_ += bytes;
    }
  }
  if (bytes_ > room.memory_bytes)
    say("features", std::to_string(bytes_ >> 20) + " MiB, more than the " + std::to_string(room.memory_bytes >> 20) +
                        " MiB that may stay in memory; the rest is kept on disk while this lasts");
}

void FrozenTrunk::keep(std::vector<int> const& rows, Room const& room) {
  constexpr std::size_t at_once = 128;
  torch::NoGradGuard no_grad;
  for (std::size_t from = 0; from < rows.size(); from += at_once) {
    throw_if_stop_requested();
    auto const to = std::min(from + at_once, rows.size());
    std::vector<int> const some(rows.begin() + static_cast<long>(from), rows.begin() + static_cast<long>(to));
    auto states = run(plain_batch(images_, some).input);
    if (from == 0) make_room(states, static_cast<std::int64_t>(rows.size()), room);
    for (auto& [stage, state] : states) {
      auto const all = parts_of(kept_.at(stage)), portion = parts_of(state);
      for (std::size_t i = 0; i < all.size(); ++i)
        all[i]->slice(0, static_cast<std::int64_t>(from), static_cast<std::int64_t>(to)).copy_(*portion[i]);
    }
    for (std::size_t i = from; i < to; ++i) position_[static_cast<std::size_t>(rows[i])] = static_cast<int>(i);
  }
}

std::vector<Stage> FrozenTrunk::replay(States states) const {
  std::vector<Stage> stages;
  for (auto const& stage : net_.stages) {
    auto const found = states.find(stage.name);
    if (found == states.end()) continue;
    stages.push_back(
        {.name = stage.name, .module = nullptr, .run = [state = found->second](State const&) { return state; }});
  }
  return stages;
}

Feed FrozenTrunk::kept(std::vector<int> const& rows) const {
  torch::NoGradGuard no_grad;
  std::vector<std::int64_t> at;
  for (int const row : rows) at.push_back(position_[static_cast<std::size_t>(row)]);
  require(at.empty() || *std::min_element(at.begin(), at.end()) >= 0, "features of a row that was not kept");
  auto const device = images_.device();
  auto const index = torch::tensor(at);
  auto states = kept_;
  for (auto& [stage, state] : states)
    for (auto* part : parts_of(state)) *part = part->index({index.to(part->device())}).to(device);
  auto const numbers = torch::tensor(std::vector<std::int64_t>(rows.begin(), rows.end())).to(device);
  return {.input = {}, .target_b = images_.y_b.index({numbers}), .replay = replay(std::move(states))};
}

Feed FrozenTrunk::pass(Batch const& batch) const {
  return {.input = {},
          .target_b = batch.target_b,
          .partner_b = batch.partner_b,
          .share_b = batch.share_b,
          .replay = replay(run(batch.input))};
}

}  // namespace eexit
