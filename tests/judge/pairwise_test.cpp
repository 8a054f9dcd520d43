// Proves: system 1
// MT-Bench pairwise comparison (Zheng et al. 2023): FastChat's verdict rules, the conservative rule
// over both orders, games against all or against a baseline. Expected values by hand.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "core/fixed_models.h"
#include "judge/evaluation.h"
#include "judge/summary.h"
#include "judge/verdict_parser.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

using test::ScriptedChatModel;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(VerdictParser, ReadsRatingsAsFastChat) {
  EXPECT_EQ(parse_rating("Rating: [[7]]"), 7);
  EXPECT_EQ(parse_rating("[[8.5]] or rather [[3]]"), 8.5);
  EXPECT_EQ(parse_rating("[9]"), 9);
  EXPECT_EQ(parse_rating("no rating"), std::nullopt);
}

TEST(VerdictParser, ReadsPreferencesAsFastChat) {
  EXPECT_EQ(parse_preference("My verdict: [[A]]"), Preferred::kFirst);
  EXPECT_EQ(parse_preference("[[B]]"), Preferred::kSecond);
  EXPECT_EQ(parse_preference("[[B]] no, [[A]]"), Preferred::kFirst);  // A wherever it stands
  EXPECT_EQ(parse_preference("[[C]]"), Preferred::kTie);
  EXPECT_EQ(parse_preference("[[a]]"), std::nullopt);
  EXPECT_EQ(parse_preference(""), std::nullopt);
  EXPECT_EQ(parse_score_pair("[[7,6.95]]"), Preferred::kTie);
  EXPECT_EQ(parse_score_pair("[[7, 6.8]]"), Preferred::kFirst);
  EXPECT_EQ(parse_score_pair("scores [6, 8]"), Preferred::kSecond);
  EXPECT_EQ(parse_score_pair("[[7,  6]]"), std::nullopt);  // two blanks
  EXPECT_EQ(parse_score_pair("[[7]]"), std::nullopt);
}

const Protocol& pairwise() {
  return **find_protocol("pairwise");
}

class Pairwise : public ::testing::Test {
 protected:
  Pairwise() { question_.turns = {"What is two and two?"}; }

  [[nodiscard]] JudgedItem judged(const std::string& a, const std::string& b, Outcome outcome) {
    return {.item = {.benchmark = &benchmark_,
                     .question = &question_,
                     .turn = 1,
                     .sides = {{.model = a, .answers = {}}, {.model = b, .answers = {}}}},
            .outcome = std::move(outcome)};
  }
  static Outcome says(double first) {
    Outcome outcome;
    outcome.judged = Preference{first};
    return outcome;
  }

  // Share of the point of model_1 from the verdicts on both orders; nothing: the game is dropped.
  [[nodiscard]] std::optional<double> game(const Outcome& g1, const Outcome& g2) {
    const std::vector<JudgedItem> both = {judged("m1", "m2", g1), judged("m2", "m1", g2)};
    const auto standings = pairwise().aggregate(both);
    EXPECT_TRUE(standings.has_value());
    const auto& cell = standings->scores.cells("m1").begin()->second;
    EXPECT_EQ(standings->comparisons.rows(), cell.missing ? 0U : 1U);
    return cell.missing ? std::nullopt : std::optional(cell.score);
  }

  Benchmark benchmark_;
  Question question_;
};

TEST_F(Pairwise, WinsOnlyByBothOrders) {
  const double a = 1;
  const double b = 0;
  const double tie = 0.5;
  EXPECT_EQ(game(says(a), says(b)), 1.0);
  EXPECT_EQ(game(says(b), says(a)), 0.0);
  EXPECT_EQ(game(says(a), says(a)), 0.5);
  EXPECT_EQ(game(says(tie), says(a)), 0.5);
  EXPECT_EQ(game(says(tie), says(tie)), 0.5);
  EXPECT_EQ(game(invalid_outcome("none"), says(a)), std::nullopt);
}

TEST_F(Pairwise, CountsATieAsHalf) {
  // Four games {win, win, tie, loss}: (2 + 0.5) / 4 = 0.625 for one, 0.375 for the other.
  std::vector<Question> questions(4, question_);
  std::vector<JudgedItem> all;
  const std::vector<std::pair<double, double>> verdicts = {{1, 0}, {1, 0}, {1, 1}, {0, 1}};
  for (size_t i = 0; i < questions.size(); ++i) {
    questions[i].id = static_cast<int64_t>(i);
    all.push_back(judged("m1", "m2", says(verdicts[i].first)));
    all.push_back(judged("m2", "m1", says(verdicts[i].second)));
    all[2 * i].item.question = all[2 * i + 1].item.question = &questions[i];
  }
  const auto standings = pairwise().aggregate(all);
  ASSERT_TRUE(standings.has_value());
  const auto rows = rank::score_leaderboard(standings->scores);
  ASSERT_TRUE(rows.has_value());
  EXPECT_DOUBLE_EQ(rows->at(0).mean, 0.625);
  EXPECT_DOUBLE_EQ(rows->at(1).mean, 0.375);
  EXPECT_THAT(standings->notes,
              ElementsAre(HasSubstr("in 1 of 4 games when the answers change places (25%)")));
}

