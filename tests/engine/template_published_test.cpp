// Every case of the published chat templates, as rendered by transformers 5.24.

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "engine/template/chat_template.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

std::vector<std::string> published_templates() {
  std::vector<std::string> paths;
  const std::string folder = test::shared_data("chat_templates");
  if (!folder.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.path().extension() == ".jinja") {
        paths.push_back(entry.path().string());
      }
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

Result<RenderedTemplate> render_case(const ChatTemplate& parsed, const Json& test_case) {
  CUPEL_TRY(const auto variables, template_variables(test_case));
  CUPEL_TRY(const auto clock, get_string(test_case, "now"));
  RenderOptions options;
  CUPEL_TRY(options.now, parse_local_time(clock));
  return parsed.render(variables, options);
}

TEST(PublishedTemplates, RenderEveryCaseAsTheReference) {
  const auto paths = published_templates();
  if (paths.empty()) {
    GTEST_SKIP() << "no published templates at hand: their rendering is not shown";
  }
  size_t cases = 0;
  for (const auto& path : paths) {
    const auto source = read_file(path);
    ASSERT_TRUE(source.has_value()) << source.error().message;
    const auto parsed = ChatTemplate::parse(*source);
    ASSERT_TRUE(parsed.has_value()) << path << ": " << parsed.error().message;
    std::string cases_path = path;
    cases_path.replace(cases_path.rfind(".jinja"), 6, ".cases.jsonl");
    const auto done = for_each_jsonl_file(cases_path, [&](Json&& row, size_t line) -> Result<Ok> {
      ++cases;
      const auto rendered = render_case(*parsed, row);
      const std::string place = cases_path + ":" + std::to_string(line);
      if (row.contains("error")) {
        EXPECT_FALSE(rendered.has_value()) << place << " must fail";
        return Ok{};
      }
      EXPECT_TRUE(rendered.has_value()) << place << ": " << rendered.error().message;
      if (rendered.has_value()) {
        EXPECT_EQ(rendered->text, row.find("expected")->as_string()) << place;
      }
      return Ok{};
    });
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  EXPECT_EQ(cases, paths.size() * 18);
}

}  // namespace
}  // namespace cupel::engine
