#include "support/test_paths.h"

#include <cstdlib>
#include <filesystem>

namespace cupel::test {
namespace {

namespace fs = std::filesystem;

// ctest runs in the source folder; a binary started by hand may run anywhere below it.
fs::path source_root() {
  for (fs::path folder = fs::current_path(); folder.has_relative_path();
       folder = folder.parent_path()) {
    if (fs::exists(folder / "CMakePresets.json")) {
      return folder;
    }
  }
  return fs::current_path();
}

std::string existing(const fs::path& path) {
  return fs::exists(path) ? path.string() : std::string();
}

}  // namespace

std::string shared_data() {
  if (const char* given = std::getenv("CUPEL_TEST_DATA")) {
    return existing(given);
  }
  return existing(source_root() / "../shared/data");
}

std::string shared_data(const std::string& relative) {
  const std::string root = shared_data();
  return root.empty() ? root : existing(fs::path(root) / relative);
}

std::string model_file(const std::string& name) {
  const char* given = std::getenv("CUPEL_MODELS");
  return existing((given != nullptr ? fs::path(given) : source_root() / "models") / name);
}

std::string test_data(const std::string& relative) {
  return (source_root() / "tests/data" / relative).string();
}

TemporaryFolder::TemporaryFolder() {
  std::string pattern = (fs::temp_directory_path() / "cupel-test-XXXXXX").string();
  path_ = ::mkdtemp(pattern.data());
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ec;
  fs::remove_all(path_, ec);
}

}  // namespace cupel::test
