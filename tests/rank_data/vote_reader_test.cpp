// Dialects, columns and errors of vote files; formats and threads have files of their own.
#include "rank/vote_reader.h"

#include <fstream>

#include <gtest/gtest.h>

#include "support/test_paths.h"

namespace cupel::rank {
namespace {

TEST(ParseVotes, ReadsArenaVotes) {
  const auto file = parse_votes(
      "judge,winner,model_b,model_a\n"
      "u1,model_a,y,x\n"
      "u2,model_b,y,\"x\"\n"
      "u1,tie,z,x\n"
      "u3,tie (bothbad),z,y\n"
      "u3,both_bad, z ,y\n"
      "u3,bothbad,z,y\n"
      "u3,tie (inconsistent),z,y\n",
      "votes.csv", {.cluster = "judge"});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->wins_b, 1);
  EXPECT_EQ(file->ties, 5);
  EXPECT_EQ(file->both_bad, 3);
  EXPECT_EQ(file->table.models().names(), (std::vector<std::string>{"x", "y", "z"}));
  EXPECT_EQ(file->table.row(0).outcome, kWinA);
  EXPECT_EQ(file->table.row(1).outcome, kWinB);
  EXPECT_EQ(file->table.row(3).outcome, kTie);
  EXPECT_EQ(file->table.clusters().size(), 3U);
  EXPECT_EQ(file->table.row(2).cluster, file->table.row(0).cluster);
}

TEST(ParseVotes, ReadsSides) {
  const auto file = parse_votes("left,right,winner\r\na,b,left\r\nb,c,right\r\nc,a,tie\r\n", "v");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.rows(), 3U);
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->wins_b, 1);
}

TEST(ParseVotes, ReadsWinnersInThreeColumns) {
  const auto file = parse_votes(
      "id,model_a,model_b,winner_model_a,winner_model_b,winner_tie\n"
      "1,x,y,1,0,0\n2,x,y,0,1,0\n3,x,y,0.0,0.0,1.0\n4,x,y,true,false,false\n",
      "v");
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->wins_a, 2);
  EXPECT_EQ(file->wins_b, 1);
  EXPECT_EQ(file->ties, 1);
  for (const std::string bad : {"1,1,0", "0,0,0", "1,0,", "2,0,0"}) {
    const auto wrong = parse_votes(
        "model_a,model_b,winner_model_a,winner_model_b,winner_tie\nx,y," + bad + "\n", "v");
    ASSERT_FALSE(wrong.has_value()) << bad;
    EXPECT_NE(wrong.error().message.find("v:2: winner_model_a, winner_model_b, winner_tie are"),
              std::string::npos)
        << wrong.error().message;
  }
}

// As FastChat's show_result.py counts: both games must have the same winner, else the pair is a
// tie.
TEST(ParseVotes, ReadsPairsOfGames) {
  const std::string head =
      R"({"question_id": 81, "model_1": "x", "model_2": "y", "judge": ["gpt-4", "pair-v2"], )";
  const auto file =
      parse_votes(head + R"("g1_winner": "model_1", "g2_winner": "model_1"})" + "\n" + head +
                      R"("g1_winner": "model_1", "g2_winner": "model_2"})" + "\n" + head +
                      R"("g1_winner": "tie", "g2_winner": "model_2"})" + "\n" + head +
                      R"("g1_winner": "model_2", "g2_winner": "model_2"})" + "\n",
                  "v.jsonl", {.cluster = "prompt"});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->wins_a, 1);
  EXPECT_EQ(file->wins_b, 1);
  EXPECT_EQ(file->ties, 2);
  EXPECT_EQ(file->table.clusters().names(), (std::vector<std::string>{"81"}));
  const auto error =
      parse_votes(head + R"("g1_winner": "error", "g2_winner": "model_2"})" + "\n", "v.jsonl");
  ASSERT_FALSE(error.has_value());
  EXPECT_EQ(error.error().message, "v.jsonl:1: g1_winner is \"error\": the judge gave no verdict");
}

