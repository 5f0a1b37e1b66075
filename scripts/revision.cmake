# Writes a header that says what was built; run by the build each time, it touches the file only when the text changed.
#   cmake -DSOURCE=<repository> -DOUTPUT=<header> -DCOMPILER=<text> -DFLAGS=<text> -P scripts/revision.cmake
set(REVISION unknown)
# A prefix means that SOURCE is a folder within somebody else's repository.
execute_process(COMMAND git -C ${SOURCE} rev-parse --show-prefix
                OUTPUT_VARIABLE prefix RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
if(failed EQUAL 0 AND prefix STREQUAL "")
  execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
                  OUTPUT_VARIABLE described RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed EQUAL 0)
    set(REVISION ${described})
  endif()
endif()

file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[// Written by scripts/revision.cmake at build time.
#pragma once

namespace eexit {

// `git describe --always --dirty`; "unknown" outside a repository.
inline char const* eexit_revision() { return "@REVISION@"; }
inline char const* eexit_compiler() { return "@COMPILER@"; }
inline char const* eexit_build_flags() { return "@FLAGS@"; }

}  // namespace eexit
]])
