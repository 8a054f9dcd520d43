#include "base/partial_file.h"

#include <csignal>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/file_lock.h"
#include "base/io.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

std::string content_of(const PartialFile& file) {
  std::string content;
  EXPECT_TRUE(file.read([&](std::string_view piece) { content += piece; }));
  return content;
}

TEST(PartialFile, GoesOnWhereAnEarlierRunStopped) {
  const test::TemporaryFolder folder;
  {
    auto file = PartialFile::open(folder.file("x.partial"));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->size(), 0);
    EXPECT_EQ(file->tag(), "");
    ASSERT_TRUE(file->restart("\"v1\""));
    ASSERT_TRUE(file->append("one "));
  }
  auto file = PartialFile::open(folder.file("x.partial"));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->size(), 4);
  EXPECT_EQ(file->tag(), "\"v1\"");
  ASSERT_TRUE(file->append("two"));
  EXPECT_EQ(content_of(*file), "one two");
  ASSERT_TRUE(file->publish(folder.file("x")));
  EXPECT_EQ(read_file(folder.file("x")).value(), "one two");
  EXPECT_EQ(list_folder(folder.path()).value(), std::vector<std::string>{"x"});
}

TEST(PartialFile, RestartsAndLeavesNothingWhenDiscarded) {
  const test::TemporaryFolder folder;
  auto file = PartialFile::open(folder.file("x.partial"));
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("old bytes"));
  ASSERT_TRUE(file->restart("new"));
  ASSERT_TRUE(file->append("new"));
  EXPECT_EQ(content_of(*file), "new");
  file->discard();
  EXPECT_TRUE(list_folder(folder.path()).value().empty());
}

TEST(PartialFile, FullDiskIsExhaustedAndKeepsWhatIsThere) {
  const test::TemporaryFolder folder;
  auto file = PartialFile::open(folder.file("x.partial"));
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("0123456789"));
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, SIG_IGN);
  const rlimit tight{16, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto appended = file->append("0123456789");
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(appended);
  EXPECT_EQ(appended.error().code, Code::kExhausted);
  EXPECT_EQ(file->size(), 16);  // what fitted stays, and counts
  EXPECT_EQ(content_of(*file), "0123456789012345");
}

TEST(PartialFile, FollowsNoLink) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.file("precious"), "keep me"));
  ASSERT_EQ(::symlink(folder.file("precious").c_str(), folder.file("x.partial").c_str()), 0);
  EXPECT_FALSE(PartialFile::open(folder.file("x.partial")));
  EXPECT_EQ(read_file(folder.file("precious")).value(), "keep me");
}

TEST(FileLock, IsHeldByOneAtATime) {
  const test::TemporaryFolder folder;
  auto first = FileLock::take(folder.file("lock"), "is busy");
  ASSERT_TRUE(first) << first.error().message;
  const auto second = FileLock::take(folder.file("lock"), "is busy");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("is busy"), std::string::npos);
  {
    const FileLock moved = std::move(*first);
    EXPECT_FALSE(FileLock::take(folder.file("lock"), "is busy"));
  }
  EXPECT_TRUE(FileLock::take(folder.file("lock"), "is busy"));
  EXPECT_EQ(FileLock::take(folder.file("none/lock"), "").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel
