// MT-Bench single-answer grading: Zheng et al. 2023, "Judging LLM-as-a-Judge", §3.1 and appendix A.
#include "base/error.h"
#include "judge/prompt.h"
#include "judge/protocol.h"
#include "judge/verdict_parser.h"

namespace cupel::judge::protocol {
namespace {

// FastChat's judge call: temperature 0, up to 2048 tokens.
constexpr int64_t kJudgeTokens = 2048;

std::string prompt_name(const JudgeItem& item) {
  const bool reference = item.benchmark->need_reference.contains(item.question->category);
  return std::string(reference ? "single-math-v1" : "single-v1") +
         (item.turn > 1 ? "-multi-turn" : "");
}

Result<Ok> check(const Benchmark& benchmark) {
  for (const Question& question : benchmark.questions) {
    for (int turn = 1; turn <= static_cast<int>(question.turns.size()); ++turn) {
      JudgeItem item{.benchmark = &benchmark, .question = &question, .turn = turn, .sides = {}};
      CUPEL_TRY_VOID(find_prompt(benchmark, prompt_name(item)));
      if (benchmark.need_reference.contains(question.category) &&
          benchmark.reference(question.id, turn) == nullptr) {
        return failed_precondition(
            "{}: question {} ({}) is judged with a reference, but turn {} has none in "
            "reference_answer; add it, or judge without with --without-references",
            benchmark.folder, question.id, question.category, turn);
      }
      if (turn > 2) {
        return unsupported("{}: question {} has {} turns; single grading knows two",
                           benchmark.folder, question.id, question.turns.size());
      }
    }
  }
  return Ok{};
}

Result<std::string> user_prompt(const JudgeItem& item, const JudgePrompt& prompt) {
  const auto text_or_empty = [&](const std::vector<std::string>& texts, size_t index) {
    return index < texts.size() ? std::string_view(texts[index]) : std::string_view();
  };
  const auto reference = [&](int turn) {
    const std::string* text = item.benchmark->reference(item.question->id, turn);
    return text == nullptr ? std::string_view() : std::string_view(*text);
  };
  const auto& turns = item.question->turns;
  const auto& answers = item.sides.front().answers;
  return fill_prompt(prompt, {{"question", text_or_empty(turns, 0)},
                              {"answer", text_or_empty(answers, 0)},
                              {"question_1", text_or_empty(turns, 0)},
                              {"question_2", text_or_empty(turns, 1)},
                              {"answer_1", text_or_empty(answers, 0)},
                              {"answer_2", text_or_empty(answers, 1)},
                              {"ref_answer_1", reference(1)},
                              {"ref_answer_2", reference(2)}});
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
  CUPEL_TRY(const JudgePrompt* prompt, find_prompt(*item.benchmark, prompt_name(item)));
  CUPEL_TRY(std::string text, user_prompt(item, *prompt));
  ProtocolStep step;
  if (responses.empty()) {
    ChatRequest request;
    request.messages = judge_conversation(*prompt, text);
    request.sampling.temperature = 0;
    request.sampling.max_tokens = kJudgeTokens;
    step.requests.push_back({std::move(request)});
    return step;
  }
  const auto* response = std::get_if<ChatResponse>(&responses.front());
  CUPEL_CHECK(response != nullptr, "single grading asks for a chat call");
  step.outcome = read_verdict(*response);
  step.outcome->user_prompt = std::move(text);
  step.outcome->prompt_name = prompt->name;
  return step;
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
