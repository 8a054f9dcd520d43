// Votes from the Parquet files of tests/data/parquet, written by pyarrow 26.0.1.
#include <gtest/gtest.h>

#include "rank/vote_reader.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

class VoteParquet : public testing::Test {
 protected:
  /// Of a file of that folder; skips the test where there is no Parquet.
  Result<VoteFile> read(const std::string& name, VoteReadOptions options = {}) {
    options.paths = {test::test_data("parquet/" + name)};
    return read_votes(options);
  }
  static bool is_absent(const Result<VoteFile>& file) {
    return !file.has_value() && file.error().code == Code::kFailedPrecondition;
  }
};

#define SKIP_WITHOUT_PARQUET(file)                                                          \
  if (is_absent(file)) {                                                                    \
    GTEST_SKIP() << "built without Parquet (scripts/setup.sh parquet): no votes were read"; \
  }

TEST_F(VoteParquet, ReadsColumnsMembersAndStyle) {
  const auto file =
      read("votes.parquet",
           {.cluster = "language", .keep = {"turn", "is_code"}, .style = {"length", "headers"}});
  SKIP_WITHOUT_PARQUET(file);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.models().names(), (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->wins_b, 1);
  EXPECT_EQ(file->ties, 2);
  EXPECT_EQ(file->both_bad, 1);
  EXPECT_EQ(file->table.clusters().names(), (std::vector<std::string>{"English", "Română"}));
  EXPECT_EQ(file->table.row(1).cluster, kNoCluster);
  EXPECT_EQ(file->kept[0].values.names(), (std::vector<std::string>{"1", "2", "3", "4"}));
  EXPECT_EQ(file->kept[1].values.names(), (std::vector<std::string>{"true", "false", ""}));
  // Tokens (30−10)/40, 0, (5−15)/20, 0; headers with both members: (4−1)/(5+1), 0, 0, (2−1)/(3+1).
  EXPECT_EQ(file->table.features().values,
            (std::vector<float>{0.5F, 0.5F, 0, 0, -0.5F, 0, 0, 0.25F}));
}

TEST_F(VoteParquet, ReadsWinnersInThreeColumns) {
  const auto file = read("three_columns.parquet");
  SKIP_WITHOUT_PARQUET(file);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->ties, 1);
}

TEST_F(VoteParquet, NamesWhatIsWrong) {
  const auto dates = read("no_text.parquet");
  SKIP_WITHOUT_PARQUET(dates);
  ASSERT_FALSE(dates.has_value());
  EXPECT_EQ(dates.error().code, Code::kUnsupported);
  EXPECT_NE(dates.error().message.find("column \"winner\" is of type date32"), std::string::npos);
  const auto absent = read("votes.parquet", {.cluster = "usr"});
  ASSERT_FALSE(absent.has_value());
  EXPECT_NE(absent.error().message.find("no column \"usr\" to cluster by"), std::string::npos);
  const auto list = read("votes.parquet", {.cluster = "conversation_a"});
  ASSERT_FALSE(list.has_value());
}

}  // namespace
}  // namespace cupel::rank
