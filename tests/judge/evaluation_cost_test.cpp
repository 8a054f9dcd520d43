// What an evaluation costs: through meter and call cache, across processes, as the rows tell it.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "judge/evaluation.h"
#include "judge/run_costs.h"
#include "judge/summary.h"
#include "store/cached_models.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

using test::ScriptedChatModel;
using test::ScriptedScorer;
using test::TemporaryFolder;
using ::testing::HasSubstr;

// Two questions of two turns each: four answers, and four verdicts of one judge item each or none.
constexpr int64_t kQuestions = 2;
constexpr int64_t kRows = 4;

Result<Benchmark> touchstone() {
  return load_benchmark(test::test_data("../../benchmarks/touchstone"));
}

// 1,000 prompt and 500 completion tokens an answer: at 2/4 a million, 0.002 + 0.002 = 0.004.
constexpr double kAnswerCost = 0.004;
const std::map<std::string, store::Price> kPrices = {{"paid", {.prompt = 2, .completion = 4}}};

ScriptedChatModel::Script answering(const std::string& text) {
  return [text](const ChatRequest&) -> Result<ChatResponse> {
    ChatResponse response;
    response.text = text;
    response.usage = {.prompt_tokens = 1000, .completion_tokens = 500};
    response.timings = {.prefill_s = 0.5, .decode_s = 1.5};
    return response;
  };
}

// A contender that says who it is; equal fingerprints are the same model under two names.
class NamedModel : public ScriptedChatModel {
 public:
  NamedModel(std::string name, std::string fingerprint, Script script)
      : ScriptedChatModel(std::move(script), std::move(name)),
        fingerprint_(std::move(fingerprint)) {}
  [[nodiscard]] std::string fingerprint() const override { return fingerprint_; }
  [[nodiscard]] Capabilities capabilities() const override {
    Capabilities can = ScriptedChatModel::capabilities();
    can.resource = kLocalCompute;
    return can;
  }

 private:
  std::string fingerprint_;
};

// One process of `cupel eval`: opens the run, chains every model, evaluates.
class Process {
 public:
  Process(std::string folder, std::map<std::string, store::Price> prices)
      : folder_(std::move(folder)), prices_(std::move(prices)) {}

  std::optional<double> max_cost;
  std::string protocol = "checklist";

  Result<Ok> evaluate(std::vector<ScriptedChatModel*> models,
                      ScriptedChatModel& judge_model,
                      ScriptedScorer& judge_scorer) {
    CUPEL_TRY(const Benchmark benchmark, touchstone());
    CUPEL_TRY(const Protocol* method, find_protocol(protocol));
    CUPEL_TRY(RunFolder run, RunFolder::open(folder_, benchmark,
                                             {.seed = 1, .limit = kQuestions, .max_tokens = 500}));
    store::CostLedger ledger(prices_, max_cost);
    CUPEL_TRY_VOID(add_earlier_costs(benchmark, run, ledger));
    spent_before = ledger.total_cost();
    CUPEL_TRY(const auto calls, store::CallCache::open(run.call_cache_path()));
    std::vector<std::unique_ptr<store::MeteredChatModel>> meters;
    std::vector<std::unique_ptr<store::CachedChatModel>> cached;
    const auto chain = [&](ScriptedChatModel& model) {
      meters.push_back(std::make_unique<store::MeteredChatModel>(model, ledger));
      cached.push_back(std::make_unique<store::CachedChatModel>(*meters.back(), calls, &ledger));
      return cached.back().get();
    };
    std::vector<Contender> contenders;
    for (ScriptedChatModel* model : models) {
      contenders.push_back({.model = chain(*model), .spec = "spec of " + model->name()});
    }
    store::MeteredScorer metered(judge_scorer, {"judge", judge_model.fingerprint()}, ledger);
    store::CachedScorer scorer(metered, {"judge", judge_model.fingerprint()}, calls, &ledger);
    Judge judge{.name = "judge",
                .model = chain(judge_model),
                .scorer = &scorer,
                .fingerprint = judge_model.fingerprint(),
                .spec = "judge"};
    Evaluation evaluation(benchmark, run, *method, contenders, judge);
    CUPEL_TRY_VOID(evaluation.prepare());
    CUPEL_TRY_VOID(run.set_prices(prices_));
    CUPEL_TRY(estimate, evaluation.estimate());
    auto done = evaluation.run({});
    spent = ledger.total_cost();
    return done;
  }

