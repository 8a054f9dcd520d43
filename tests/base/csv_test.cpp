#include "base/csv.h"

#include <vector>

#include <gtest/gtest.h>

namespace cupel {
namespace {

struct Record {
  std::vector<std::string> fields;
  size_t line = 0;
  bool operator==(const Record&) const = default;
};

Result<std::vector<Record>> records(std::string_view text) {
  std::vector<Record> out;
  auto done = for_each_csv(
      text, "t.csv", [&](std::span<const std::string_view> fields, size_t line) -> Result<Ok> {
        out.push_back({{fields.begin(), fields.end()}, line});
        return Ok{};
      });
  if (!done.has_value()) {
    return std::move(done).error();
  }
  return out;
}

TEST(ForEachCsv, ReadsPlainAndQuotedFields) {
  const auto rows = records(
      "\xEF\xBB\xBF"
      "a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\n\n,\"\",\"q\"");
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  const std::vector<Record> expected = {
      {{"a", "b", "c"}, 1}, {{"1", "x, \"y\"\nz", ""}, 2}, {{"", "", "q"}, 5}};
  EXPECT_EQ(*rows, expected);
}

TEST(ForEachCsv, EmptyTextHasNoRecords) {
  EXPECT_TRUE(records("")->empty());
  EXPECT_TRUE(records("\n\r\n\n")->empty());
}

TEST(ForEachCsv, KeepsALoneCarriageReturn) {
  EXPECT_EQ((*records("a\rb,c\n"))[0].fields[0], "a\rb");
}

TEST(ForEachCsv, NamesTheLineOfWhatIsBroken) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases = {
      {"a,b\n1,2\n3\n", "t.csv:3: 1 fields, but the header has 2"},
      {"a,b\n1,2,3\n", "t.csv:2: 3 fields"},
      {"a,b\n\"1\n2\",3\n4,\"5", "t.csv:4: a quoted field that starts here is never closed"},
      {"a,b\n\"1\"x,2\n", "t.csv:2: text follows the closing quote"},
      {"a,b\n1,x\"y\n", "t.csv:2: field 2 has a quote inside"}};
  for (const auto& [text, message] : cases) {
    const auto rows = records(text);
    ASSERT_FALSE(rows.has_value()) << text;
    EXPECT_EQ(rows.error().code, Code::kCorruptData);
    EXPECT_TRUE(rows.error().message.starts_with(message)) << rows.error().message;
  }
}

TEST(ForEachCsv, SurvivesTruncationAtEveryByte) {
  const std::string_view text = "a,b\r\n\"x \"\"y\"\"\",\"1\n2\"\r\nq,r\r\n";
  for (size_t size = 0; size <= text.size(); ++size) {
    const auto rows = records(text.substr(0, size));
    if (!rows.has_value()) {
      EXPECT_EQ(rows.error().code, Code::kCorruptData);
    }
  }
}

TEST(CsvField, QuotesOnlyWhereNeeded) {
  EXPECT_EQ(csv_field("plain text"), "plain text");
  EXPECT_EQ(csv_field("a,\"b\""), "\"a,\"\"b\"\"\"");
  for (const std::string text : {"x", "a,b", "\"", "l1\nl2", ""}) {
    const auto rows = records("h,i\n" + csv_field(text) + ",1\n");
    ASSERT_TRUE(rows.has_value());
    EXPECT_EQ((*rows)[1].fields[0], text);
  }
}

}  // namespace
}  // namespace cupel
