// Proves: system 4
// A constant answer as a control: in the leaderboard, marked, and named when it is not beaten.
#include <algorithm>

#include <gtest/gtest.h>

#include "core/fixed_models.h"
#include "judge/evaluation.h"
#include "judge/summary.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

using test::ScriptedScorer;
using test::TemporaryFolder;

std::string touchstone() {
  return test::test_data("../../benchmarks/touchstone");
}

// References and a null model on Touchstone, judged by programs and by `scorer`.
Result<RunSummary> evaluate(ChatModel& model, ScriptedScorer& scorer, const std::string& out) {
  CUPEL_TRY(const Benchmark benchmark, load_benchmark(touchstone()));
  CUPEL_TRY(const Protocol* protocol, find_protocol("checklist"));
  CUPEL_TRY(RunFolder run,
            RunFolder::open(out, benchmark, {.seed = 1, .max_tokens = benchmark.max_tokens}));
  NullModel null("null", "I am happy to help.");
  Judge judge{.name = "judge", .scorer = &scorer, .fingerprint = "scripted", .spec = "scripted"};
  NullModel words("judge", "");
  judge.model = &words;
  Evaluation evaluation(
      benchmark, run, *protocol,
      {{.model = &model, .spec = "model"}, {.model = &null, .spec = "null:…", .is_control = true}},
      judge);
  CUPEL_TRY_VOID(evaluation.prepare());
  CUPEL_TRY_VOID(evaluation.run({}));
  return summarise(benchmark, run, "judge", "checklist");
}

Result<std::unique_ptr<RecordedModel>> references() {
  return RecordedModel::open("references", touchstone() + "/reference_answer/touchstone.jsonl");
}

bool warns(const RunSummary& summary, const std::string& text) {
  return std::any_of(summary.warnings.begin(), summary.warnings.end(),
                     [&](const std::string& w) { return w.find(text) != std::string::npos; });
}

// Says Yes and No with equal probability to everything: it cannot tell answers apart.
std::optional<double> undecided(const Conversation&, const std::string&) {
  return -1.0;
}

TEST(NullControl, StandsBelowGoodAnswersAndIsMarked) {
  const TemporaryFolder folder;
  const auto model = references();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  ScriptedScorer scorer(undecided);
  const auto summary = evaluate(**model, scorer, folder.file("run"));
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  ASSERT_EQ(summary->models.size(), 2U);
  EXPECT_EQ(summary->models[0].name, "references");
  EXPECT_TRUE(summary->models[1].is_control);
  EXPECT_EQ(summary->models[1].score.rank, 2);
  ASSERT_EQ(summary->differences.size(), 1U);
  ASSERT_TRUE(summary->differences[0].paired.interval.has_value());
  EXPECT_GT(summary->differences[0].paired.interval->low, 0);
  const Json json = summary_to_json(*summary);
  EXPECT_TRUE(json.find("leaderboard")->as_array()[1].find("control")->as_bool());
}

TEST(NullControl, NamesAJudgeThatCannotTellItApart) {
  const TemporaryFolder folder;
  const auto model = references();
  ASSERT_TRUE(model.has_value()) << model.error().message;
  ScriptedScorer scorer(undecided);
  const auto summary = evaluate(**model, scorer, folder.file("run"));
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_TRUE(warns(*summary, "The judge alone is too weak here"));
  EXPECT_FALSE(warns(*summary, "does not beat the null model"));
}

TEST(NullControl, NamesAModelThatDoesNotBeatIt) {
  const TemporaryFolder folder;
  NullModel silent("silent", "");
  ScriptedScorer scorer(undecided);
  const auto summary = evaluate(silent, scorer, folder.file("run"));
  ASSERT_TRUE(summary.has_value()) << summary.error().message;
  EXPECT_TRUE(warns(*summary, "silent does not beat the null model null"));
}

}  // namespace
}  // namespace cupel::judge
