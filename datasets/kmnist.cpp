// Kuzushiji-MNIST (Clanuwat and others 2018), cursive Japanese characters in the files of MNIST.
#include "datasets/formats/idx_folder.h"

namespace eexit::data {

DataSource kmnist(JsonReader& reader) {
  return idx_folder(reader, {.name = "kmnist",
                             .subfolder = "kmnist",
                             .system_folder = {},
                             .package = {},
                             .shape = {1, 28, 28},
                             .mean = {0.1918F},
                             .deviation = {0.3483F},
                             .class_names = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"}});
}

}  // namespace eexit::data