TEST(ParseVotes, SaysWhereAndWhatIsWrong) {
  const std::string head = "model_a,model_b,winner\nx,y,tie\n";
  const std::string expected =
      "; expected model_a, model_b, winner; model_a, model_b, winner_model_a, winner_model_b, "
      "winner_tie; left, right, winner or model_1, model_2, g1_winner, g2_winner";
  const std::vector<std::tuple<std::string, Code, std::string>> cases = {
      {"", Code::kInvalidArgument, "v.csv: no votes; expected rows of model_a, model_b, winner"},
      {"\n\r\n", Code::kInvalidArgument, "v.csv: no votes"},
      {"model_a,model_b,winner\n", Code::kInvalidArgument, "v.csv: no votes"},
      {"model_a,model_b,result\nx,y,tie\n", Code::kInvalidArgument,
       "v.csv:1: no column \"winner\"; columns are: model_a, model_b, result" + expected},
      {"model_a,model_b,winer\nx,y,tie\n", Code::kInvalidArgument,
       "v.csv:1: no column \"winner\" (did you mean \"winer\"?); columns are"},
      {"a,b\nx,y\n", Code::kInvalidArgument, "v.csv:1: columns are: a, b" + expected},
      {"model_a;model_b;winner\nx;y;tie\n", Code::kInvalidArgument,
       "v.csv:1: the header is \"model_a;model_b;winner\"; expected its names to be separated by"},
      {"model_a,model_b,winner,winner\nx,y,tie,tie\n", Code::kInvalidArgument,
       "v.csv:1: column \"winner\" is there twice"},
      {head + "x,y,model_c\n", Code::kCorruptData,
       "v.csv:3: winner is \"model_c\" (did you mean \"model_a\"?); expected one of: model_a, "
       "model_b, "
       "tie, tie (bothbad), both_bad, bothbad, tie (inconsistent)"},
      {head + "x,y,\n", Code::kCorruptData, "v.csv:3: winner is empty; expected one of: model_a"},
      {head + "x,y,left\n", Code::kCorruptData, "v.csv:3: winner is \"left\""},
      {head + "x,,tie\n", Code::kCorruptData, "v.csv:3: column model_b is empty"},
      {head + "x,x,tie\n", Code::kCorruptData, "v.csv:3: model \"x\" stands on both sides"},
      {head + "x,\xFF\xFE,tie\n", Code::kCorruptData, "v.csv:3: column model_b is not UTF-8"},
      {head + "x," + std::string("y\0z", 3) + ",tie\n", Code::kCorruptData,
       "v.csv:3: column model_b holds a NUL byte"},
      {head + "x,y\n", Code::kCorruptData, "v.csv:3: 2 fields, but the header has 3"},
      {head + "\"x,y,tie\n", Code::kCorruptData, "v.csv:3: a quoted field"},
      {head + "x,y", Code::kCorruptData,
       "v.csv:3: 2 fields, but the header has 3; the file ends in the middle of this row"},
      {std::string("\xFF\xFEm\0o\0", 6), Code::kCorruptData, "v.csv: is UTF-16; convert it: iconv"},
      {std::string("m\0o\0d\0", 6), Code::kCorruptData,
       "v.csv: is UTF-16; convert it: iconv -f utf-16le -t"},
      {std::string("\0m\0o\0d", 6), Code::kCorruptData,
       "v.csv: is UTF-16; convert it: iconv -f utf-16be -t"},
      {std::string(100, '\0'), Code::kCorruptData, "v.csv: is neither text nor a Parquet file"},
      {std::string("model\0", 6) + head, Code::kCorruptData, "v.csv: is neither text nor"},
      {"\x8B\xFFq,z\n1,2\n", Code::kCorruptData, "v.csv:1: columns are: "},
      {"model_a\tmodel_b\twinner\nx\ty\ttie\n", Code::kInvalidArgument,
       "v.csv:1: the header is \"model_a?model_b?winner\"; expected its names to be separated by "
       "commas, not tabs"},
      {"PAR1", Code::kUnsupported, "v.csv: Parquet is read from a plain file"}};
  for (const auto& [text, code, message] : cases) {
    const auto file = parse_votes(text, "v.csv");
    ASSERT_FALSE(file.has_value()) << text;
    EXPECT_EQ(file.error().code, code) << file.error().message;
    EXPECT_TRUE(file.error().message.starts_with(message)) << file.error().message;
    EXPECT_EQ(file.error().message.find('\n'), std::string::npos);
  }
}

TEST(ParseVotes, AFileNamedParquetIsOne) {
  const auto file = parse_votes("model_a,model_b,winner\nx,y,tie\n", "v.parquet");
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Code::kCorruptData);
  EXPECT_EQ(file.error().message,
            "v.parquet: is neither text nor a Parquet file; expected CSV, JSON lines or Parquet "
            "(which begins with PAR1)");
}

