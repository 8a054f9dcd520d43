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

}  // namespace cupel::test
