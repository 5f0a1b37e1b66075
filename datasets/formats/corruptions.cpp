#include "datasets/formats/corruptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "core/base/text.h"
#include "datasets/formats/class_folders.h"
#include "datasets/formats/image_file.h"
#include "datasets/formats/npy.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

constexpr int severities = 5;

std::string shape_text(NpyFile const& file) {
  std::vector<std::string> lengths;
  for (auto const length : file.shape) lengths.push_back(std::to_string(length));
  return join(lengths, " x ");
}

}  // namespace

std::vector<std::string> corruption_trees(fs::path const& dir) {
  need_folder(dir, "<corruption>/<severity 1 to 5>/<class>/", "Name another folder");
  auto const all = class_folders(dir);
  for (auto const& corruption : all)
    for (int severity = 1; severity <= severities; ++severity)
      need_folder(dir / corruption / std::to_string(severity), "<corruption>/<severity 1 to 5>/<class>/",
                  "Complete the folder, or take it out");
  return all;
}

std::vector<std::string> corruption_arrays(fs::path const& dir) {
  need_folder(dir, "<corruption>.npy and labels.npy", "Name another folder");
  std::vector<std::string> names;
  for (auto const& entry : fs::directory_iterator(dir)) {
    auto const name = entry.path().filename().string();
    if (entry.path().extension() == ".npy" && !name.starts_with('.') && name != "labels.npy")
      names.push_back(entry.path().stem().string());
  }
  if (names.empty())
    refuse_file(dir, "no .npy files in this folder", "<corruption>.npy and labels.npy", "Name another folder",
                Exit::missing);
  std::sort(names.begin(), names.end());
  return names;
}

Dataset corruption_array(fs::path const& dir, std::string const& corruption, int severity, int classes) {
  require(severity >= 1 && severity <= severities, "severities are 1 to 5");
  auto const images = open_npy(dir / (corruption + ".npy")), labels = open_npy(dir / "labels.npy");
  if (!images.bytes || images.shape.size() != 4 || images.shape[3] != 3 || images.rows() % severities != 0 ||
      images.rows() == 0 || images.row_items() == 0 || images.row_items() > 3 * most_pixels)
    refuse_file(images.path, fmt::format("an array of {} {}", shape_text(images), images.bytes ? "bytes" : "integers"),
                "bytes, 50000 x 32 x 32 x 3 or alike", "Get the file again");
  if (labels.shape.size() != 1 || labels.rows() != images.rows())
    refuse_file(labels.path, fmt::format("an array of {}", shape_text(labels)),
                fmt::format("{} labels, as {} has pictures", images.rows(), images.path.filename().string()),
                "Get the file again");

  auto const rows = images.rows() / severities, first = rows * (severity - 1);
  Dataset dataset;
  dataset.shape = {3, static_cast<int>(images.shape[1]), static_cast<int>(images.shape[2])};
  dataset.classes = classes;
  auto const wanted = read_npy_integers(labels, first, rows);
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (wanted[i] < 0 || wanted[i] >= classes)
      refuse_file(labels.path, fmt::format("label {} at index {}", wanted[i], first + static_cast<std::int64_t>(i)),
                  fmt::format("0 to {}", classes - 1), "Check that this is the right data set");
  dataset.labels.assign(wanted.begin(), wanted.end());
  auto const pixels = std::make_shared<std::vector<std::uint8_t> const>(read_npy_rows(images, first, rows));
  dataset.read = [pixels, bytes = static_cast<std::size_t>(dataset.shape.bytes()), count = dataset.rows()](
                     std::span<int const> asked, std::uint8_t* out) {
    for (int const row : asked) {
      require(row >= 0 && row < count, "a row of the data set");
      write_planes(std::span(*pixels).subspan(static_cast<std::size_t>(row) * bytes, bytes), 3, out);
      out += bytes;
    }
  };
  return dataset;
}

}  // namespace eexit