TEST(ParseVotes, RefusesMoreVotesThanItCanNumber) {
  std::string text = "left,right,winner\n";
  for (int i = 0; i < 11; ++i) {
    text += "a,b,left\n";
  }
  EXPECT_TRUE(parse_votes(text, "v", {.most_votes = 11}).has_value());
  const auto file = parse_votes(text, "v", {.most_votes = 10});
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code, Code::kInvalidArgument);
  EXPECT_EQ(file.error().message, "v: more than 10 votes; rank a part of them");
}

TEST(ParseVotes, NamesAMissingColumn) {
  const std::string text = "model_a,model_b,winner,judge\nx,y,tie,u\n";
  const std::vector<std::pair<VoteReadOptions, std::string>> cases = {
      {{.cluster = "jugde"}, "v:1: no column \"jugde\" to cluster by (did you mean \"judge\"?)"},
      {{.cluster = "prompt"},
       "v:1: no column \"prompt\" to cluster by, nor any of prompt_id, question_id, question; "
       "columns are: model_a, model_b, winner, judge"},
      {{.keep = {"langauge"}}, "v:1: no column \"langauge\"; columns are"},
      {{.style = {"lists"}},
       "v:1: no columns for the style feature \"lists\": expected lists_a and lists_b, or "
       "conv_metadata.list_count_a and conv_metadata.list_count_b, or response_a and response_b; "
       "columns are: model_a"},
      {{.style = {"emoji"}}, "v:1: no columns for the style feature \"emoji\": expected emoji_a"}};
  for (const auto& [options, message] : cases) {
    const auto file = parse_votes(text, "v", options);
    ASSERT_FALSE(file.has_value());
    EXPECT_EQ(file.error().code, Code::kInvalidArgument);
    EXPECT_TRUE(file.error().message.starts_with(message)) << file.error().message;
  }
}

TEST(ParseVotes, AnEmptyClusterStandsAlone) {
  const auto file =
      parse_votes("model_a,model_b,winner,user_id\nx,y,tie,u\nx,y,tie,\nx,y,tie,  \nx,y,tie,u\n",
                  "v", {.cluster = "user"});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.clusters().names(), (std::vector<std::string>{"u"}));
  EXPECT_EQ(file->table.row(0).cluster, 0);
  EXPECT_EQ(file->table.row(1).cluster, kNoCluster);
  EXPECT_EQ(file->table.row(2).cluster, kNoCluster);
  EXPECT_EQ(file->table.row(3).cluster, 0);
}

TEST(ParseVotes, KeepsColumnsAndMembersOfJsonCells) {
  const auto file = parse_votes(
      "model_a,model_b,winner,language,meta\n"
      "x,y,tie,English,\"{\"\"turns\"\": 1, \"\"tag\"\": {\"\"if\"\": true}}\"\n"
      "x,z,model_a,,\"{\"\"turns\"\": 2}\"\n"
      "z,y,model_b,English,{}\n",
      "v", {.cluster = "meta.turns", .keep = {"language", "meta.tag.if"}});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  ASSERT_EQ(file->kept.size(), 2U);
  EXPECT_EQ(file->kept[0].name, "language");
  EXPECT_EQ(file->kept[0].values.names(), (std::vector<std::string>{"English", ""}));
  EXPECT_EQ(file->kept[0].ids, (std::vector<int32_t>{0, 1, 0}));
  EXPECT_EQ(file->kept[1].values.names(), (std::vector<std::string>{"true", ""}));
  EXPECT_EQ(file->table.clusters().names(), (std::vector<std::string>{"1", "2"}));
  const auto broken = parse_votes("model_a,model_b,winner,meta\nx,y,tie,{'turns': 1}\n", "v",
                                  {.keep = {"meta.turns"}});
  ASSERT_FALSE(broken.has_value());
  EXPECT_EQ(broken.error().message,
            "v:2: column meta: json error at column 2: expected a key in quotes");
}

// A prompt as cluster: equal long texts are one cluster, whatever their length; their bytes are not
// kept.
TEST(ParseVotes, LongClusterValuesAreKnownByFingerprint) {
  const std::string prompt(100'000, 'p');
  const auto file = parse_votes("model_a,model_b,winner,prompt\nx,y,tie," + prompt + "1\nx,y,tie," +
                                    prompt + "2\nx,y,tie," + prompt + "1\n",
                                "v", {.cluster = "prompt"});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.clusters().size(), 2U);
  EXPECT_EQ(file->table.row(0).cluster, file->table.row(2).cluster);
  EXPECT_LT(file->table.clusters().name(0).size(), 100U);
}

