// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/driver.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  vmstate::fuzz_one({data, size});
  return 0;
}