TEST_F(Pairwise, AnOrderThatIsMissingLeavesItsGameOut) {
  const std::vector<JudgedItem> half = {judged("m1", "m2", says(1))};
  const auto standings = pairwise().aggregate(half);
  ASSERT_TRUE(standings.has_value());
  EXPECT_TRUE(standings->scores.empty());
  EXPECT_EQ(standings->comparisons.rows(), 0U);
}

TEST_F(Pairwise, EnumeratesBothOrdersOfEachPair) {
  const auto keys = [&](std::vector<std::string> models, std::string baseline) {
    std::vector<std::string> list;
    for (const JudgeItem& item : pairwise().items({.benchmark = &benchmark_,
                                 .questions = {&question_},
                                 .models = std::move(models),
                                 .baseline = std::move(baseline)})) {
      list.push_back(verdict_key("j", "pairwise", item));
    }
    return list;
  };
  EXPECT_THAT(keys({"b", "a"}, ""),
              ElementsAre("verdict/j/pairwise/a/b/0/1", "verdict/j/pairwise/b/a/0/1"));
  EXPECT_EQ(keys({"c", "b", "a"}, "").size(), 6U);
  EXPECT_THAT(keys({"a", "b", "c"}, "b"),
              ElementsAre("verdict/j/pairwise/a/b/0/1", "verdict/j/pairwise/b/a/0/1",
                          "verdict/j/pairwise/c/b/0/1", "verdict/j/pairwise/b/c/0/1"));
  EXPECT_TRUE(keys({"a"}, "").empty());
  EXPECT_TRUE(keys({"a", "c"}, "b").empty());
}

TEST_F(Pairwise, PreferencesAndRankingsSurviveTheirJson) {
  Outcome ranking;
  ranking.judged = Ranking{{2, 1, 2}};
  for (const Outcome& outcome : {says(1), says(0), says(0.5), invalid_outcome("why"), ranking}) {
    const auto read = outcome_from_json(outcome_to_json(outcome));
    ASSERT_TRUE(read.has_value()) << read.error().message;
    EXPECT_EQ(read->judged.index(), outcome.judged.index());
    EXPECT_EQ(dump_json(outcome_to_json(*read)), dump_json(outcome_to_json(outcome)));
  }
}

// Two questions of Touchstone, answered by constants, compared by a judge with a script.
class PairwiseRun : public ::testing::Test {
 protected:
  PairwiseRun()
      : judge_(
            [this](const ChatRequest& request) -> Result<ChatResponse> {
              const std::string text = request.messages.back().text();
              ChatResponse response;
              response.text = verdict_(text);
              return response;
            },
            "judge") {}

  // Prefers what holds "gold", then what comes first.
  static std::string golden(const std::string& prompt) {
    const size_t gold = prompt.find("gold");
    const size_t lead = prompt.find("lead");
    return gold == std::string::npos || lead == std::string::npos ? "Equal. [[C]]"
           : gold < lead                                          ? "First. [[A]]"
                                                                  : "Second. [[B]]";
  }

  Result<RunSummary> evaluate(std::vector<ChatModel*> models, const std::string& baseline) {
    CUPEL_TRY(const Benchmark benchmark,
              load_benchmark(test::test_data("../../benchmarks/touchstone")));
    CUPEL_TRY(RunFolder run, RunFolder::open(path_, benchmark, {.limit = 2, .max_tokens = 16}));
    std::vector<Contender> contenders;
    for (ChatModel* model : models) {
      contenders.push_back({.model = model, .spec = model->name()});
    }
    const Judge judge{.name = "judge", .model = &judge_, .fingerprint = "j", .spec = "judge"};
    Evaluation evaluation(benchmark, run, pairwise(), contenders, judge, baseline);
    CUPEL_TRY_VOID(evaluation.prepare());
    CUPEL_TRY(estimate_, evaluation.estimate());
    CUPEL_TRY_VOID(evaluation.run({}));
    CUPEL_TRY(RunSummary summary, summarise(benchmark, run, "judge", "pairwise"));
    CUPEL_TRY_VOID(export_fastchat(benchmark, run, summary));
    return summary;
  }

  static double score_of(const RunSummary& summary, const std::string& name) {
    const auto found = std::find_if(summary.models.begin(), summary.models.end(),
                                    [&](const ModelSummary& m) { return m.name == name; });
    return found == summary.models.end() ? -1 : found->score.mean;
  }

