// Writes a sample page for the browser tests: make_sample_page PAGE FILE.html
#include <cstdio>
#include <functional>
#include <map>
#include <string>

#include "base/io.h"
#include "report/data_page.h"
#include "report/evaluation_page.h"
#include "report/rank_page.h"
#include "report/training_page.h"
#include "web/sample_data_page.h"
#include "web/sample_page.h"
#include "web/sample_rank_page.h"
#include "web/sample_training_page.h"

int main(int argc, char** argv) {
  using cupel::report::render_evaluation_page;
  using cupel::report::render_rank_page;
  using cupel::report::render_training_page;
  namespace test = cupel::test;
  constexpr size_t kCrowd = 200;
  constexpr size_t kSteps = 300;
  constexpr size_t kManySteps = 100'000;
  const std::map<std::string, std::function<std::string()>> pages = {
      {"sample", [] { return render_evaluation_page(test::sample_page()); }},
      {"crowded", [] { return render_evaluation_page(test::crowded_page()); }},
      {"lone", [] { return render_evaluation_page(test::lone_page()); }},
      {"rank", [] { return render_rank_page(test::sample_rank_page()); }},
      {"rank_crowded", [] { return render_rank_page(test::crowded_rank_page(kCrowd)); }},
      {"rank_lone", [] { return render_rank_page(test::lone_rank_page()); }},
      {"data", [] { return cupel::report::render_data_page(test::sample_data_page()); }},
      {"training", [] { return render_training_page(test::sample_training_page(kSteps)); }},
      {"training_long",
       [] { return render_training_page(test::sample_training_page(kManySteps)); }},
      {"training_lone", [] { return render_training_page(test::lone_training_page()); }}};
  const auto page = argc == 3 ? pages.find(argv[1]) : pages.end();
  if (page == pages.end()) {
    std::fputs("usage: make_sample_page PAGE FILE.html\npages:", stderr);
    for (const auto& [name, make] : pages) {
      std::fprintf(stderr, " %s", name.c_str());
    }
    std::fputs("\n", stderr);
    return 2;
  }
  if (const auto written = cupel::write_file_atomic(argv[2], page->second()); !written) {
    std::fprintf(stderr, "%s\n", written.error().message.c_str());
    return 5;
  }
  return 0;
}
