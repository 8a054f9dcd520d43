#include "judge/estimate.h"

#include "judge/evaluation_graph.h"
#include "judge/verdict_run.h"

namespace cupel::judge {
namespace {

void add(Usage& sum, const Usage& usage) {
  sum.prompt_tokens += usage.prompt_tokens;
  sum.completion_tokens += usage.completion_tokens;
}

// Prompt tokens; none for a prompt that only its own row fails on.
Result<int64_t> count_tokens(const ChatModel& model, const Conversation& conversation) {
  ChatRequest request;
  request.messages = conversation;
  auto tokens = model.count_prompt_tokens(request);
  if (!tokens && is_row_error(tokens.error())) {
    return 0;
  }
  return tokens;
}

}  // namespace

Estimator::Estimator(const Benchmark& benchmark,
                     const RunFolder& run,
                     const Protocol& protocol,
                     const Judge& judge)
    : benchmark_(benchmark),
      run_(run),
      protocol_(protocol),
      judge_(judge),
      questions_(run_questions(benchmark, run.settings().limit)) {}

Result<Ok> Estimator::add_contender(const Contender& contender) {
  const std::string& name = contender.model->name();
  Usage usage;
  for (const Question* question : questions_) {
    int64_t history = 0;
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      CUPEL_TRY(
          const int64_t tokens,
          count_tokens(*contender.model,
                       {text_message("user", question->turns[static_cast<size_t>(turn - 1)])}));
      history += tokens;
      ++estimate_.answers.total;
      if (run_.journal().find(answer_key(name, question->id, turn)) != nullptr) {
        ++estimate_.answers.done;
      } else {
        add(usage, {.prompt_tokens = history, .completion_tokens = run_.settings().max_tokens});
      }
      history += run_.settings().max_tokens;
      CUPEL_TRY_VOID(add_verdict(name, *question, turn));
    }
  }
  add(estimate_.answer_usage, usage);
  add_cost(name, usage);
  return Ok{};
}

Result<Ok> Estimator::add_recorded(const std::string& name) {
  for (const Question* question : questions_) {
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      if (run_.journal().find(answer_key(name, question->id, turn)) == nullptr) {
        break;
      }
      ++estimate_.answers.total;
      ++estimate_.answers.done;
      CUPEL_TRY_VOID(add_verdict(name, *question, turn));
    }
  }
  return Ok{};
}

Result<Ok> Estimator::add_verdict(const std::string& model, const Question& question, int turn) {
  ++estimate_.verdicts.total;
  const std::string protocol(protocol_.name);
  if (run_.journal().find(verdict_key(judge_.name, protocol, model, question.id, turn))) {
    ++estimate_.verdicts.done;
    return Ok{};
  }
  JudgeItem item{.benchmark = &benchmark_, .question = &question, .turn = turn, .answers = {}};
  int64_t unknown = 0;
  for (int t = 1; t <= turn; ++t) {
    const Json* answer = run_.journal().find(answer_key(model, question.id, t));
    if (answer != nullptr && answer->find("error") != nullptr) {
      return Ok{};  // invalid without asking the judge
    }
    item.answers.push_back(answer == nullptr ? "" : answer->find("text")->as_string());
    unknown += answer == nullptr ? 1 : 0;
  }
  CUPEL_TRY(const Usage usage,
            unknown == turn ? blank_usage(question, turn) : judge_usage(item, unknown));
  add(estimate_.judge_usage, usage);
  return Ok{};
}

Result<Usage> Estimator::blank_usage(const Question& question, int turn) {
  const auto known = blank_usages_.find({question.id, turn});
  if (known != blank_usages_.end()) {
    return known->second;
  }
  const JudgeItem item{.benchmark = &benchmark_,
                       .question = &question,
                       .turn = turn,
                       .answers = std::vector<std::string>(static_cast<size_t>(turn))};
  CUPEL_TRY(const Usage usage, judge_usage(item, turn));
  blank_usages_.emplace(std::pair(question.id, turn), usage);
  return usage;
}

Result<Usage> Estimator::judge_usage(const JudgeItem& item, int64_t unknown_answers) const {
  Usage usage;
  if (judge_.model == nullptr) {
    return usage;
  }
  const int64_t later = unknown_answers * run_.settings().max_tokens;
  CUPEL_TRY(const ProtocolStep step, protocol_.next(item, {}));
  for (const JudgeRequest& request : step.requests) {
    if (const auto* chat = std::get_if<ChatRequest>(&request.call)) {
      CUPEL_TRY(const int64_t tokens, count_tokens(*judge_.model, chat->messages));
      add(usage, {.prompt_tokens = tokens + later, .completion_tokens = chat->sampling.max_tokens});
      continue;
    }
    for (const Conversation& prompt : std::get<LabelScoreRequest>(request.call).prompts) {
      CUPEL_TRY(const int64_t tokens, count_tokens(*judge_.model, prompt));
      add(usage, {.prompt_tokens = tokens + later, .completion_tokens = 1});
    }
  }
  return usage;
}

void Estimator::add_cost(const std::string& model, const Usage& usage) {
  const auto price = run_.prices().find(model);
  if (price != run_.prices().end()) {
    estimate_.max_cost = estimate_.max_cost.value_or(0) + price->second.of(usage);
  }
}

Estimate Estimator::take() {
  add_cost(judge_.name, estimate_.judge_usage);
  return estimate_;
}

}  // namespace cupel::judge
