// main() of plain_tests. Catch2 version 2 makes it here, once; version 3 brings it as a library.
#if __has_include(<catch2/catch.hpp>)
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