TEST(ParseVotes, SkipsBadRowsAndListsThem) {
  std::string text =
      "model_a,model_b,winner\nx,y,tie\nx,new,lost\nx,y\nx,\"y\"z,tie\ny,x,model_a\n";
  for (int i = 0; i < 30; ++i) {
    text += "x,x,tie\n";
  }
  EXPECT_FALSE(parse_votes(text, "v").has_value());
  const auto file = parse_votes(text, "v", {.skip_bad = true});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  EXPECT_EQ(file->table.rows(), 2U);
  EXPECT_EQ(file->skipped, 33);
  ASSERT_EQ(file->first_skipped.size(), 20U);
  EXPECT_TRUE(file->first_skipped[0].starts_with("v:3: winner is \"lost\""));
  EXPECT_TRUE(file->first_skipped[1].starts_with("v:4: 2 fields"));
  EXPECT_TRUE(file->first_skipped[2].starts_with("v:5: text follows the closing quote"));
  EXPECT_TRUE(file->first_skipped[3].starts_with("v:7: model \"x\" stands on both sides"));
  EXPECT_EQ(file->table.models().names(), (std::vector<std::string>{"x", "y"}));  // no "new"
  const auto none = parse_votes("model_a,model_b,winner\nx,x,tie\n", "v", {.skip_bad = true});
  ASSERT_FALSE(none.has_value());
  EXPECT_TRUE(
      none.error().message.starts_with("v: no votes: its only row is bad; v:2: model \"x\""));
}

TEST(ParseVotes, SurvivesTruncationAtEveryByte) {
  const std::string text =
      "\xEF\xBB\xBFmodel_a,model_b,winner\n\"x, 1\",y,tie\ny,\"x, 1\",model_a\n";
  for (size_t size = 0; size < text.size(); ++size) {
    const auto file = parse_votes(text.substr(0, size), "v");
    if (file.has_value()) {
      EXPECT_GE(file->table.rows(), 1U);
    }
  }
}

TEST(ReadVotes, JoinsFilesAndNamesTheOneThatIsWrong) {
  const test::TemporaryFolder folder;
  const std::string first = folder.file("a.csv");
  const std::string second = folder.file("b.csv");
  std::ofstream(first) << "left,right,winner\na,b,tie\nb,c,left\n";
  std::ofstream(second) << "winner,model_b,model_a\nmodel_b,c,d\n";
  const auto both = read_votes({.paths = {first, second}});
  ASSERT_TRUE(both.has_value()) << both.error().message;
  EXPECT_EQ(both->table.models().names(), (std::vector<std::string>{"a", "b", "c", "d"}));
  EXPECT_EQ(both->table.row(2).a, 3);
  EXPECT_EQ(both->table.row(2).b, 2);
  EXPECT_EQ(both->wins_b, 1);

  EXPECT_EQ(read_votes({.paths = {first, folder.file("w.csv")}}).error().code, Code::kNotFound);
  EXPECT_EQ(read_votes({.paths = {}}).error().code, Code::kInvalidArgument);
  std::ofstream(second) << "left,right,winner\n";
  const auto empty = read_votes({.paths = {first, second}});
  ASSERT_FALSE(empty.has_value());
  EXPECT_TRUE(empty.error().message.starts_with(second + ": no votes")) << empty.error().message;
}

TEST(ReadVotes, ReadsPublishedVotes) {
  const std::string path = test::shared_data("votes/llmfao.csv");
  CUPEL_SKIP_UNLESS(path, "published votes absent: their counts were not compared");
  const auto file = read_votes({.paths = {path}, .cluster = "user", .keep = {"prompt"}});
  ASSERT_TRUE(file.has_value()) << file.error().message;
  // Counted in the rank-statistics sheet: 8,931 battles, 59 models, 124 workers, 13 prompts.
  EXPECT_EQ(file->table.rows(), 8931U);
  EXPECT_EQ(file->wins_a, 2911);
  EXPECT_EQ(file->wins_b, 2549);
  EXPECT_EQ(file->ties, 3471);
  EXPECT_EQ(file->table.model_count(), 59U);
  EXPECT_EQ(file->table.clusters().size(), 124U);
  EXPECT_EQ(file->kept[0].values.size(), 13U);
}

}  // namespace
}  // namespace cupel::rank
