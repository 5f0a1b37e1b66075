// Any folder of pictures, one folder a class, as torchvision's ImageFolder reads them.
#include "datasets/formats/image_folder.h"

namespace eexit::data {

DataSource image_folder(JsonReader& reader) {
  return picture_folder(reader, {.name = "image_folder",
                                 .subfolders = {},
                                 .layout = "train/<class>/ and val/<class>/ of JPEG and PNG pictures",
                                 .splits_named = true,
                                 .form = {.size = 64, .mean = imagenet_mean, .deviation = imagenet_deviation}});
}

}  // namespace eexit::data
