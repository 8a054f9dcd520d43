#pragma once

#include <string>

namespace cupel::test {

/// Folder of the published test data: `CUPEL_TEST_DATA`, else `../shared/data`; empty when absent.
std::string shared_data();
/// A file below it, or empty when it is absent (the test then skips with a reason).
std::string shared_data(const std::string& relative);
/// A model below `models/` (or `CUPEL_MODELS`), or empty when it was not fetched.
std::string model_file(const std::string& name);
/// A file of tests/data.
std::string test_data(const std::string& relative);

/// A fresh folder that is removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace cupel::test

/// Skips the test with a reason that says what was not shown.
#define CUPEL_SKIP_UNLESS(path, what) \
  do {                                \
    if ((path).empty()) {             \
      GTEST_SKIP() << what;           \
    }                                 \
  } while (false)