  // What `cupel report` reads: no model is open any more.
  [[nodiscard]] Result<RunSummary> report() const {
    Benchmark benchmark;
    CUPEL_TRY(const RunFolder run, RunFolder::open_existing(folder_, benchmark));
    return summarise(benchmark, run, "judge", protocol);
  }

  Estimate estimate;
  double spent_before = 0;
  double spent = 0;

 private:
  std::string folder_;
  std::map<std::string, store::Price> prices_;
};

const ModelSummary& model_of(const RunSummary& summary, const std::string& name) {
  const auto found = std::find_if(summary.models.begin(), summary.models.end(),
                                  [&](const ModelSummary& m) { return m.name == name; });
  EXPECT_NE(found, summary.models.end()) << name;
  return *found;
}

class EvaluationCostTest : public ::testing::Test {
 protected:
  TemporaryFolder folder_;
  std::string run_ = folder_.file("run");
  NamedModel paid_{"paid", "weights", answering("fine")};
  NamedModel twin_{"twin", "weights", answering("fine")};
  NamedModel other_{"other", "other weights", answering("good")};
  NamedModel judge_{"judge", "judge weights", answering("Rating: [[7]]")};
  ScriptedScorer scorer_{[](const Conversation&, const std::string& label) {
    return std::optional(label == "Yes" ? -0.5 : -1.0);
  }};

  // Cuts rows off the end of the journal: what a process leaves that is killed before it wrote
  // them.
  void drop_rows(int64_t rows) const {
    std::string text = *read_file(run_ + "/results.jsonl");
    for (int64_t i = 0; i < rows; ++i) {
      text.erase(text.rfind('\n', text.size() - 2) + 1);
    }
    ASSERT_TRUE(write_file_atomic(run_ + "/results.jsonl", text));
  }
};

TEST_F(EvaluationCostTest, CountsModelsAndJudgeApart) {
  Process process(run_, {{"paid", {2, 4}}, {"judge", {1, 10}}});
  process.protocol = "single";
  ASSERT_TRUE(process.evaluate({&paid_, &other_}, judge_, scorer_));
  const auto summary = process.report();
  ASSERT_TRUE(summary) << summary.error().message;
  const ModelUsage& paid = model_of(*summary, "paid").usage;
  EXPECT_EQ(paid.calls, kRows);
  EXPECT_EQ(paid.cached_calls, 0);
  EXPECT_EQ(paid.prompt_tokens, 1000 * kRows);
  EXPECT_EQ(paid.completion_tokens, 500 * kRows);
  EXPECT_DOUBLE_EQ(paid.cost.value_or(-1), kRows * kAnswerCost);
  EXPECT_FALSE(model_of(*summary, "other").usage.cost.has_value());
  EXPECT_EQ(summary->judge_usage.calls, 2 * kRows);
  // 1,000 at 1 and 500 at 10 a million: 0.006.
  EXPECT_DOUBLE_EQ(summary->judge_usage.cost.value_or(-1), 2 * kRows * 0.006);
  EXPECT_DOUBLE_EQ(summary->total_cost.value_or(-1), kRows * kAnswerCost + 2 * kRows * 0.006);
  EXPECT_DOUBLE_EQ(process.spent, *summary->total_cost);
  const Json json = summary_to_json(*summary);
  EXPECT_EQ(json.find("judge_usage")->find("tokens")->as_int(), 500 * 2 * kRows);
  EXPECT_EQ(json.find("prices")->find("judge")->find("completion")->as_double(), 10);
  for (const Json& row : json.find("leaderboard")->as_array()) {
    EXPECT_EQ(row.find("cost")->is_null(), row.find("model")->as_string() == "other");
  }
}

