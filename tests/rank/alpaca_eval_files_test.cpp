#include "rank/alpaca_eval_files.h"

#include <gtest/gtest.h>

namespace cupel::rank {
namespace {

TEST(AlpacaAnnotations, ReadsColumnsInAnyOrder) {
  const auto items = parse_alpaca_annotations(
      "len_2,dataset,preference,len_1,index\n20,koala,1.25,10,7\n5,oasst,0,6,3\n1,oasst,,2,4\n"
      "1,oasst,NaN,2,5\n",
      "a.csv");
  ASSERT_TRUE(items.has_value()) << items.error().message;
  ASSERT_EQ(items->size(), 4U);
  EXPECT_EQ((*items)[0].instruction, 7);
  EXPECT_EQ((*items)[0].preference, 0.25);
  EXPECT_EQ((*items)[0].baseline_length, 10);
  EXPECT_EQ((*items)[0].model_length, 20);
  EXPECT_EQ((*items)[1].preference, 0.5) << "a stored 0 is a draw";
  EXPECT_FALSE((*items)[2].preference.has_value());
  EXPECT_FALSE((*items)[3].preference.has_value());
}

TEST(AlpacaAnnotations, NamesFileLineAndWhatWasExpected) {
  const std::string header = "index,preference,len_1,len_2\n";
  const struct {
    std::string text;
    Code code;
    std::string part;
  } cases[] = {
      {header + "0,1.5,1,2\n1,2.5,1,2\n", Code::kCorruptData, "a.csv:3: preference is 2.5"},
      {header + "0,0.7,1,2\n", Code::kCorruptData, "a.csv:2: preference is 0.7"},
      {header + "0,win,1,2\n", Code::kCorruptData, "preference is \"win\"; expected a number"},
      {header + "0,1.5,-1,2\n", Code::kCorruptData, "len_1 is \"-1\""},
      {header + "0,1.5,1,2.5\n", Code::kCorruptData, "len_2 is \"2.5\""},
      {header + "x,1.5,1,2\n", Code::kCorruptData, "index is \"x\""},
      {header + "4,1.5,1,2\n4,1.5,1,2\n", Code::kCorruptData, "a.csv:3: instruction 4"},
      {header + "0,1.5,1\n", Code::kCorruptData, "a.csv:2"},
      {header, Code::kInvalidArgument, "a.csv: no rows"},
      {"", Code::kInvalidArgument, "a.csv: no rows"},
      {"index,preference,len_1\n0,1,2\n", Code::kInvalidArgument,
       "no column len_2; the columns are: index, preference, len_1"},
  };
  for (const auto& each : cases) {
    const auto items = parse_alpaca_annotations(each.text, "a.csv");
    ASSERT_FALSE(items.has_value()) << each.text;
    EXPECT_EQ(items.error().code, each.code) << items.error().message;
    EXPECT_NE(items.error().message.find(each.part), std::string::npos) << items.error().message;
  }
}

TEST(AlpacaAnnotations, SurvivesATextCutAnywhere) {
  const std::string text = "index,preference,len_1,len_2\n0,1.25,10,20\n1,\"1.5\",3,4\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const auto items = parse_alpaca_annotations(text.substr(0, size), "a.csv");
    if (items.has_value()) {
      EXPECT_LE(items->size(), 2U);
    } else {
      EXPECT_NE(items.error().message.find("a.csv"), std::string::npos) << items.error().message;
    }
  }
}

TEST(InstructionDifficulties, ReadsBothPublishedLayouts) {
  for (const std::string header : {"index,difficulty", ",instruction_difficulty"}) {
    const auto table = parse_instruction_difficulties(header + "\n0,0.5\n2,-1e-1\n", "d.csv");
    ASSERT_TRUE(table.has_value()) << table.error().message;
    EXPECT_EQ(*table, (InstructionDifficulties{{0, 0.5}, {2, -0.1}}));
  }
  for (const std::string rows : {"0,0.5\n0,0.5\n", "0,inf\n", "0,\n", "-1,2\n"}) {
    const auto table = parse_instruction_difficulties("index,difficulty\n" + rows, "d.csv");
    ASSERT_FALSE(table.has_value()) << rows;
    EXPECT_EQ(table.error().code, Code::kCorruptData);
  }
}

TEST(LengthControlledWeightsFile, KeepsTheColumnsApart) {
  const std::string header =
      ",np.tanh(std_delta_len),instruction_difficulty,not_gamed_baseline.astype(float)\n";
  const auto weights = parse_length_controlled_weights(header + "m,-1.5,0.8,0.2\n", "w.csv");
  ASSERT_TRUE(weights.has_value()) << weights.error().message;
  EXPECT_EQ(weights->at("m").phi, -1.5);
  EXPECT_EQ(weights->at("m").psi, 0.8);
  EXPECT_EQ(weights->at("m").theta, 0.2);
  EXPECT_FALSE(parse_length_controlled_weights(header + "m,1,2,3\nm,1,2,3\n", "w.csv").has_value());
  EXPECT_FALSE(parse_length_controlled_weights(header + ",1,2,3\n", "w.csv").has_value());
  EXPECT_FALSE(parse_length_controlled_weights(header + "m,1,x,3\n", "w.csv").has_value());
}

}  // namespace
}  // namespace cupel::rank
