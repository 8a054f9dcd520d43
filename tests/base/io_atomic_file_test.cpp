#include <csignal>
#include <filesystem>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

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

// What a killed process would leave: nothing, where the file system has files without a name.
TEST(AtomicFile, HasNoNameBeforeCommit) {
  const test::TemporaryFolder folder;
  const int fd = ::open(folder.path().c_str(), O_TMPFILE | O_WRONLY, 0666);
  if (fd < 0) {
    GTEST_SKIP() << "this file system has no files without a name: a kill leaves a temporary one";
  }
  ::close(fd);
  auto file = AtomicFile::create(folder.file("out"));
  ASSERT_TRUE(file.has_value());
  ASSERT_TRUE(file->append("half").has_value());
  EXPECT_EQ(files_in(folder.path()), 0U);
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

TEST(AtomicFile, ReplacesAFileButNoFolder) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.file("out"), "old and long").has_value());
  ASSERT_TRUE(write_file_atomic(folder.file("out"), "new").has_value());
  EXPECT_EQ(read_file(folder.file("out")).value(), "new");
  const auto file = AtomicFile::create(folder.path());
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Code::kInvalidArgument);
  EXPECT_NE(file.error().message.find("is a folder"), std::string::npos);
}

// A place that must be passed on in the hint: the mistake is in a folder's name, or in the file's.
TEST(PathHint, FindsTheNearestNameAlongThePath) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(make_directories(folder.file("models")).has_value());
  ASSERT_TRUE(write_file_atomic(folder.file("models/one.gguf"), "x").has_value());
  const std::string hint = " (did you mean \"" + folder.file("models/one.gguf") + "\"?)";
  EXPECT_EQ(path_hint(folder.file("models/oen.gguf")), hint);
  EXPECT_EQ(path_hint(folder.file("modles/one.gguf")), hint);
  EXPECT_EQ(path_hint(folder.file("modles/two.gguf")), "");  // would not exist either
  EXPECT_EQ(path_hint(folder.file("models/one.gguf")), "");  // exists
  EXPECT_EQ(path_hint(folder.file("models/xylophone")), "");
}

TEST(MakeDirectories, WhatIsNoFolderIsNamed) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.file("file"), "x").has_value());
  const auto made = make_directories(folder.file("file"));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(made.error().code, Code::kInvalidArgument);
  EXPECT_EQ(make_directories(folder.file("file/below")).error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace cupel
