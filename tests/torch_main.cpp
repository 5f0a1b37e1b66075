// main() of torch_tests, for Catch2 of either major version. One thread: sums are taken in the same order every time.
#include <torch/torch.h>

#define CATCH_CONFIG_RUNNER
#include "tests/support/catch.h"

int main(int argc, char** argv) {
  torch::set_num_threads(1);
  return Catch::Session().run(argc, argv);
}