TEST_F(EvaluationCostTest, AsksNothingAgainThatWasAnsweredBeforeAKill) {
  Process first(run_, kPrices);
  ASSERT_TRUE(first.evaluate({&paid_, &other_}, judge_, scorer_));
  const auto undisturbed = first.report();
  const int64_t calls = paid_.calls() + other_.calls();
  const int64_t judge_calls = scorer_.calls();
  drop_rows(14);  // of 16: verdicts and answers of both
  Process second(run_, kPrices);
  ASSERT_TRUE(second.evaluate({&paid_, &other_}, judge_, scorer_));
  EXPECT_EQ(paid_.calls() + other_.calls(), calls);
  EXPECT_EQ(scorer_.calls(), judge_calls);
  EXPECT_LT(second.spent_before, second.spent);  // calls without a row were paid for all the same
  EXPECT_DOUBLE_EQ(second.spent, kRows * kAnswerCost);
  const auto resumed = second.report();
  ASSERT_TRUE(undisturbed && resumed);
  for (const char* name : {"paid", "other"}) {
    EXPECT_EQ(model_of(*resumed, name).usage.calls, kRows);
    EXPECT_EQ(model_of(*resumed, name).usage.cached_calls, 0);
    EXPECT_EQ(model_of(*resumed, name).usage.cost, model_of(*undisturbed, name).usage.cost);
  }
  EXPECT_GE(model_of(*resumed, "paid").usage.seconds, 2);  // as when it was made: 2 s a call
}

TEST_F(EvaluationCostTest, ModelsThatAreTheSamePayOnce) {
  Process process(run_, {{"paid", {2, 4}}, {"twin", {2, 4}}});
  ASSERT_TRUE(process.evaluate({&paid_, &twin_}, judge_, scorer_));
  EXPECT_EQ(paid_.calls() + twin_.calls(), kRows);
  const auto summary = process.report();
  ASSERT_TRUE(summary) << summary.error().message;
  const ModelUsage& twin = model_of(*summary, "twin").usage;
  EXPECT_EQ(model_of(*summary, "paid").usage.calls, kRows);
  EXPECT_EQ(twin.calls, 0);
  EXPECT_EQ(twin.cached_calls, kRows);
  EXPECT_EQ(twin.completion_tokens, 0);
  EXPECT_EQ(twin.seconds, 0);
  EXPECT_EQ(twin.cost, 0.0);
  EXPECT_EQ(summary->judge_usage.calls, scorer_.calls());
  EXPECT_EQ(summary->judge_usage.cached_calls, summary->judge_usage.calls);
  EXPECT_DOUBLE_EQ(summary->total_cost.value_or(-1), kRows * kAnswerCost);
}

TEST_F(EvaluationCostTest, StopsWhenTheBudgetIsSpentAndGoesOnWithALargerOne) {
  Process first(run_, kPrices);
  first.max_cost = 2 * kAnswerCost;
  const auto stopped = first.evaluate({&paid_}, judge_, scorer_);
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::kExhausted);
  EXPECT_THAT(stopped.error().message, HasSubstr("the budget is spent"));
  EXPECT_EQ(paid_.calls(), 2);
  EXPECT_DOUBLE_EQ(first.spent, 2 * kAnswerCost);

  Process again(run_, kPrices);  // the same command: what was spent counts, and nothing is asked
  again.max_cost = 2 * kAnswerCost;
  EXPECT_FALSE(again.evaluate({&paid_}, judge_, scorer_));
  EXPECT_DOUBLE_EQ(again.spent_before, 2 * kAnswerCost);
  EXPECT_EQ(paid_.calls(), 2);

  Process larger(run_, kPrices);
  larger.max_cost = kRows * kAnswerCost + 1e-9;
  ASSERT_TRUE(larger.evaluate({&paid_}, judge_, scorer_));
  EXPECT_EQ(paid_.calls(), kRows);
  EXPECT_DOUBLE_EQ(larger.report()->total_cost.value_or(-1), kRows * kAnswerCost);
}

