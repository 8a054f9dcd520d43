// CsvReader against a scanner that reads byte by byte, and against itself in blocks.
#include <optional>
#include <vector>

#include <gtest/gtest.h>

#include "base/csv.h"
#include "base/record_blocks.h"
#include "base/rng.h"

namespace cupel {
namespace {

using Fields = std::vector<std::string>;

/// A record, or the reason why there is none.
struct Row {
  size_t line = 0;
  Fields fields;
  std::string problem;
  bool operator==(const Row&) const = default;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.line << ": ";
  for (const std::string& field : row.fields) {
    *out << "[" << field << "]";
  }
  *out << row.problem;
}

/// RFC 4180 as plainly as it can be written down: one character after another.
class PlainScanner {
 public:
  explicit PlainScanner(std::string_view text) : text_(text) {}

  /// All records up to the first bad one, which is the last.
  std::vector<Row> rows() {
    std::vector<Row> all;
    while (at_ < text_.size()) {
      const size_t start = at_;
      Row row{.line = line_};
      const bool good = record(row);
      const bool quoted = text_[start] == '"';
      if (good && row.fields.size() == 1 && row.fields[0].empty() && !quoted) {
        continue;  // an empty line
      }
      if (!good || (!all.empty() && row.fields.size() != all[0].fields.size())) {
        all.push_back({.line = row.line, .problem = "bad"});
        return all;
      }
      all.push_back(row);
    }
    return all;
  }

 private:
  [[nodiscard]] bool line_end() const {
    return at_ == text_.size() || text_[at_] == '\n' ||
           (text_[at_] == '\r' && (at_ + 1 == text_.size() || text_[at_ + 1] == '\n'));
  }
  bool record(Row& row) {
    while (true) {
      std::string field;
      if (at_ < text_.size() && text_[at_] == '"' ? !quoted(field) : !bare(field)) {
        return false;
      }
      row.fields.push_back(field);
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      at_ += at_ < text_.size() && text_[at_] == '\r' ? 1 : 0;
      at_ += at_ < text_.size() ? 1 : 0;
      ++line_;
      return true;
    }
  }
  bool bare(std::string& field) {
    for (; !line_end() && text_[at_] != ','; ++at_) {
      if (text_[at_] == '"') {
        return false;
      }
      field += text_[at_];
    }
    return true;
  }
  bool quoted(std::string& field) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '"') {
        line_ += text_[at_] == '\n' ? 1 : 0;
        field += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
        field += text_[at_++];
      } else {
        ++at_;
        return line_end() || text_[at_] == ',';
      }
    }
    return false;
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t line_ = 1;
};

/// What a reader gives; `first_line` is the line of the text's beginning.
std::vector<Row> read(std::string_view text, size_t width, size_t first_line = 1) {
  std::vector<Row> all;
  CsvReader reader(text, width);
  for (auto step = reader.next(); step != CsvReader::Step::kEnd; step = reader.next()) {
    Row row{.line = first_line + reader.line() - 1};
    for (size_t i = 0; step == CsvReader::Step::kRecord && i < reader.width(); ++i) {
      row.fields.emplace_back(reader.value(i));
    }
    row.problem = step == CsvReader::Step::kBad ? reader.error().message : "";
    all.push_back(row);
  }
  return all;
}

/// Text of the bytes that matter: mostly right, with stretches that span the 64 bytes of a mask.
std::string random_text(Rng& rng, uint64_t noise) {
  const std::string_view plain = "abcdefgh";
  std::string text;
  for (uint64_t records = 1 + rng.below(12); records > 0; --records) {
    for (int field = 0; field < 3; ++field) {
      text += field == 0 ? "" : ",";
      std::string value;
      const bool quoted = rng.below(3) == 0;
      for (uint64_t n = rng.below(rng.below(8) == 0 ? 90 : 7); n > 0; --n) {
        const uint64_t kind = rng.below(12);
        value += !quoted || kind > 3 ? plain.substr(rng.below(8), 1)
                 : kind == 0         ? std::string_view("\"\"")
                 : kind == 1         ? std::string_view(",")
                 : kind == 2         ? std::string_view("\n")
                                     : std::string_view("\r");
      }
      text += quoted ? "\"" + value + "\"" : value;
    }
    text += rng.below(4) == 0 ? "\r\n" : "\n";
  }
  const std::string_view special = ",\"\n\ra";
  for (; noise > 0; --noise) {
    const size_t at = rng.below(text.size());
    rng.below(2) == 0 ? void(text[at] = special[rng.below(5)])
                      : void(text.insert(at, 1, special[rng.below(5)]));
  }
  if (rng.below(4) == 0) {
    text.resize(rng.below(text.size()));
  }
  return text;
}

