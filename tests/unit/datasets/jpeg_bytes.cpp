#include "tests/unit/datasets/pictures.h"

#ifndef EEXIT_JPEG

namespace eexit {
bool has_jpeg() { return false; }
std::string jpeg_bytes(Picture const&, JpegForm const&) { return "\xff\xd8\xff\xe0"; }
}  // namespace eexit

#else

#include <cstdio>
#include <cstdlib>

#include <jpeglib.h>

namespace eexit {

bool has_jpeg() { return true; }

std::string jpeg_bytes(Picture const& picture, JpegForm const& form) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &memory, &size);
  info.image_width = static_cast<JDIMENSION>(picture.width);
  info.image_height = static_cast<JDIMENSION>(picture.height);
  info.input_components = picture.channels;
  info.in_color_space = picture.channels == 1 ? JCS_GRAYSCALE : picture.channels == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  if (form.ycck) jpeg_set_colorspace(&info, JCS_YCCK);
  if (!form.adobe) info.write_Adobe_marker = FALSE;
  jpeg_set_quality(&info, form.quality, TRUE);
  for (int i = 0; i < info.num_components; ++i) info.comp_info[i].h_samp_factor = info.comp_info[i].v_samp_factor = 1;
  if (form.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  auto const stride = static_cast<unsigned>(picture.width * picture.channels);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(picture.pixels.data()) + stride * info.next_scanline;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  std::string bytes(reinterpret_cast<char const*>(memory), size);
  std::free(memory);
  return bytes;
}

}  // namespace eexit

#endif
