#include "judge/fastchat_judge.h"

#include "base/error.h"

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

ProtocolStep ask_once(const JudgePrompt& prompt,
                      std::string user_text,
                      std::span<const JudgeResponse> responses,
                      const std::function<Outcome(const ChatResponse& response)>& read) {
  ProtocolStep step;
  if (responses.empty()) {
    ChatRequest request;
    request.messages = judge_conversation(prompt, std::move(user_text));
    request.sampling.temperature = 0;
    request.sampling.max_tokens = kJudgeTokens;
    step.requests.push_back({std::move(request)});
    return step;
  }
  const auto* response = std::get_if<ChatResponse>(&responses.front());
  CUPEL_CHECK(response != nullptr, "the judge was asked for words");
  step.outcome = read(*response);
  step.outcome->user_prompt = std::move(user_text);
  step.outcome->prompt_name = prompt.name;
  return step;
}

}  // namespace cupel::judge
