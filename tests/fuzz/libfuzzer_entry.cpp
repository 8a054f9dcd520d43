// The entry point of libFuzzer for the target CUPEL_FUZZ_ENTRY.
#include "fuzz/fuzz_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  cupel::fuzz::CUPEL_FUZZ_ENTRY({data, size});
  return 0;
}