TEST_F(EvaluationCostTest, ReportsWhatThereIsWhenNoModelIsComplete) {
  Process process(run_, {{"judge", {1e6, 0}}});  // one judge item costs 1
  process.max_cost = 1.5;
  ASSERT_FALSE(process.evaluate({&paid_}, judge_, scorer_));
  const auto summary = process.report();
  ASSERT_TRUE(summary) << summary.error().message;
  ASSERT_EQ(summary->models.size(), 1U);
  EXPECT_THAT(summary->incomplete, ::testing::ElementsAre("paid"));
  EXPECT_THAT(summary->warnings.at(0), HasSubstr("The run is not complete: paid has "));
  EXPECT_FALSE(summary->models[0].rating.has_value());
  EXPECT_GE(summary->judge_usage.cost.value_or(0), 1.5);
}

TEST_F(EvaluationCostTest, EstimatesAtLeastWhatItThenCosts) {
  Process process(run_, {{"paid", {2, 4}}, {"judge", {1, 10}}});
  process.protocol = "single";
  ASSERT_TRUE(process.evaluate({&paid_}, judge_, scorer_));
  EXPECT_EQ(process.estimate.answers.to_do(), kRows);
  EXPECT_EQ(process.estimate.verdicts.to_do(), kRows);
  EXPECT_EQ(process.estimate.answer_usage.completion_tokens, 500 * kRows);
  // FastChat's judge writes up to 2,048 tokens.
  EXPECT_EQ(process.estimate.judge_usage.completion_tokens, 2048 * kRows);
  const Usage& answers = process.estimate.answer_usage;
  const Usage& verdicts = process.estimate.judge_usage;
  EXPECT_DOUBLE_EQ(process.estimate.max_cost.value_or(-1),
                   (2.0 * static_cast<double>(answers.prompt_tokens) + 4.0 * 500 * kRows +
                    1.0 * static_cast<double>(verdicts.prompt_tokens) + 10.0 * 2048 * kRows) /
                       1e6);
  // Each second turn holds one answer of 500 tokens, its verdict two, each first one's verdict one.
  EXPECT_GE(answers.prompt_tokens, 2 * 500);
  EXPECT_GE(verdicts.prompt_tokens, 2 * 500 + 2 * 1000);

  Process again(run_, kPrices);
  again.protocol = "single";
  ASSERT_TRUE(again.evaluate({&paid_}, judge_, scorer_));
  EXPECT_EQ(again.estimate.answers.done, kRows);
  EXPECT_EQ(again.estimate.verdicts.to_do(), 0);
  EXPECT_EQ(again.estimate.max_cost, 0.0);
  EXPECT_EQ(Process(run_, {}).estimate.max_cost, std::nullopt);
}

TEST_F(EvaluationCostTest, KnowsRowsOfModelsThatAreNotAskedAgain) {
  Process first(run_, kPrices);
  ASSERT_TRUE(first.evaluate({&paid_}, judge_, scorer_));
  Process second(run_, {});  // another model, without prices: those of the run stay
  ASSERT_TRUE(second.evaluate({&other_}, judge_, scorer_));
  EXPECT_EQ(second.estimate.answers.total, 2 * kRows);
  EXPECT_EQ(second.estimate.answers.done, kRows);
  const auto summary = second.report();
  ASSERT_TRUE(summary) << summary.error().message;
  EXPECT_DOUBLE_EQ(model_of(*summary, "paid").usage.cost.value_or(-1), kRows * kAnswerCost);
  EXPECT_DOUBLE_EQ(summary->total_cost.value_or(-1), kRows * kAnswerCost);
}

TEST_F(EvaluationCostTest, NamesARowThatDoesNotSayWhatItTook) {
  Process process(run_, kPrices);
  ASSERT_TRUE(process.evaluate({&paid_}, judge_, scorer_));
  std::string text = *read_file(run_ + "/results.jsonl");
  text.replace(text.find("\"calls\""), 7, "\"calss\"");
  ASSERT_TRUE(write_file_atomic(run_ + "/results.jsonl", text));
  const auto summary = process.report();
  ASSERT_FALSE(summary);
  EXPECT_EQ(summary.error().code, Code::kCorruptData);
  EXPECT_THAT(summary.error().message, HasSubstr("results.jsonl: answer/paid/"));
  EXPECT_THAT(summary.error().message, HasSubstr("\"calls\""));
}

}  // namespace
}  // namespace cupel::judge
