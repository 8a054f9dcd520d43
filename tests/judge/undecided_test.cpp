// Proves: system 11
// What a summary says of a judge that gives no answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "core/fixed_models.h"
#include "judge/evaluation.h"
#include "judge/summary.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

using test::ScriptedScorer;
using test::TemporaryFolder;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class Undecided : public ::testing::Test {
 protected:
  // One turn whose items are these; `program` items say Yes to everything.
  static ChecklistItem asked(const std::string& id) {
    return {.id = id, .question = "Is it " + id + "?", .program = {}};
  }
  static ChecklistItem program(const std::string& id) {
    return {.id = id,
            .question = "Is it " + id + "?",
            .program = Json::object().set("kind", "words").set("min", 0)};
  }

  Result<RunSummary> evaluate(const std::vector<ChecklistItem>& items,
                              ScriptedScorer::Script script,
                              bool with_judge = true) {
    CUPEL_TRY(Benchmark benchmark, load_benchmark(test::test_data("../../benchmarks/touchstone")));
    benchmark.questions.resize(1);
    benchmark.questions[0].turns.resize(1);
    benchmark.checklists.clear();
    benchmark.checklists[{benchmark.questions[0].id, 1}] = items;
    CUPEL_TRY(RunFolder run, RunFolder::open(folder_.file("run"), benchmark, {.max_tokens = 16}));
    CUPEL_TRY(const Protocol* protocol, find_protocol("checklist"));
    NullModel model("model", "text");
    NullModel words("judge", "");
    ScriptedScorer scorer(std::move(script));
    Judge judge;
    if (with_judge) {
      judge = {.name = "judge", .model = &words, .scorer = &scorer, .fingerprint = "j", .spec = ""};
    }
    Evaluation evaluation(benchmark, run, *protocol, {{.model = &model, .spec = "m"}}, judge);
    CUPEL_TRY_VOID(evaluation.prepare());
    CUPEL_TRY_VOID(evaluation.run({}));
    return summarise(benchmark, run, judge.name, "checklist");
  }

  static std::optional<double> silent(const Conversation&, const std::string&) { return {}; }
  // Answers all but the items whose name begins with "odd".
  static std::optional<double> mostly(const Conversation& prompt, const std::string& label) {
    return prompt.back().text().find("Is it odd") != std::string::npos
               ? std::nullopt
               : std::optional(label == "Yes" ? -0.1 : -3.0);
  }

  TemporaryFolder folder_;
};

TEST_F(Undecided, AJudgeThatNeverAnswersScoresNobody) {
  const auto summary = evaluate({asked("short"), asked("true")}, &silent);
  ASSERT_FALSE(summary.has_value()) << "everyone got 5.50";
  EXPECT_THAT(summary.error().message, HasSubstr("none of the answers has a valid verdict"));
}

TEST_F(Undecided, ProgramsAloneStillScoreAndTheRestIsNamed) {
  const auto summary = evaluate({program("any"), asked("true")}, &silent);
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_EQ(summary->models[0].score.mean, 9 * (1 + 0.5) / 2 + 1);
  EXPECT_EQ(summary->models[0].judge.undecided(), 1);
  EXPECT_FALSE(summary->models[0].judge.score.has_value());
  EXPECT_TRUE(any_undecided(*summary));
  EXPECT_THAT(summary->warnings,
              Contains(HasSubstr("decided neither Yes nor No on 1 of 1 items (100%)")));
  const Json row = summary_to_json(*summary).find("leaderboard")->as_array()[0];
  EXPECT_EQ(row.find("undecided")->as_int(), 1);
}

TEST_F(Undecided, WarnsFromATenthOn) {
  std::vector<ChecklistItem> items = {asked("odd one")};
  for (int i = 0; i < 9; ++i) {
    items.push_back(asked("even" + std::to_string(i)));
  }
  const auto tenth = evaluate(items, &mostly);
  ASSERT_TRUE(tenth.has_value()) << tenth.error().message;
  EXPECT_THAT(tenth->warnings, Contains(HasSubstr("1 of 10 items (10%)")));
}

TEST_F(Undecided, CountsButDoesNotWarnBelow) {
  std::vector<ChecklistItem> items = {asked("odd one")};
  for (int i = 0; i < 10; ++i) {
    items.push_back(asked("even" + std::to_string(i)));
  }
  const auto eleventh = evaluate(items, &mostly);
  ASSERT_TRUE(eleventh.has_value()) << eleventh.error().message;
  EXPECT_THAT(eleventh->warnings, Not(Contains(HasSubstr("neither Yes nor No"))));
  EXPECT_TRUE(any_undecided(*eleventh));
}

TEST_F(Undecided, ProgramsNeedNoJudge) {
  const auto summary = evaluate({program("any")}, &silent, false);
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_EQ(summary->judge, "programs");
  EXPECT_EQ(summary->models[0].score.mean, 10);
}

TEST_F(Undecided, ItemsWithoutAProgramDo) {
  const auto summary = evaluate({program("any"), asked("true")}, &silent, false);
  ASSERT_FALSE(summary.has_value());
  EXPECT_EQ(summary.error().code, Code::kInvalidArgument);
  EXPECT_THAT(summary.error().message, HasSubstr("name one with --judge"));
}

}  // namespace
}  // namespace cupel::judge
