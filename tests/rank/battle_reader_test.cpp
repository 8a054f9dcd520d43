#include "rank/battle_reader.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_paths.h"

namespace cupel::rank {
namespace {

TEST(ParseBattlesCsv, ReadsArenaVotes) {
  const auto file = parse_battles_csv(
      "judge,winner,model_b,model_a\n"
      "u1,model_a,y,x\n"
      "u2,model_b,y,\"x\"\n"
      "u1,tie,z,x\n"
      "u3,tie (bothbad),z,y\n",
      "votes.csv", {.cluster_column = "judge"});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->wins_b, 1);
  EXPECT_EQ(file->ties, 2);
  EXPECT_EQ(file->both_bad, 1);
  EXPECT_EQ(file->table.models().names(), (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(file->table.row(0).outcome, kWinA);
  EXPECT_EQ(file->table.row(1).outcome, kWinB);
  EXPECT_EQ(file->table.row(3).outcome, kTie);
  EXPECT_EQ(file->table.clusters().size(), 3U);
  EXPECT_EQ(file->table.row(2).cluster, file->table.row(0).cluster);
}

TEST(ParseBattlesCsv, ReadsSides) {
  const auto file =
      parse_battles_csv("left,right,winner\r\na,b,left\r\nb,c,right\r\nc,a,tie\r\n", "v");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.rows(), 3U);
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->wins_b, 1);
}

TEST(ParseBattlesCsv, SaysWhereAndWhatIsWrong) {
  const std::string head = "model_a,model_b,winner\nx,y,tie\n";
  const std::vector<std::tuple<std::string, Code, std::string>> cases = {
      {"", Code::kInvalidArgument, "v.csv: no votes"},
      {"model_a,model_b,winner\n", Code::kInvalidArgument, "v.csv: no votes"},
      {"model_a,model_b,result\nx,y,tie\n", Code::kInvalidArgument,
       "v.csv:1: columns are: model_a, model_b, result; expected model_a, model_b, winner or left"},
      {head + "x,y,model_c\n", Code::kCorruptData, "v.csv:3: winner is \"model_c\" (did you mean"},
      {head + "x,y,left\n", Code::kCorruptData, "v.csv:3: winner is \"left\""},
      {head + "x,,tie\n", Code::kCorruptData, "v.csv:3: column model_b is empty"},
      {head + "x,x,tie\n", Code::kCorruptData, "v.csv:3: model \"x\" stands on both sides"},
      {head + "x,\xFF\xFE,tie\n", Code::kCorruptData, "v.csv:3: column model_b is not UTF-8"},
      {head + "x,y\n", Code::kCorruptData, "v.csv:3: 2 fields, but the header has 3"},
      {head + "\"x,y,tie\n", Code::kCorruptData, "v.csv:3: a quoted field"}};
  for (const auto& [text, code, message] : cases) {
    const auto file = parse_battles_csv(text, "v.csv");
    ASSERT_FALSE(file.has_value()) << text;
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_TRUE(file.error().message.starts_with(message)) << file.error().message;
  }
}

TEST(ParseBattlesCsv, NamesAMissingClusterColumn) {
  const auto file = parse_battles_csv("model_a,model_b,winner,judge\nx,y,tie,u\n", "v",
                                      {.cluster_column = "jugde"});
  ASSERT_FALSE(file.has_value());
  EXPECT_NE(file.error().message.find("did you mean \"judge\""), std::string::npos)
      << file.error().message;
}

TEST(ParseBattlesCsv, SurvivesTruncationAtEveryByte) {
  const std::string text = "model_a,model_b,winner\n\"x, 1\",y,tie\ny,\"x, 1\",model_a\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const auto file = parse_battles_csv(text.substr(0, size), "v");
    if (file.has_value()) {
      EXPECT_GE(file->table.rows(), 1U);
    }
  }
}

TEST(ReadBattlesCsv, ReadsAFileAndNamesAMissingOne) {
  const test::TemporaryFolder folder;
  std::ofstream(folder.file("v.csv")) << "left,right,winner\na,b,tie\n";
  EXPECT_TRUE(read_battles_csv(folder.file("v.csv")).has_value());
  EXPECT_EQ(read_battles_csv(folder.file("w.csv")).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel::rank
