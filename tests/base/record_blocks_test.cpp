#include "base/record_blocks.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "support/process_memory.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

struct Piece {
  std::string text;
  size_t line = 0;
  bool operator==(const Piece&) const = default;
};

Result<std::vector<Piece>> cut(std::string_view text, RecordKind kind, const RecordLimits& limits) {
  auto source = source_of_bytes(text, "t");
  RecordBlocks blocks(std::move(*source), limits);
  blocks.set_kind(kind);
  RecordBlock block;
  std::vector<Piece> pieces;
  while (true) {
    CUPEL_TRY(const bool more, blocks.next(block));
    if (!more) {
      return pieces;
    }
    pieces.push_back({std::string(block.text()), block.first_line()});
  }
}

TEST(RecordBlocks, CutsLinesAndCountsThem) {
  const auto pieces = cut("ab\ncd\n\nefgh\ni", RecordKind::kLines, {6, 64});
  ASSERT_TRUE(pieces.has_value());
  const std::vector<Piece> expected = {{"ab\ncd\n", 1}, {"\nefgh\n", 3}, {"i", 5}};
  EXPECT_EQ(*pieces, expected);
}

TEST(RecordBlocks, KeepsQuotedLineEndsTogether) {
  const std::string text = "a,\"1\n2\n3\"\nb,\"x\"\"\n\"\nc,d\n";
  const auto pieces = cut(text, RecordKind::kCsv, {8, 64});
  ASSERT_TRUE(pieces.has_value());
  // No block of 8 bytes is a record, so both grow to 16, and the second one then holds two.
  const std::vector<Piece> expected = {{"a,\"1\n2\n3\"\n", 1}, {"b,\"x\"\"\n\"\nc,d\n", 4}};
  EXPECT_EQ(*pieces, expected);
}

TEST(RecordBlocks, AreTheWholeTextWhateverTheSize) {
  const std::string text = "m,n\r\n\"a\nb\",c\n,\"\"\n\"\"\"\",x\n\n\ny,\"z,\n\"\n";
  for (size_t bytes = 1; bytes <= text.size() + 1; ++bytes) {
    for (const RecordKind kind : {RecordKind::kLines, RecordKind::kCsv}) {
      const auto pieces = cut(text, kind, {bytes, 64});
      ASSERT_TRUE(pieces.has_value());
      std::string joined;
      for (const Piece& piece : *pieces) {
        EXPECT_EQ(piece.line,
                  1U + static_cast<size_t>(std::count(joined.begin(), joined.end(), '\n')));
        joined += piece.text;
      }
      EXPECT_EQ(joined, text);
    }
  }
}

TEST(RecordBlocks, HeadTakesNothing) {
  auto source = source_of_bytes("one\ntwo\n", "t");
  RecordBlocks blocks(std::move(*source), {4, 64});
  EXPECT_EQ(*blocks.head(), "one\ntwo\n");
  EXPECT_EQ(*blocks.head(), "one\ntwo\n");
  RecordBlock block;
  EXPECT_TRUE(*blocks.next(block));
  EXPECT_EQ(block.text(), "one\n");
  EXPECT_FALSE(block.is_last());
  EXPECT_TRUE(*blocks.next(block));
  EXPECT_EQ(block.text(), "two\n");
}

// What is told apart by the first bytes is the same file in blocks of any size.
TEST(RecordBlocks, TheHeadIsNoSmallerInSmallBlocks) {
  const std::string text = std::string(3000, ' ') + "{\n" + std::string(3000, 'x') + "\n";
  for (const size_t bytes : {size_t{1}, size_t{100}, size_t{4096}, size_t{4097}, size_t{10'000}}) {
    auto source = source_of_bytes(text, "t");
    RecordBlocks blocks(std::move(*source), {bytes, 10'000});
    EXPECT_EQ(*blocks.head(), text.substr(0, std::max<size_t>(bytes, 4096))) << bytes;
    std::string joined;
    RecordBlock block;
    while (*blocks.next(block)) {
      joined += block.text();
    }
    EXPECT_EQ(joined, text) << bytes;
  }
}

TEST(RecordBlocks, ALineBeyondTheLimitIsAnErrorWithItsNumber) {
  const RecordLimits limits{size_t{1} << 16U, size_t{1} << 20U};
  const std::string text = "a,b\nc,d\n" + std::string(3U << 20U, 'x') + "\n";
  for (const RecordKind kind : {RecordKind::kLines, RecordKind::kCsv}) {
    const auto pieces = cut(text, kind, limits);
    ASSERT_FALSE(pieces.has_value());
    EXPECT_EQ(pieces.error().code, Code::kCorruptData);
    EXPECT_TRUE(pieces.error().message.starts_with("t:3: the line is longer than 1 MiB"))
        << pieces.error().message;
  }
}

// A quote that is never closed makes the rest of the file one record: beyond the limit its first
// line is handed out, for the reader to say what is wrong, and the rest stays readable.
TEST(RecordBlocks, AnOpenQuoteEndsAtTheLimit) {
  std::string text = "a,\"b\n";
  for (int i = 0; i < 400; ++i) {
    text += "c,d\n";
  }
  const auto pieces = cut(text, RecordKind::kCsv, {64, 256});
  ASSERT_TRUE(pieces.has_value());
  EXPECT_EQ(pieces->front().text, "a,\"b\n");
  EXPECT_EQ((*pieces)[1].line, 2U);
  EXPECT_LE((*pieces)[1].text.size(), 256U);
}

// A line of two gigabytes, as a sparse file: zeros that take no disk. Ten take no more memory.
TEST(RecordBlocks, AnEndlessLineTakesBoundedMemory) {
  const test::TemporaryFolder folder;
  const std::string path = folder.file("line.csv");
  std::ofstream(path) << "a,b\n";
  ASSERT_EQ(::truncate(path.c_str(), off_t{2} << 30U), 0);
  const bool watched = test::reset_memory_peak();
  const size_t before = test::memory_status("VmRSS").value_or(0);
  RecordBlocks blocks(std::move(*open_source(path)));
  blocks.set_kind(RecordKind::kCsv);
  RecordBlock block;
  ASSERT_TRUE(blocks.next(block).has_value());
  EXPECT_EQ(block.text(), "a,b\n");
  const auto more = blocks.next(block);
  ASSERT_FALSE(more.has_value());
  EXPECT_TRUE(more.error().message.starts_with(path + ":2: the line is longer than 64 MiB"))
      << more.error().message;
  if (watched) {
    EXPECT_LT(test::memory_status("VmHWM").value_or(0), before + (size_t{200} << 20U));
  }
}

}  // namespace
}  // namespace cupel
