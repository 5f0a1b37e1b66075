// What the decoders of pictures share. Both libraries report errors by longjmp, which must not pass over objects that
// need destruction: whatever calls them runs in attempt().
#pragma once

#include <csetjmp>
#include <cstdint>
#include <string>
#include <string_view>

#include "datasets/formats/image_file.h"

namespace eexit {

// Runs a step of plain C; false when it jumped to `back`. Neither the step nor what it calls may own anything.
bool attempt(std::jmp_buf& back, void (*step)(void* state), void* state);

void check_pixels(std::string const& path, std::int64_t width, std::int64_t height);
[[noreturn]] void refuse_damaged(std::string const& path, std::string_view kind, std::string_view what);
[[noreturn]] void refuse_cut_short(std::string const& path, std::string_view kind, std::string_view what);

// From three channels to one, in place.
void to_luma(Picture&);

// `bytes` begin with the magic of the format. SpecError with Exit::setup in a build without the library.
Picture decode_jpeg(std::string_view bytes, std::string const& path, int channels);
Picture decode_png(std::string_view bytes, std::string const& path, int channels);

}  // namespace eexit
