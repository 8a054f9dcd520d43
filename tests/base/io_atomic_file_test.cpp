#include <csignal>
#include <filesystem>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

size_t files_in(const std::string& folder) {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) {
    ++count;
  }
  return count;
}

TEST(AtomicFile, AppearsOnlyWhenCommitted) {
  const test::TemporaryFolder folder;
  auto file = AtomicFile::create(folder.file("out"));
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(file->append("one ").has_value());
  AtomicFile moved = std::move(*file);
  ASSERT_TRUE(moved.append("two").has_value());
  EXPECT_FALSE(std::filesystem::exists(folder.file("out")));
  ASSERT_TRUE(moved.commit().has_value());
  EXPECT_EQ(read_file(folder.file("out")).value(), "one two");
  EXPECT_EQ(files_in(folder.path()), 1U);
}

TEST(AtomicFile, LeavesNothingWithoutCommit) {
  const test::TemporaryFolder folder;
  {
    auto file = AtomicFile::create(folder.file("out"));
    ASSERT_TRUE(file.has_value());
    ASSERT_TRUE(file->append("half").has_value());
  }
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(AtomicFile, FullDiskIsExhaustedAndLeavesNothing) {
  const test::TemporaryFolder folder;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{1000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto done = write_file_atomic(folder.file("out"), std::string(5000, 'x'));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().code, Code::kExhausted);
  EXPECT_NE(done.error().message.find("out"), std::string::npos);
  EXPECT_EQ(files_in(folder.path()), 0U);
}

TEST(AtomicFile, MissingFolderIsNamed) {
  const test::TemporaryFolder folder;
  const auto file = AtomicFile::create(folder.file("no/such/out"));
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Code::kNotFound);
  EXPECT_NE(file.error().message.find("folder does not exist"), std::string::npos);
}

}  // namespace
}  // namespace cupel
