#include "train/data/row_reader.h"

#include <cstdlib>
#include <map>

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/parquet.h"
#include "support/packed.h"
#include "support/test_paths.h"

namespace cupel::train {
namespace {

std::string write(const test::TemporaryFolder& folder,
                  const std::string& name,
                  std::string_view text) {
  const std::string path = folder.file(name);
  EXPECT_TRUE(write_file_atomic(path, text).has_value());
  return path;
}

RowReader open(const std::vector<std::string>& paths, bool skip_bad = false) {
  auto reader = RowReader::create({.paths = paths, .skip_bad = skip_bad});
  EXPECT_TRUE(reader.has_value());
  return std::move(reader).value();
}

/// The texts of all rows; the last is the message of an error.
std::vector<std::string> texts(RowReader& reader) {
  std::vector<std::string> found;
  while (true) {
    auto row = reader.next();
    if (!row.has_value()) {
      found.push_back(row.error().message);
      return found;
    }
    if (!row->has_value()) {
      return found;
    }
    found.push_back((*row)->responses[0].text);
  }
}

const std::vector<std::string> kAbc = {"a", "b", "c"};
constexpr std::string_view kRows =
    "\xEF\xBB\xBF{\"text\": \"a\"}\n\n  {\"text\": \"b\"}  \r\n{\"text\": \"c\"}";

TEST(RowReader, ReadsPlainAndCompressedFilesAlike) {
  const test::TemporaryFolder folder;
  RowReader plain = open({write(folder, "a.jsonl", kRows)});
  EXPECT_EQ(texts(plain), kAbc);
  EXPECT_EQ(plain.position(), 3);
  RowReader gzip = open({write(folder, "a.jsonl.gz", test::gzip(kRows))});
  EXPECT_EQ(texts(gzip), kAbc);
  RowReader zstd = open({write(folder, "a.jsonl.zst", test::zstd(kRows))});
  EXPECT_EQ(texts(zstd), kAbc);
}

TEST(RowReader, GoesOnWithTheNextFile) {
  const test::TemporaryFolder folder;
  RowReader reader =
      open({write(folder, "a.jsonl", "{\"text\": \"a\"}\n"), write(folder, "none.jsonl", ""),
            write(folder, "b.jsonl", "{\"text\": \"b\"}\n{\"text\": \"c\"}\n")});
  EXPECT_EQ(texts(reader), kAbc);
}

TEST(RowReader, GoesOnWhereAnotherStopped) {
  const test::TemporaryFolder folder;
  const std::vector<std::string> paths = {
      write(folder, "a.jsonl", "{\"text\": \"a\"}\nnonsense\n{\"text\": \"\"}\n"),
      write(folder, "b.jsonl", "\n{\"text\": \"b\"}\n{\"text\": \"c\"}\n")};
  RowReader whole = open(paths, true);
  const auto all = texts(whole);
  EXPECT_EQ(all, kAbc);
  for (size_t taken = 0; taken <= all.size(); ++taken) {
    RowReader first = open(paths, true);
    for (size_t i = 0; i < taken; ++i) {
      ASSERT_TRUE(first.next().has_value());
    }
    RowReader second = open(paths, true);
    ASSERT_TRUE(second.skip(first.position()).has_value());
    EXPECT_EQ(texts(second),
              std::vector<std::string>(all.begin() + static_cast<int>(taken), all.end()));
  }
  RowReader beyond = open(paths, true);
  const auto skipped = beyond.skip(6);
  ASSERT_FALSE(skipped.has_value());
  EXPECT_NE(skipped.error().message.find("b.jsonl: ends 1 records before"), std::string::npos)
      << skipped.error().message;
}

TEST(RowReader, NamesFileAndLineOfABadRow) {
  const test::TemporaryFolder folder;
  const std::string path =
      write(folder, "a.jsonl", "{\"text\": \"a\"}\n\n{\"text\": \n{\"txt\": \"b\"}\n");
  RowReader strict = open({path});
  const auto found = texts(strict);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[1].starts_with(path + ":3: ")) << found[1];
  RowReader lenient = open({path}, true);
  EXPECT_EQ(texts(lenient), std::vector<std::string>{"a"});
  EXPECT_EQ(lenient.skipped().bad, 2);
  ASSERT_EQ(lenient.skipped().reasons.size(), 2U);
  EXPECT_TRUE(lenient.skipped().reasons[1].starts_with(path + ":4: no known form"));
}

TEST(RowReader, CountsEmptyRows) {
  const test::TemporaryFolder folder;
  RowReader reader = open({write(folder, "a.jsonl", "{\"text\": \"\"}\n{\"text\": \"a\"}\n")});
  EXPECT_EQ(texts(reader), std::vector<std::string>{"a"});
  EXPECT_EQ(reader.skipped().empty, 1);
  EXPECT_EQ(reader.skipped().bad, 0);
}

TEST(RowReader, RefusesWhatIsNotThere) {
  EXPECT_FALSE(RowReader::create({}).has_value());
  RowReader reader = open({"no_such_file.jsonl"});
  const auto row = reader.next();
  ASSERT_FALSE(row.has_value());
  EXPECT_EQ(row.error().code, Code::kNotFound);
}

bool built_without_parquet(const std::string& path) {
  const auto file = ParquetFile::open(path);
  return !file && file.error().code == Code::kFailedPrecondition;
}
constexpr std::string_view kNoParquet =
    "built without Parquet (scripts/setup.sh parquet): no file was read";

TEST(RowReader, ReadsResponsesAndTheirRatingsFromParquet) {
  const std::string path = test::test_data("parquet/ratings.parquet");
  if (built_without_parquet(path)) {
    GTEST_SKIP() << kNoParquet;
  }
  RowReader plain = open({path});
  EXPECT_EQ(texts(plain), (std::vector<std::string>{"4", "six"}));
  auto rated =
      RowReader::create({.paths = {path}, .ratings = {"brevity", "helpfulness", "prompt", "none"}});
  ASSERT_TRUE(rated.has_value());
  const auto first = rated->next();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_TRUE(first->has_value());
  EXPECT_EQ((*first)->form, RowForm::kPromptCompletion);
  EXPECT_EQ((*first)->prompt.text, "2+2=");
  const std::map<std::string, double> ratings((*first)->ratings.begin(), (*first)->ratings.end());
  EXPECT_EQ(ratings, (std::map<std::string, double>{{"brevity", 0.5}, {"helpfulness", 4}}));
  // A column that is none of these is not read, whatever it holds.
  auto dated = RowReader::create({.paths = {path}, .ratings = {"day"}});
  EXPECT_FALSE(dated->next().has_value());
}

TEST(RowReader, ReadsParquetWithListsOfMessages) {
  const std::string path = test::test_data("parquet/preferences.parquet");
  if (built_without_parquet(path)) {
    GTEST_SKIP() << kNoParquet;
  }
  RowReader reader = open({path});
  auto first = reader.next();
  ASSERT_TRUE(first.has_value()) << first.error().message;
  ASSERT_TRUE(first->has_value());
  const Row& row = **first;
  EXPECT_EQ(row.form, RowForm::kPreference);
  EXPECT_EQ(row.prompt.messages.size(), 1U);
  EXPECT_EQ(*row.responses[0].messages.as_array()[0].find("content"), Json("say \"four\"\n\t\\"));
  EXPECT_EQ(*row.responses[1].messages.as_array()[0].find("content"), Json("f\u00fcnf"));
  EXPECT_EQ(row.scores[0], 7.5);
  EXPECT_EQ(row.id, "one");
  auto second = reader.next();
  ASSERT_TRUE(second.has_value()) << second.error().message;
  ASSERT_TRUE(second->has_value());
  EXPECT_EQ((*second)->prompt.messages.size(), 2U);
  EXPECT_EQ((*second)->id, path + ":2");
  EXPECT_FALSE((*reader.next()).has_value());
}

}  // namespace
}  // namespace cupel::train
