// CIFAR-10 (Krizhevsky 2009), binary version.
#include "datasets/formats/cifar_binary.h"

namespace eexit::data {

DataSource cifar10(JsonReader& reader) {
  return cifar_folder(
      reader,
      {.name = "cifar10",
       .subfolder = "cifar-10-batches-bin",
       .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
       .test = {"test_batch.bin"},
       .format = {.classes = {10},
                  .others = {{30740000, "CIFAR-100 test"}, {153700000, "CIFAR-100 train"}},
                  .import_name = "cifar10"},
       .names_file = "batches.meta.txt",
       .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
       .mean = {0.4914F, 0.4822F, 0.4465F},
       // Of all pixels; the widespread (0.2023, 0.1994, 0.2010) is the mean over images of each one's deviation.
       .deviation = {0.2470F, 0.2435F, 0.2616F},
       .python_files = {"data_batch_1", "test_batch"},
       .python_folder = "cifar-10-batches-py"});
}

}  // namespace eexit::data
