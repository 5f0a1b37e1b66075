// Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), found without a word in Debian's package.
#include "datasets/formats/idx_folder.h"

namespace eexit::data {

DataSource fashion_mnist(JsonReader& reader) {
  return idx_folder(reader, {.name = "fashion_mnist",
                             .subfolder = "fashion-mnist",
                             .system_folder = "/usr/share/datasets/fashion-mnist",
                             .package = "dataset-fashion-mnist",
                             .shape = {1, 28, 28},
                             .mean = {0.2860F},
                             .deviation = {0.3530F},
                             .class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
                                             "Sneaker", "Bag", "Ankle boot"}});
}

}  // namespace eexit::data
