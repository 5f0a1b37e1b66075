#include "datasets/formats/image_folder.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <memory>

#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "datasets/formats/kept_rows.h"
#include "datasets/formats/refuse_file.h"

namespace eexit {

namespace fs = std::filesystem;

namespace {

// And the constants that training uses.
std::string text_of(PictureForm const& form) {
  return fmt::format("{}, mean {}, deviation {}", pixels_of(form), join(form.mean, " "), join(form.deviation, " "));
}

constexpr char const* rows_version = "rows 1";  // raised when the same file becomes other pixels

Picture in_form(Picture const& picture, PictureForm const& form) {
  if (!form.crop) return resize(picture, form.size, form.size, form.filter);
  auto const side = static_cast<int>(std::lround(form.size * 256.0 / 224));
  return resize_and_crop(picture, side, form.size, form.filter);
}

std::vector<float> floats(std::vector<double> const& values) { return {values.begin(), values.end()}; }

// The constants of a set of colour pictures for their luma: exact for means; for deviations an upper bound, close
// because colours of a pixel mostly rise and fall together.
std::vector<double> for_channels(int channels, std::vector<double> const& of_colours) {
  if (channels == 3) return of_colours;
  return {0.299 * of_colours.at(0) + 0.587 * of_colours.at(1) + 0.114 * of_colours.at(2)};
}

PictureForm read_form(JsonReader& reader, PictureForm form) {
  form = read_pixels(reader, std::move(form));
  auto const constants = [&](std::string const& name, std::vector<double> const& fallback, Bounds bounds,
                             std::string const& what) {
    auto const values = reader.numbers(name, for_channels(form.channels, fallback), bounds,
                                       what + " of each channel, pixels in [0, 1]");
    if (static_cast<int>(values.size()) != form.channels)
      reader.fail(name, fmt::format("expected {} numbers, one a channel, found {}", form.channels, values.size()));
    return values;
  };
  form.mean = constants("mean", form.mean, {0, 1}, "mean");
  form.deviation = constants("deviation", form.deviation, {1e-3, 1}, "deviation");
  return form;
}

struct Search {
  PictureSet set;
  std::string dir;    // "": search
  std::string place;  // of the key `dir` in the spec
  std::string cache;  // "": none

  void need(fs::path const& folder, std::string_view named_by) const {
    need_folder(folder, fmt::format("the folder of {}: {}", set.name, set.layout), fmt::format("Correct {}", named_by));
  }

  fs::path find() const {
    if (!dir.empty()) {
      need(dir, place);
      return dir;
    }
    std::vector<std::string> looked_for;
    if (char const* data = std::getenv("EEXIT_DATA"); data && *data && !set.subfolders.empty()) {
      need(data, "$EEXIT_DATA");
      for (auto const& name : set.subfolders) {
        auto const folder = fs::path(data) / name;
        std::error_code error;
        if (fs::is_directory(folder, error)) return folder;
        looked_for.push_back(folder.string());
      }
    }
    auto const where = looked_for.empty() ? std::string("no folder named") : "no folder " + join(looked_for, ", ");
    auto const variable = set.subfolders.empty() ? std::string() : " or, from above, by $EEXIT_DATA";
    throw SpecError(fmt::format("data set {}: {} (expected {}). Name the folder by {}{}", set.name, where, set.layout,
                                place, variable),
                    Exit::missing);
  }

  // The folder and its classes, known to be of this set.
  struct Found {
    fs::path dir;
    std::vector<std::string> classes;
  };
  Found checked() const {
    Found found{.dir = find(), .classes = {}};
    for (auto const& split : {set.train, set.test})
      need_folder(found.dir / split, set.layout, fmt::format("Complete the folder, or name another by {}", place));
    found.classes = class_folders(found.dir / set.train);
    if (set.check) set.check(found.dir, found.classes);
    if (!set.test_pictures) check_classes(found.dir / set.test, found.classes, (found.dir / set.train).string());
    return found;
  }

  PictureList pictures(Found const& found, Split split) const {
    if (split == Split::test && set.test_pictures) return set.test_pictures(found.dir, found.classes);
    return list_pictures(found.dir / (split == Split::train ? set.train : set.test), found.classes,
                         (found.dir / set.train).string());
  }

  DataFacts facts() const {
    auto const found = checked();
    auto const classes = static_cast<int>(found.classes.size());
    if (set.usual_classes != 0 && classes != set.usual_classes)
      say("data", fmt::format("{}: {} classes, {} has {}", found.dir.string(), classes, set.name, set.usual_classes));
    auto train = pictures(found, Split::train);
    auto const test = pictures(found, Split::test);
    return {.shape = {set.form.channels, set.form.size, set.form.size},
            .classes = classes,
            .labels = std::move(train.labels),
            .test_rows = static_cast<int>(test.labels.size()),
            .identity = "paths-and-sizes:" + sha256(text_of(set.form) + "\n" + train.digest + test.digest),
            .known = "unknown",
            .class_names = set.class_names ? set.class_names(found.dir, found.classes) : found.classes};
  }

