#include <cstring>
#include <string>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/io.h"
#include "support/process_memory.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

constexpr size_t kSize = (size_t{8} << 20U) + 123;

std::string pattern() {
  std::string content(kSize, '\0');
  for (size_t i = 0; i < kSize; ++i) {
    content[i] = static_cast<char>(i * 2654435761U >> 13U);
  }
  return content;
}

bool equal(std::span<const std::byte> bytes, std::string_view text) {
  return bytes.size() == text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

TEST(MappedFile, ReleasedPartsLeaveTheMemoryAndStayReadable) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/mapped";
  const std::string content = pattern();
  ASSERT_TRUE(write_file_atomic(path, content));
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.has_value());
  file->expect(file->bytes());
  EXPECT_TRUE(equal(file->bytes(), content));
  const auto before = test::memory_status("RssFile");
  file->release(file->bytes());
  const auto after = test::memory_status("RssFile");
  if (before && after) {
    EXPECT_LT(*after + kSize / 2, *before);  // the system counts in batches of pages
  }
  EXPECT_TRUE(equal(file->bytes(), content));
}

TEST(MappedFile, HintsTakePartsThatBeginAndEndAnywhere) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/mapped";
  const std::string content = pattern();
  ASSERT_TRUE(write_file_atomic(path, content));
  const auto file = MappedFile::open(path);
  ASSERT_TRUE(file.has_value());
  for (const size_t begin : {size_t{0}, size_t{1}, size_t{4095}, size_t{4096}, kSize - 1, kSize}) {
    for (const size_t count : {size_t{0}, size_t{1}, size_t{4096}, size_t{9000}, kSize}) {
      const auto part = file->bytes().subspan(begin, std::min(count, kSize - begin));
      file->expect(part);
      file->release(part);
    }
  }
  EXPECT_TRUE(equal(file->bytes(), content));
}

// Opening a pipe for reading waits until somebody writes into it.
TEST(MappedFile, APipeIsRefusedAtOnce) {
  const test::TemporaryFolder folder;
  const std::string path = folder.path() + "/pipe";
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  const auto file = MappedFile::open(path);
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Code::kInvalidArgument) << file.error().message;
}

TEST(MappedFile, HintsOnAnEmptyFileDoNothing) {
  const test::TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.path() + "/empty", ""));
  const auto file = MappedFile::open(folder.path() + "/empty");
  ASSERT_TRUE(file.has_value());
  file->expect(file->bytes());
  file->release(file->bytes());
  EXPECT_TRUE(file->bytes().empty());
}

TEST(Fingerprint, OfPiecesIsThatOfTheWhole) {
  const std::string content = pattern().substr(0, 100'000);
  for (const size_t piece : {1'000U, 4'096U, 33'333U, 100'000U}) {
    Fingerprint all;
    for (size_t at = 0; at < content.size(); at += piece) {
      all.add(std::as_bytes(std::span(content).subspan(at, std::min(piece, content.size() - at))));
    }
    EXPECT_EQ(all.hex(), fingerprint(content)) << piece;
  }
  EXPECT_EQ(Fingerprint().hex(), fingerprint(""));
}

}  // namespace
}  // namespace cupel
