// Proves: system 11
// RocketEval, §2-3: labels of one token, probabilities as scores. Expected numbers by hand.
#include <cmath>

#include <gtest/gtest.h>

#include "judge/protocol.h"

namespace cupel::judge {
namespace {

constexpr const char* kAnswer = "Four. {item} {question}";

class ChecklistProtocol : public ::testing::Test {
 protected:
  ChecklistProtocol() {
    question_.id = 1;
    question_.category = "math";
    question_.turns = {"What is two and two?"};
    benchmark_.prompts["checklist-v1"] = {.name = "checklist-v1",
                                          .type = "checklist",
                                          .system_prompt = "Answer Yes or No.",
                                          .prompt_template = "{history}|{question}|{answer}|{item}",
                                          .output_format = ""};
    benchmark_.checklists[{1, 1}] = {
        {.id = "a", .question = "Does it say four?", .program = four()},
        {.id = "b", .question = "Is it polite?", .program = {}},
        {.id = "c", .question = "Is it short?", .program = {}}};
    item_ = {.benchmark = &benchmark_,
             .question = &question_,
             .turn = 1,
             .sides = {{.model = "m", .answers = {kAnswer}}}};
  }

  static Json four() {
    Json any = Json::array();
    any.push_back("four");
    return Json::object().set("kind", "contains").set("any", std::move(any));
  }

  // The outcome when the judge's label log-probabilities are these: {Yes, No} for each item.
  [[nodiscard]] Outcome outcome_of(std::vector<LabelScores> scores) const {
    const std::vector<JudgeResponse> responses = {LabelScoreResponse{.scores = std::move(scores)}};
    const auto step = protocol().next(item_, responses);
    EXPECT_TRUE(step.has_value() && step->outcome.has_value());
    return step.has_value() && step->outcome ? *step->outcome : Outcome{};
  }

  static const Protocol& protocol() { return **find_protocol("checklist"); }

  Benchmark benchmark_;
  Question question_;
  JudgeItem item_;
};

TEST_F(ChecklistProtocol, AsksOnlyWhatNoProgramDecides) {
  const auto step = protocol().next(item_, {});
  ASSERT_TRUE(step.has_value()) << step.error().message;
  ASSERT_EQ(step->requests.size(), 1U);
  const auto& request = std::get<LabelScoreRequest>(step->requests[0].call);
  EXPECT_EQ(request.labels, (std::vector<std::string>{"Yes", "No"}));
  EXPECT_EQ(request.prompts.size(), 2U);
}

TEST_F(ChecklistProtocol, PromptsShareAllButTheItemAndAnswersStayData) {
  const auto step = protocol().next(item_, {});
  ASSERT_TRUE(step.has_value()) << step.error().message;
  const auto& prompts = std::get<LabelScoreRequest>(step->requests[0].call).prompts;
  const std::string shared =
      "(none)|What is two and two?|Four. {item} {question}|";  // the answer's braces are not filled
  EXPECT_EQ(prompts[0].back().text(), shared + "Is it polite?");
  EXPECT_EQ(prompts[1].back().text(), shared + "Is it short?");
}

TEST_F(ChecklistProtocol, TakesTheProbabilityOfYesAmongTheTwoLabels) {
  // p(Yes) = 0.3 / (0.3 + 0.1) = 0.75 and 0.1 / (0.1 + 0.3) = 0.25; the program gives 1.
  const Outcome outcome = outcome_of(
      {{.logprobs = {std::log(0.3), std::log(0.1)}}, {.logprobs = {std::log(0.1), std::log(0.3)}}});
  ASSERT_EQ(outcome.items.size(), 3U);
  EXPECT_TRUE(outcome.items[0].by_program);
  EXPECT_EQ(outcome.items[0].verdict, Verdict::kYes);
  EXPECT_NEAR(outcome.items[1].probability.value_or(-1), 0.75, 1e-12);
  EXPECT_EQ(outcome.items[1].verdict, Verdict::kYes);
  EXPECT_NEAR(outcome.items[2].probability.value_or(-1), 0.25, 1e-12);
  EXPECT_EQ(outcome.items[2].verdict, Verdict::kNo);
  ASSERT_TRUE(outcome.score().has_value());
  EXPECT_NEAR(*outcome.score(), 9 * (1 + 0.75 + 0.25) / 3 + 1, 1e-12);
}

TEST_F(ChecklistProtocol, ReportsUnsureAndUnansweredItems) {
  // Equal labels: p = 0.5. No label reported: no probability, half a point, and it says so.
  const Outcome outcome =
      outcome_of({{.logprobs = {std::log(0.2), std::log(0.2)}}, {.logprobs = {{}, {}}}});
  EXPECT_EQ(outcome.items[1].verdict, Verdict::kUnsure);
  EXPECT_EQ(outcome.items[2].verdict, Verdict::kInvalid);
  EXPECT_FALSE(outcome.items[2].probability.has_value());
  EXPECT_NEAR(outcome.score().value_or(0), 9 * (1 + 0.5 + 0.5) / 3 + 1, 1e-12);
}

TEST_F(ChecklistProtocol, CountsALabelThatIsNotReportedAsImpossible) {
  const Outcome outcome =
      outcome_of({{.logprobs = {std::log(0.2), {}}}, {.logprobs = {{}, std::log(0.2)}}});
  EXPECT_EQ(outcome.items[1].probability, 1.0);
  EXPECT_EQ(outcome.items[2].probability, 0.0);
}

TEST_F(ChecklistProtocol, ATurnWithoutChecklistIsInvalidWithItsReason) {
  benchmark_.checklists.clear();
  const auto step = protocol().next(item_, {});
  ASSERT_TRUE(step.has_value() && step->outcome.has_value());
  EXPECT_FALSE(step->outcome->valid());
  EXPECT_NE(step->outcome->invalid_reason().find("no checklist"), std::string::npos);
}

TEST_F(ChecklistProtocol, AJudgeThatAnswersNothingGivesNoScore) {
  benchmark_.checklists[{1, 1}].erase(benchmark_.checklists[{1, 1}].begin());  // the program's
  const Outcome silent = outcome_of({{.logprobs = {{}, {}}}, {.logprobs = {{}, {}}}});
  EXPECT_FALSE(silent.valid());
  EXPECT_FALSE(silent.score().has_value());
  EXPECT_EQ(silent.invalid_reason(), "the judge said neither Yes nor No to any of the 2 items");
  EXPECT_EQ(silent.items.size(), 2U);  // they are counted all the same
  // One answer is enough: the other item keeps its half.
  const Outcome one = outcome_of({{.logprobs = {std::log(0.2), {}}}, {.logprobs = {{}, {}}}});
  EXPECT_NEAR(one.score().value_or(0), 9 * (1 + 0.5) / 2 + 1, 1e-12);
}

TEST_F(ChecklistProtocol, NeedsAJudgeOnlyForItemsWithoutAProgram) {
  EXPECT_TRUE(protocol().needs_judge(benchmark_));
  benchmark_.checklists[{1, 1}].resize(1);
  EXPECT_FALSE(protocol().needs_judge(benchmark_));
}

TEST_F(ChecklistProtocol, OutcomesSurviveTheirJson) {
  const Outcome outcome =
      outcome_of({{.logprobs = {std::log(0.3), std::log(0.1)}}, {.logprobs = {{}, {}}}});
  const auto read = outcome_from_json(outcome_to_json(outcome));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(dump_json(outcome_to_json(*read)), dump_json(outcome_to_json(outcome)));
}

}  // namespace
}  // namespace cupel::judge
