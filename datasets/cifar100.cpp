// CIFAR-100 (Krizhevsky 2009), binary version, by its 100 classes or the 20 they are grouped in.
#include "datasets/formats/cifar_binary.h"

namespace eexit::data {

DataSource cifar100(JsonReader& reader) {
  bool const fine = reader.one_of("labels", "fine", {"fine", "coarse"}, "100 classes, or 20 groups of five") == "fine";
  return cifar_folder(
      reader,
      {.name = "cifar100",
       .subfolder = "cifar-100-binary",
       .train = {"train.bin"},
       .test = {"test.bin"},
       .format = {.classes = {20, 100}, .others = {{30730000, "a batch of CIFAR-10"}}, .import_name = "cifar100"},
       .label = fine ? 1U : 0U,
       .names_file = fine ? "fine_label_names.txt" : "coarse_label_names.txt",
       .class_names = {},
       .mean = {0.5071F, 0.4865F, 0.4409F},
       .deviation = {0.2673F, 0.2564F, 0.2762F},
       .known = "CIFAR-100",
       .train_md5 = {"6172c7755cfe09b2fe270c85cebc1b15"},
       .test_md5 = {"4499cfba6c016c1be1438163640a0898"},
       .python_files = {"train", "test"},
       .python_folder = "cifar-100-python"});
}

}  // namespace eexit::data
