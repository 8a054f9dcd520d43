#include "support/family_fixtures.h"

#include "base/check.h"
#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::test {

std::vector<std::string> family_fixtures() {
  const auto files = list_folder(test_data("oracles/families"));
  CUPEL_CHECK(files.has_value() && !files->empty(), "tests/data/oracles/families");
  std::vector<std::string> names;
  for (const std::string& file : *files) {
    names.push_back(file.substr(0, file.rfind('.')));
  }
  return names;
}

Json family_fixture(const std::string& name) {
  auto fixture = read_json_file(test_data("oracles/families/" + name + ".json"));
  CUPEL_CHECK(fixture.has_value(), fixture ? "" : fixture.error().message);
  return std::move(*fixture);
}

bool is_unused_part(std::string_view tensor) {
  return tensor.starts_with("vision_tower.") || tensor.starts_with("multi_modal_projector.");
}

std::string text_name(std::string_view tensor) {
  constexpr std::string_view kText = "language_model.";
  return std::string(tensor.starts_with(kText) ? tensor.substr(kText.size()) : tensor);
}

}  // namespace cupel::test