  [[nodiscard]] std::vector<Json> records() const {
    std::vector<Json> rows;
    EXPECT_TRUE(for_each_jsonl_file(path_ + "/model_judgment/judge_pair.jsonl",
                                    [&](Json&& row, size_t) -> Result<Ok> {
                                      rows.push_back(std::move(row));
                                      return Ok{};
                                    }));
    return rows;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.file("run");
  std::function<std::string(const std::string&)> verdict_ = &golden;
  ScriptedChatModel judge_;
  Estimate estimate_;
  NullModel a_{"a", "gold"};
  NullModel b_{"b", "lead"};
  NullModel c_{"c", "lead"};
};

TEST_F(PairwiseRun, ComparesEachWithEachAndRates) {
  const auto summary = evaluate({&a_, &b_, &c_}, "");
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  // 3 pairs, 4 turns, 2 orders. a beats b and c; b and c tie.
  EXPECT_EQ(judge_.calls(), 24);
  EXPECT_EQ(estimate_.verdicts.total, 24);
  EXPECT_EQ(score_of(*summary, "a"), 1);
  EXPECT_EQ(score_of(*summary, "b"), 0.25);
  EXPECT_EQ(score_of(*summary, "c"), 0.25);
  EXPECT_EQ(summary->models[0].name, "a");
  ASSERT_TRUE(summary->models[0].rating && summary->models[1].rating);
  EXPECT_GT(*summary->models[0].rating, *summary->models[1].rating + 100);
  EXPECT_NEAR(*summary->models[1].rating, *summary->models[2].rating, 1e-6);
  const Json json = summary_to_json(*summary);
  EXPECT_EQ(json.find("scale")->find("high")->as_double(), 1);
  EXPECT_EQ(json.find("leaderboard")->as_array()[0].find("invalid")->as_int(), 0);
}

TEST_F(PairwiseRun, WritesFastChatsPairRecords) {
  ASSERT_TRUE(evaluate({&a_, &b_}, "a").has_value());
  const std::vector<Json> rows = records();
  ASSERT_EQ(rows.size(), 4U);
  for (const Json& row : rows) {
    // b is model_1 against the baseline; in game 2 it sits in slot B.
    EXPECT_EQ(row.find("model_1")->as_string(), "b");
    EXPECT_EQ(row.find("model_2")->as_string(), "a");
    EXPECT_EQ(row.find("g1_winner")->as_string(), "model_2");
    EXPECT_EQ(row.find("g1_judgment")->as_string(), "Second. [[B]]");
    EXPECT_EQ(row.find("g2_winner")->as_string(), "model_2");
    EXPECT_EQ(row.find("g2_judgment")->as_string(), "First. [[A]]");
    const bool second = row.find("turn")->as_int() == 2;
    EXPECT_EQ(row.find("judge")->as_array()[1].as_string(),
              second ? "pair-v2-multi-turn" : "pair-v2");
  }
}

TEST_F(PairwiseRun, GrowsFromABaselineToAllPairsWithoutAskingAgain) {
  const auto against = evaluate({&a_, &b_, &c_}, "a");
  ASSERT_TRUE(against.has_value()) << against.error().message;
  EXPECT_EQ(judge_.calls(), 16);
  EXPECT_EQ(against->baseline, "a");
  EXPECT_EQ(score_of(*against, "b"), 0);
  const auto all = evaluate({&a_, &b_, &c_}, "");
  ASSERT_TRUE(all.has_value()) << all.error().message;
  EXPECT_EQ(judge_.calls(), 24);
  EXPECT_EQ(score_of(*all, "b"), 0.25);
}

TEST_F(PairwiseRun, AJudgeThatTakesWhatComesFirstOnlyTies) {
  verdict_ = [](const std::string&) { return "[[A]]"; };
  const auto summary = evaluate({&a_, &b_}, "");
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_EQ(score_of(*summary, "a"), 0.5);
  EXPECT_THAT(summary->warnings, ::testing::Contains(HasSubstr("in 4 of 4 games")));
}

TEST_F(PairwiseRun, GamesWithoutAVerdictAreCountedAndDropped) {
  verdict_ = [](const std::string& prompt) {
    return prompt.find("lead") < prompt.find("gold") ? "[[B]]" : "I like both.";
  };
  const auto summary = evaluate({&a_, &b_}, "");
  ASSERT_FALSE(summary.has_value());
  EXPECT_THAT(summary.error().message, HasSubstr("none of the comparisons has a valid verdict"));
}

TEST_F(PairwiseRun, RefusesWhatItCannotCompare) {
  const auto alone = evaluate({&a_}, "");
  ASSERT_FALSE(alone.has_value());
  EXPECT_THAT(alone.error().message, HasSubstr("give at least 2 with --model"));
  const auto unknown = evaluate({&a_, &b_}, "aa");
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Code::kInvalidArgument);
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean \"a\""));
}

}  // namespace
}  // namespace cupel::judge
