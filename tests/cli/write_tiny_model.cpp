// Writes a tiny random model: write_tiny_model OUT.gguf, or the folder of a fixture of
// tests/data/oracles: write_tiny_model FIXTURE.json FOLDER
#include <cstdio>

#include "base/io.h"
#include "support/seeded_checkpoint.h"
#include "support/tiny_model.h"

namespace {

cupel::Result<cupel::Ok> write(int argc, char** argv) {
  if (argc == 3) {
    CUPEL_TRY(const cupel::Json fixture, cupel::read_json_file(argv[1]));
    return cupel::test::write_seeded_checkpoint(fixture, argv[2]);
  }
  const cupel::test::TinyModel model;
  CUPEL_TRY(const std::string bytes, cupel::read_file(model.path()));
  return cupel::write_file_atomic(argv[1], bytes);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 && argc != 3) {
    std::fprintf(stderr, "usage: write_tiny_model OUT.gguf | FIXTURE.json FOLDER\n");
    return 2;
  }
  const auto written = write(argc, argv);
  if (!written) {
    std::fprintf(stderr, "write_tiny_model: %s\n", written.error().message.c_str());
    return 1;
  }
  return 0;
}
