// Files of tests/data/parquet, written by pyarrow 26.0.1 (make.py beside them says what they hold).
#include "base/parquet.h"

#include <fstream>

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel {
namespace {

using Rows = std::vector<std::vector<std::string>>;

class ParquetColumns : public testing::Test {
 protected:
  void SetUp() override {
    const auto file = ParquetFile::open(test::test_data("parquet/votes.parquet"));
    if (!file.has_value() && file.error().code == Code::kFailedPrecondition) {
      GTEST_SKIP() << "built without Parquet (scripts/setup.sh parquet): no file was read";
    }
    ASSERT_TRUE(file.has_value()) << file.error().message;
  }
  static Result<Rows> read(const std::string& path, const std::vector<std::string>& columns) {
    CUPEL_TRY(ParquetFile file, ParquetFile::open(path));
    CUPEL_TRY_VOID(file.select(columns));
    Rows rows;
    while (true) {
      CUPEL_TRY(const size_t count, file.next());
      if (count == 0) {
        return rows;
      }
      for (size_t row = 0; row < count; ++row) {
        std::vector<std::string>& values = rows.emplace_back();
        for (size_t column = 0; column < columns.size(); ++column) {
          values.emplace_back(file.value(column, row));
        }
      }
    }
  }
};

TEST_F(ParquetColumns, ReadAsText) {
  const auto rows = read(test::test_data("parquet/votes.parquet"),
                         {"winner", "model_a", "model_b", "language", "turn", "is_code", "score"});
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  const Rows expected = {{"model_a", "x", "y", "English", "1", "true", "0.5"},
                         {"tie", "y", "z", "", "2", "false", "1"},
                         {"tie (bothbad)", "x", "z", "English", "3", "", "-2.25"},
                         {"model_b", "z", "x", "Română", "4", "true", "1e+300"}};
  EXPECT_EQ(*rows, expected);
}

TEST_F(ParquetColumns, ReadMembersOfStructs) {
  const auto rows =
      read(test::test_data("parquet/votes.parquet"),
           {"conv_metadata.sum_assistant_b_tokens", "conv_metadata.header_count_a.h1"});
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  EXPECT_EQ(*rows, (Rows{{"10", "3"}, {"0", "0"}, {"15", "0"}, {"1", "1"}}));
}

TEST_F(ParquetColumns, NamesTheColumnOfAnotherType) {
  const std::string path = test::test_data("parquet/no_text.parquet");
  const auto dates = read(path, {"winner"});
  ASSERT_FALSE(dates.has_value());
  EXPECT_EQ(dates.error().code, Code::kUnsupported);
  EXPECT_EQ(dates.error().message, path +
                                       ": column \"winner\" is of type date32[day]; expected text, "
                                       "a number or a boolean: write it as one of these");
  const auto lists = read(path, {"user.list.element"});
  ASSERT_FALSE(lists.has_value());
  EXPECT_NE(lists.error().message.find("is of type list<"), std::string::npos)
      << lists.error().message;
  const auto absent = read(path, {"winer"});
  ASSERT_FALSE(absent.has_value());
  EXPECT_EQ(absent.error().message, path + ": no column \"winer\" (did you mean \"winner\"?)");
}

Result<std::vector<std::string>> read_rows(const std::string& path,
                                           const std::vector<std::string>& columns) {
  CUPEL_TRY(ParquetFile file, ParquetFile::open(path));
  CUPEL_TRY_VOID(file.select_rows(columns));
  std::vector<std::string> rows;
  while (true) {
    CUPEL_TRY(const size_t count, file.next());
    if (count == 0) {
      return rows;
    }
    for (size_t row = 0; row < count; ++row) {
      rows.emplace_back(file.value(0, row));
    }
  }
}

TEST_F(ParquetColumns, ReadAsRowsOfJson) {
  const auto rows = read_rows(
      test::test_data("parquet/votes.parquet"),
      {"model_a", "conversation_a", "absent", "is_code", "language", "conv_metadata", "score"});
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  ASSERT_EQ(rows->size(), 4U);
  EXPECT_EQ((*rows)[2],
            "{\"model_a\":\"x\",\"conversation_a\":[{\"role\":\"user\",\"content\":\"hello\"}],"
            "\"is_code\":null,\"language\":\"English\",\"conv_metadata\":{"
            "\"sum_assistant_a_tokens\":5,\"sum_assistant_b_tokens\":15,"
            "\"header_count_a\":{\"h1\":0,\"h2\":1},\"header_count_b\":{\"h1\":0,\"h2\":1}},"
            "\"score\":-2.25}");
  const auto escaped =
      read_rows(test::test_data("parquet/preferences.parquet"), {"chosen", "score_chosen"});
  ASSERT_TRUE(escaped.has_value()) << escaped.error().message;
  EXPECT_EQ(escaped->at(0),
            "{\"chosen\":[{\"role\":\"assistant\",\"content\":\"say "
            "\\\"four\\\"\\u000a\\u0009\\\\\"}],\"score_chosen\":7.5}");
  EXPECT_NE(escaped->at(1).find("\"score_chosen\":null"), std::string::npos) << "NaN";
}

TEST_F(ParquetColumns, RowsNameWhatCannotBeRead) {
  const auto dates = read_rows(test::test_data("parquet/preferences.parquet"), {"id", "day"});
  ASSERT_FALSE(dates.has_value());
  EXPECT_EQ(dates.error().code, Code::kUnsupported);
  EXPECT_NE(dates.error().message.find("column \"day\" is of type date32[day]"), std::string::npos);
  const auto absent = read_rows(test::test_data("parquet/preferences.parquet"), {"text"});
  ASSERT_FALSE(absent.has_value());
  EXPECT_NE(absent.error().message.find("has none of the columns text; it has prompt."),
            std::string::npos)
      << absent.error().message;
}

TEST_F(ParquetColumns, CutOrChangedFilesAreErrorsOrValues) {
  const auto bytes = read_file(test::test_data("parquet/votes.parquet"));
  ASSERT_TRUE(bytes.has_value());
  const test::TemporaryFolder folder;
  const std::string path = folder.file("v.parquet");
  for (size_t size = 0; size < bytes->size(); size += 211) {
    std::ofstream(path, std::ios::binary) << bytes->substr(0, size);
    const auto rows = read(path, {"winner"});
    ASSERT_FALSE(rows.has_value()) << size;
    EXPECT_EQ(rows.error().code, Code::kCorruptData);
    EXPECT_TRUE(rows.error().message.starts_with(path + ": ")) << rows.error().message;
    EXPECT_EQ(rows.error().message.find('\n'), std::string::npos);
  }
  for (size_t at = 0; at < bytes->size(); at += 61) {
    std::string changed = *bytes;
    changed[at] = static_cast<char>(changed[at] ^ 0x41);
    std::ofstream(path, std::ios::binary) << changed;
    const auto rows = read(path, {"winner", "model_a", "conv_metadata.header_count_a.h1"});
    EXPECT_TRUE(rows.has_value() || !rows.error().message.empty()) << at;
  }
}

TEST(ParquetFile, NamesAMissingFileWithOrWithoutTheModule) {
  const auto file = ParquetFile::open(test::test_data("parquet/vote.parquet"));
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Code::kNotFound);
}

TEST(ParquetFile, SaysHowToGetTheModule) {
  const auto file = ParquetFile::open(test::test_data("parquet/votes.parquet"));
  if (file.has_value()) {
    GTEST_SKIP() << "built with Parquet: what a build without it says was not shown";
  }
  EXPECT_EQ(
      file.error().message,
      test::test_data("parquet/votes.parquet") +
          ": this program was built without Parquet; run `scripts/setup.sh parquet`, then `make "
          "build` or, for cupel-train, `make train` again, or save the file as JSONL");
}

}  // namespace
}  // namespace cupel
