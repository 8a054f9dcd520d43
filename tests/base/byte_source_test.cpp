#include "base/byte_source.h"

#include <fstream>
#include <vector>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "support/packed.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

/// Text that neither compresses to nothing nor not at all.
std::string sample(size_t bytes) {
  Rng rng(1);
  std::string text;
  while (text.size() < bytes) {
    text += "model-" + std::to_string(rng.below(500)) + (rng.below(9) == 0 ? "\n" : ",");
  }
  return text;
}

/// All of a source, in pieces of that size.
Result<std::string> drain(Result<OpenSource> source, size_t piece) {
  if (!source.has_value()) {
    return std::move(source).error();
  }
  std::string all;
  std::vector<char> buffer(piece);
  while (true) {
    CUPEL_TRY(const size_t got, source->bytes->read(buffer));
    all.append(buffer.data(), got);
    if (got < piece) {
      CUPEL_TRY(const size_t more, source->bytes->read(buffer));
      EXPECT_EQ(more, 0U) << "bytes after the end";
      return all;
    }
  }
}

Result<std::string> drain(std::string_view bytes, size_t piece = 1000) {
  return drain(source_of_bytes(bytes, "t.gz"), piece);
}

TEST(ByteSource, ReadsPlainGzipAndZstd) {
  const std::string text = sample(700'000);
  for (const std::string& bytes : {text, test::gzip(text), test::zstd(text)}) {
    for (const size_t piece : {size_t{1}, size_t{64}, size_t{100'000}, size_t{1} << 20U}) {
      if (piece == 1 && bytes == text) {
        continue;
      }
      const auto all = drain(bytes, piece);
      ASSERT_TRUE(all.has_value()) << all.error().message;
      EXPECT_TRUE(*all == text) << piece;
    }
  }
  EXPECT_FALSE(source_of_bytes(text, "t")->is_compressed);
  EXPECT_TRUE(source_of_bytes(test::gzip(text), "t")->is_compressed);
}

TEST(ByteSource, JoinsMembersAndFrames) {
  const std::string text = sample(300'000);
  EXPECT_EQ(*drain(test::gzip("a,b\n") + test::gzip("") + test::gzip(text)), "a,b\n" + text);
  EXPECT_EQ(*drain(test::zstd("a,b\n") + test::zstd("") + test::zstd(text)), "a,b\n" + text);
  // A skippable frame (RFC 8878, 3.1.2): magic, length, that many bytes of somebody else's.
  const std::string skippable("\x52\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
  EXPECT_EQ(*drain(skippable + test::zstd("1\n") + skippable), "1\n");
}

TEST(ByteSource, ReadsNothingFromNothing) {
  EXPECT_EQ(*drain(""), "");
  EXPECT_EQ(*drain("\x1F"), "\x1F");  // half a magic is text
}

TEST(ByteSource, CutAtAnyByteIsAnError) {
  for (const std::string& packed : {test::gzip("model_a,model_b\n"), test::zstd("model_a,b\n")}) {
    for (size_t size = 4; size < packed.size(); ++size) {
      const auto all = drain(std::string_view(packed).substr(0, size));
      ASSERT_FALSE(all.has_value()) << size;
      EXPECT_EQ(all.error().code, Code::kCorruptData);
      EXPECT_TRUE(all.error().message.starts_with("t.gz: the ")) << all.error().message;
      EXPECT_NE(all.error().message.find("ends in the middle"), std::string::npos);
    }
  }
}

TEST(ByteSource, DamageIsAnError) {
  const std::string text = sample(200'000);
  for (std::string packed : {test::gzip(text), test::zstd(text)}) {
    packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
    const auto all = drain(packed);
    // A frame of zstd without a checksum may only be damaged in what it says.
    EXPECT_TRUE(!all.has_value() || *all != text);
  }
  const auto trailing = drain(test::gzip(text) + "garbage");
  ASSERT_FALSE(trailing.has_value());
  EXPECT_NE(trailing.error().message.find("is damaged"), std::string::npos);
}

TEST(ByteSource, RefusesOtherCompressionsWithACommand) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {std::string("\xFD"
                   "7zXZ\0abc",
                   9),
       "is compressed with xz; gzip and zstd are read here: `xz -dc t | gzip`"},
      {"BZh91AY&SY", "bzip2"},
      {"PK\x03\x04zip", "zip"},
      {"\x04\x22\x4D\x18lz4.", "lz4"}};
  for (const auto& [bytes, message] : cases) {
    const auto source = source_of_bytes(bytes, "t");
    ASSERT_FALSE(source.has_value()) << message;
    EXPECT_EQ(source.error().code, Code::kUnsupported);
    EXPECT_NE(source.error().message.find(message), std::string::npos) << source.error().message;
  }
}

TEST(ByteSource, RefusesAWindowThatTakesTooMuchMemory) {
  const std::string text = sample(10'000);
  const auto all = drain(test::zstd(text, 30));
  ASSERT_FALSE(all.has_value());
  EXPECT_EQ(all.error().code, Code::kUnsupported);
  EXPECT_NE(all.error().message.find("larger than 128 MiB"), std::string::npos);
  EXPECT_EQ(*drain(test::zstd(text, 27)), text);
}

TEST(OpenSource, NamesAMissingFileAndAFolder) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.file("votes.csv")) << "a,b\n";
  EXPECT_EQ(*drain(open_source(folder.file("votes.csv")), 100), "a,b\n");
  const auto missing = open_source(folder.file("vote.csv"));
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("did you mean"), std::string::npos);
  EXPECT_EQ(open_source(folder.path()).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel
