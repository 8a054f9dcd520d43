// Writes the sample evaluation page to the file named by the first argument, for the browser test.
#include <cstdio>

#include "base/io.h"
#include "report/evaluation_page.h"
#include "web/sample_page.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: make_sample_page FILE.html\n", stderr);
    return 2;
  }
  const std::string html = cupel::report::render_evaluation_page(cupel::test::sample_page());
  if (const auto written = cupel::write_file_atomic(argv[1], html); !written) {
    std::fprintf(stderr, "%s\n", written.error().message.c_str());
    return 5;
  }
  return 0;
}
