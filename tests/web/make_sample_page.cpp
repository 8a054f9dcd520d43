// Writes a sample evaluation page for the browser tests: make_sample_page PAGE FILE.html
#include <cstdio>
#include <map>
#include <string>

#include "base/io.h"
#include "report/evaluation_page.h"
#include "web/sample_page.h"

int main(int argc, char** argv) {
  using cupel::report::EvaluationPage;
  const std::map<std::string, EvaluationPage (*)()> pages = {{"sample", cupel::test::sample_page},
                                                             {"crowded", cupel::test::crowded_page},
                                                             {"lone", cupel::test::lone_page}};
  const auto page = argc == 3 ? pages.find(argv[1]) : pages.end();
  if (page == pages.end()) {
    std::fputs("usage: make_sample_page sample|crowded|lone FILE.html\n", stderr);
    return 2;
  }
  const std::string html = cupel::report::render_evaluation_page(page->second());
  if (const auto written = cupel::write_file_atomic(argv[2], html); !written) {
    std::fprintf(stderr, "%s\n", written.error().message.c_str());
    return 5;
  }
  return 0;
}