  Dataset open(Split split) const {
    auto const found = checked();
    auto list = pictures(found, split);
    auto const name = split == Split::train ? "train" : "test";
    auto const what = sha256(fmt::format("{}\n{}\n{}\n{}", rows_version, name, pixels_of(set.form), list.digest));
    auto dataset = picture_dataset(std::move(list), static_cast<int>(found.classes.size()), set.form);
    if (cache.empty()) return dataset;
    auto const file = fmt::format("{}-{}-{}.rows", set.name, name, what.substr(0, 16));
    return with_kept_rows(std::move(dataset), fs::path(cache) / file, what);
  }

  bool begun() const {
    if (dir.empty()) return false;
    return set.sign ? set.sign(dir) : fs::is_directory(fs::path(dir) / set.train);
  }

  std::vector<fs::path> files() const {
    auto const found = checked();
    auto all = folders_of(found.dir / set.train);
    for (auto& folder : folders_of(found.dir / set.test)) all.push_back(std::move(folder));
    for (auto const& name : set.more_files)
      if (fs::exists(found.dir / name)) all.push_back(found.dir / name);
    return all;
  }
};

}  // namespace

std::string pixels_of(PictureForm const& form) {
  return fmt::format("{} channels, {} x {}, {}, {}", form.channels, form.size, form.size, form.crop ? "crop" : "squash",
                     form.filter == Filter::bilinear ? "bilinear" : "bicubic");
}

PictureForm read_pixels(JsonReader& reader, PictureForm form) {
  form.size = reader.integer("size", form.size, {1, 4096}, "side of the square that pictures are brought to");
  form.channels = reader.integer("channels", form.channels, {1, 3}, "3 (colour) or 1 (gray)");
  if (form.channels == 2) reader.fail("channels", "expected 1 or 3, found 2");
  form.crop = reader.one_of("resize", form.crop ? "crop" : "squash", {"crop", "squash"},
                            "crop: shorter side to size * 256/224, then the middle; squash: to size x size") == "crop";
  auto const filter = reader.one_of("filter", form.filter == Filter::bilinear ? "bilinear" : "bicubic",
                                    {"bilinear", "bicubic"}, "of resizing, antialiased");
  form.filter = filter == "bilinear" ? Filter::bilinear : Filter::bicubic;
  return form;
}

Dataset picture_dataset(PictureList list, int classes, PictureForm const& form) {
  Dataset dataset;
  dataset.shape = {form.channels, form.size, form.size};
  dataset.classes = classes;
  dataset.labels = std::move(list.labels);
  dataset.mean = floats(form.mean);
  dataset.deviation = floats(form.deviation);
  auto const pictures = std::make_shared<PictureList const>(std::move(list));
  dataset.read = [pictures, form, bytes = static_cast<std::size_t>(dataset.shape.bytes())](std::span<int const> rows,
                                                                                           std::uint8_t* out) {
    for (int const row : rows) {
      require(row >= 0 && static_cast<std::size_t>(row) < pictures->paths.size(), "a row of the data set");
      auto const picture = read_image(pictures->root / pictures->paths[static_cast<std::size_t>(row)], form.channels);
      write_planes(in_form(picture, form).pixels, form.channels, out);
      out += bytes;
    }
  };
  return dataset;
}

DataSource picture_folder(JsonReader& reader, PictureSet set) {
  auto const fallback = set.subfolders.empty() ? "needed" : "empty: looked for below $EEXIT_DATA";
  auto dir = reader.text("dir", "", fmt::format("folder of the pictures; {}", fallback));
  if (set.splits_named) {
    set.train = reader.text("train", set.train, "folder in it to train on, one folder a class");
    set.test = reader.text("test", set.test, "folder in it to test on, the same classes");
  }
  set.form = read_form(reader, set.form);
  auto cache = reader.later_text("cache", "", "folder where decoded and resized pictures are kept; empty: nowhere");
  reader.done();
  auto const search =
      std::make_shared<Search const>(Search{std::move(set), std::move(dir), reader.place("dir"), std::move(cache)});
  return {.facts = [search] { return search->facts(); },
          .open = [search](Split split) { return search->open(split); },
          .files = [search] { return search->files(); },
          .known_by = search->set.layout,
          .begun = [search] { return search->begun(); },
          .of_pictures = true};
}

}  // namespace eexit
