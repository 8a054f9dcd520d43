#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Paths, SayWhatStandsThere) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.file("b"), "x").has_value());
  ASSERT_TRUE(write_file_atomic(folder.file("a"), "x").has_value());
  EXPECT_TRUE(path_exists(folder.file("a")).value());
  EXPECT_FALSE(path_exists(folder.file("c")).value());
  EXPECT_FALSE(path_exists(folder.file("a/below")).value());
  EXPECT_TRUE(is_folder(folder.path()).value());
  EXPECT_FALSE(is_folder(folder.file("a")).value());
  EXPECT_FALSE(is_folder(folder.file("c")).value());
  EXPECT_THAT(list_folder(folder.path()).value(), ElementsAre("a", "b"));
  EXPECT_EQ(list_folder(folder.file("c")).error().code, Code::kNotFound);
  EXPECT_EQ(absolute_path("/a/./b/../c").value(), "/a/c");
}

// Each of them makes std::filesystem throw unless it is given an error code.
TEST(Paths, GiveErrorsWhereTheSystemDoesNotLook) {
  const std::string endless(300, 'x');
  EXPECT_EQ(path_exists(endless).error().code, Code::kInvalidArgument);
  EXPECT_THAT(is_folder("/" + endless).error().message, HasSubstr("File name too long"));
  const test::TemporaryFolder folder;
  ASSERT_EQ(::symlink("circle", folder.file("circle").c_str()), 0);
  EXPECT_EQ(path_exists(folder.file("circle")).error().code, Code::kInvalidArgument);
}

class AtomicFileTarget : public testing::Test {
 protected:
  void refuses(const std::string& path, const std::string& kind) {
    struct stat before {};
    ASSERT_EQ(::lstat(path.c_str(), &before), 0);
    const auto written = write_file_atomic(path, "new");
    ASSERT_FALSE(written.has_value()) << path;
    EXPECT_EQ(written.error().code, Code::kInvalidArgument);
    EXPECT_THAT(written.error().message, HasSubstr("is a " + kind));
    struct stat after {};
    ASSERT_EQ(::lstat(path.c_str(), &after), 0);
    EXPECT_EQ(before.st_ino, after.st_ino);
    EXPECT_EQ(before.st_mode, after.st_mode);
  }
  test::TemporaryFolder folder_;
};

TEST_F(AtomicFileTarget, IsNeverAPipeOrADevice) {
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  refuses(pipe, "pipe");
  refuses("/dev/null", "device");
  ASSERT_EQ(::symlink("pipe", folder_.file("link").c_str()), 0);
  refuses(folder_.file("link"), "pipe");
  refuses(folder_.path(), "folder");
}

TEST_F(AtomicFileTarget, IsWhatALinkPointsAt) {
  ASSERT_TRUE(make_directories(folder_.file("far/off")).has_value());
  ASSERT_TRUE(write_file_atomic(folder_.file("far/off/file"), "old").has_value());
  ASSERT_EQ(::symlink("off/file", folder_.file("far/second").c_str()), 0);
  ASSERT_EQ(::symlink("far/second", folder_.file("first").c_str()), 0);
  ASSERT_TRUE(write_file_atomic(folder_.file("first"), "new").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(folder_.file("first")));
  EXPECT_TRUE(std::filesystem::is_symlink(folder_.file("far/second")));
  EXPECT_FALSE(std::filesystem::is_symlink(folder_.file("far/off/file")));
  EXPECT_EQ(read_file(folder_.file("far/off/file")).value(), "new");
}

TEST_F(AtomicFileTarget, IsMadeWhereALinkPointsAtNothing) {
  ASSERT_EQ(::symlink("later", folder_.file("link").c_str()), 0);
  ASSERT_TRUE(write_file_atomic(folder_.file("link"), "new").has_value());
  EXPECT_TRUE(std::filesystem::is_symlink(folder_.file("link")));
  EXPECT_EQ(read_file(folder_.file("later")).value(), "new");
  ASSERT_EQ(::symlink("circle", folder_.file("circle").c_str()), 0);
  EXPECT_THAT(write_file_atomic(folder_.file("circle"), "new").error().message,
              HasSubstr("lead in a circle"));
}

}  // namespace
}  // namespace cupel
