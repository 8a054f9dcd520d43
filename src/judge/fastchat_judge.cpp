#include "judge/fastchat_judge.h"

#include "base/error.h"
#include "base/format.h"

namespace cupel::judge {
namespace {

constexpr int64_t kJudgeTokens = 2048;
constexpr size_t kMostTurns = 2;
bool needs_reference(const Benchmark& benchmark, const Question& question) {
  return benchmark.need_reference.contains(question.category);
}

std::string_view text_or_empty(const std::vector<std::string>& texts, size_t index) {
  return index < texts.size() ? std::string_view(texts[index]) : std::string_view();
}

std::string_view reference_or_empty(const JudgeItem& item, int turn) {
  const std::string* text = item.benchmark->reference(item.question->id, turn);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

ChatRequest words_request(const JudgePrompt& prompt, const std::string& user_text) {
  ChatRequest request;
  request.messages = judge_conversation(prompt, user_text);
  request.sampling.temperature = 0;
  request.sampling.max_tokens = kJudgeTokens;
  return request;
}

/// After words without a verdict: the verdict alone.
ChatRequest mark_request(const JudgePrompt& prompt,
                         const std::string& user_text,
                         const std::string& words,
                         std::string_view mark) {
  ChatRequest request = words_request(prompt, user_text);
  request.messages.push_back(text_message("assistant", words));
  request.messages.push_back(text_message(
      "user", format("Now write the verdict alone, in the form {}.", prompt.output_format)));
  request.sampling.max_tokens = kMarkTokens;
  request.sampling.constraint = {.kind = OutputConstraint::Kind::kRegex,
                                 .text = format(R"(\[\[(?:{})\]\])", mark)};
  return request;
}

const ChatResponse& words_of(const JudgeResponse& response) {
  const auto* words = std::get_if<ChatResponse>(&response);
  CUPEL_CHECK(words != nullptr, "the judge was asked for words");
  return *words;
}

}  // namespace

Result<const JudgePrompt*> find_turn_prompt(const Benchmark& benchmark,
                                            const Question& question,
                                            int turn,
                                            const TurnPrompts& prompts) {
  std::string name(needs_reference(benchmark, question) ? prompts.with_reference : prompts.plain);
  return find_prompt(benchmark, name + (turn > 1 ? "-multi-turn" : ""));
}

Result<Ok> check_turn_prompts(
    const Benchmark& benchmark,
    const TurnPrompts& prompts,
    const std::function<Result<Ok>(const JudgePrompt& prompt)>& check_prompt) {
  for (const Question& question : benchmark.questions) {
    if (question.turns.size() > kMostTurns) {
      return unsupported("{}: question {} has {} turns; this protocol knows {}", benchmark.folder,
                         question.id, question.turns.size(), kMostTurns);
    }
    for (int turn = 1; turn <= static_cast<int>(question.turns.size()); ++turn) {
      CUPEL_TRY(const JudgePrompt* prompt, find_turn_prompt(benchmark, question, turn, prompts));
      if (check_prompt) {
        CUPEL_TRY_VOID(check_prompt(*prompt));
      }
      if (needs_reference(benchmark, question) &&
          benchmark.reference(question.id, turn) == nullptr) {
        return failed_precondition(
            "{}: question {} ({}) is judged with a reference, but turn {} has none in "
            "reference_answer; add it, or judge without with --without-references",
            benchmark.folder, question.id, question.category, turn);
      }
    }
  }
  return Ok{};
}

PromptFields turn_fields(const JudgeItem& item) {
  const auto& turns = item.question->turns;
  return {{"question", text_or_empty(turns, 0)},
          {"question_1", text_or_empty(turns, 0)},
          {"question_2", text_or_empty(turns, 1)},
          {"ref_answer_1", reference_or_empty(item, 1)},
          {"ref_answer_2", reference_or_empty(item, 2)}};
}

std::string_view answer_to(const Side& side, size_t turn) {
  return text_or_empty(side.answers, turn - 1);
}

ProtocolStep ask_for_verdict(const Benchmark& benchmark,
                             const JudgePrompt& prompt,
                             std::string_view mark,
                             std::string user_text,
                             std::span<const JudgeResponse> responses,
                             const std::function<Outcome(const ChatResponse& response)>& read) {
  ProtocolStep step;
  if (responses.empty()) {
    step.requests.push_back({words_request(prompt, user_text)});
    return step;
  }
  const ChatResponse& words = words_of(responses.front());
  Outcome outcome = read(words);
  if (responses.size() > 1) {
    const ChatResponse& verdict = words_of(responses[1]);
    outcome = read(verdict);
    outcome.judgment = words.text + "\n\n" + verdict.text;
  } else if (!outcome.valid() && benchmark.options.constrain_verdicts) {
    step.requests.push_back({mark_request(prompt, user_text, words.text, mark)});
    return step;
  }
  outcome.user_prompt = std::move(user_text);
  outcome.prompt_name = prompt.name;
  step.outcome = std::move(outcome);
  return step;
}

}  // namespace cupel::judge
