// MNIST digits (LeCun, Cortes, Burges), from a folder the user names.
#include "datasets/formats/idx_folder.h"

namespace eexit::data {

DataSource mnist(JsonReader& reader) {
  return idx_folder(reader, {.name = "mnist",
                             .subfolder = "mnist",
                             .system_folder = {},
                             .package = {},
                             .shape = {1, 28, 28},
                             .mean = {0.1307F},
                             .deviation = {0.3081F},
                             .class_names = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}});
}

}  // namespace eexit::data