TEST(CsvReader, ReadsWhatAPlainScannerReads) {
  Rng rng(20261126);
  size_t good = 0;
  for (uint64_t round = 0; round < 8'000; ++round) {
    const std::string text = random_text(rng, round % 4);
    const std::vector<Row> expected = PlainScanner(text).rows();
    std::vector<Row> rows = read(text, 0);
    for (size_t i = 0; i < rows.size(); ++i) {
      if (!rows[i].problem.empty()) {
        rows[i].problem = "bad";
        rows.resize(i + 1);
      }
    }
    good += !rows.empty() && rows.back().problem.empty() ? 1 : 0;
    ASSERT_EQ(rows, expected) << testing::PrintToString(text);
  }
  EXPECT_GT(good, 2000U);  // the comparison is not one of errors alone
}

TEST(CsvReader, BlocksGiveTheSameRowsAndLines) {
  Rng rng(7);
  for (uint64_t round = 0; round < 3'000; ++round) {
    const std::string text = "x,y,z\n" + random_text(rng, round % 4);
    const std::vector<Row> expected = read(text, 3);
    std::vector<Row> rows;
    auto source = source_of_bytes(text, "t");
    RecordBlocks blocks(std::move(*source), {1 + rng.below(100), size_t{1} << 20U});
    blocks.set_kind(RecordKind::kCsv);
    RecordBlock block;
    while (*blocks.next(block)) {
      const std::vector<Row> part = read(block.text(), 3, block.first_line());
      rows.insert(rows.end(), part.begin(), part.end());
    }
    ASSERT_EQ(rows, expected) << testing::PrintToString(text);
  }
}

TEST(CsvReader, GoesOnBehindABadRecord) {
  const std::vector<Row> rows = read("a,b\n1,2,3\n\"x\"y,2\n3,4\n5,\"6\n7,8\n", 0);
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows[1].problem, "3 fields, but the header has 2");
  EXPECT_TRUE(rows[2].problem.starts_with("text follows the closing quote"));
  EXPECT_EQ(rows[3], (Row{4, {"3", "4"}, ""}));
  EXPECT_EQ(rows[4].problem,
            "a quoted field that starts here is never closed, or a quote on a later line is not "
            "doubled");
  EXPECT_EQ(rows[5], (Row{6, {"7", "8"}, ""}));
}

TEST(CsvReader, SaysThatTheFileEndsInARow) {
  const std::vector<Row> rows = read("a,b,c\n1,2,3\n4,5", 0);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[2].problem,
            "2 fields, but the header has 3; the file ends in the middle of this row");
}

// A line of millions of commas must cost its bytes, not their square, and no memory without bound.
TEST(CsvReader, ALineOfCommasIsRefusedAtOnce) {
  const std::string text = "a,b\n" + std::string(size_t{8} << 20U, ',') + "\n1,2\n";
  const std::vector<Row> rows = read(text, 2);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].problem, "more than 65536 fields; is this a CSV file?");
  EXPECT_EQ(rows[2], (Row{3, {"1", "2"}, ""}));
  const std::vector<Row> wide = read(std::string(65'535, ',') + "\n", 0);
  ASSERT_EQ(wide.size(), 1U);
  EXPECT_EQ(wide[0].problem, "");
}

TEST(WholeCsvRecords, EndBehindTheLastLineEndOutsideQuotes) {
  EXPECT_EQ(whole_csv_records("a,b\nc,d"), 4U);
  EXPECT_EQ(whole_csv_records("a,b"), 0U);
  EXPECT_EQ(whole_csv_records("\"a\nb\"\nc,\"\n"), 6U);
  EXPECT_EQ(whole_csv_records("a\"b\nc,d\n"), 8U);     // a bad record, but a whole one
  EXPECT_EQ(whole_csv_records("a\"b\n\"c\nd\n"), 4U);  // and one that may still be closed
}

}  // namespace
}  // namespace cupel
