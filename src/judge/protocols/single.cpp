// MT-Bench single-answer grading: Zheng et al. 2023, "Judging LLM-as-a-Judge", §3.1 and appendix A.
#include "base/error.h"
#include "judge/fastchat_judge.h"
#include "judge/protocol.h"
#include "judge/verdict_parser.h"

namespace cupel::judge::protocol {
namespace {

constexpr TurnPrompts kPrompts = {.plain = "single-v1", .with_reference = "single-math-v1"};
constexpr std::string_view kRating = R"([1-9](?:\.[0-9])?|10)";

Result<Ok> check(const Benchmark& benchmark) {
  return check_turn_prompts(benchmark, kPrompts);
}

Result<std::string> user_prompt(const JudgeItem& item, const JudgePrompt& prompt) {
  const Side& side = item.sides.front();
  PromptFields fields = turn_fields(item);
  fields.insert(fields.end(), {{"answer", answer_to(side, 1)},
                               {"answer_1", answer_to(side, 1)},
                               {"answer_2", answer_to(side, 2)}});
  return fill_prompt(prompt, fields);
}

Outcome read_verdict(const ChatResponse& response) {
  Outcome outcome;
  outcome.judgment = response.text;
  const auto score = parse_rating(response.text);
  if (!score) {
    outcome.judged = Invalid{response.finish_reason == FinishReason::kLength
                                 ? "the judge's answer was cut before a rating"
                                 : "no rating of the form [[5]] in the judge's answer"};
  } else if (*score < 1 || *score > 10) {
    outcome.judged = Invalid{format("rating {} is outside 1 to 10", *score)};
  } else {
    outcome.judged = Score{*score};
  }
  return outcome;
}

Result<ProtocolStep> next(const JudgeItem& item, std::span<const JudgeResponse> responses) {
  CUPEL_TRY(const JudgePrompt* prompt,
            find_turn_prompt(*item.benchmark, *item.question, item.turn, kPrompts));
  CUPEL_TRY(std::string text, user_prompt(item, *prompt));
  return ask_for_verdict(*item.benchmark, *prompt, kRating, std::move(text), responses,
                         &read_verdict);
}

}  // namespace

Protocol single() {
  return {.name = "single",
          .summary = "a judge grades each answer from 1 to 10",
          .source = "Zheng et al. 2023, arXiv 2306.05685, single answer grading",
          .method = "The score of an answer is the grade from 1 to 10 that the judge wrote.",
          .check = &check,
          .next = &next};
}

}  // namespace cupel::judge::protocol
