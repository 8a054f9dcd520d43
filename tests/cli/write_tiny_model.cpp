// Writes a tiny random model: write_tiny_model OUT.gguf
#include <cstdio>

#include "base/io.h"
#include "support/tiny_model.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_tiny_model OUT.gguf\n");
    return 2;
  }
  const cupel::test::TinyModel model;
  const auto bytes = cupel::read_file(model.path());
  const auto written = bytes ? cupel::write_file_atomic(argv[1], *bytes) : bytes.error();
  if (!written) {
    std::fprintf(stderr, "write_tiny_model: %s\n", written.error().message.c_str());
    return 1;
  }
  return 0;
}
