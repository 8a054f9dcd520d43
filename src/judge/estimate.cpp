#include "judge/estimate.h"

#include <algorithm>

#include "judge/evaluation_graph.h"
#include "judge/fastchat_judge.h"
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

// The call that follows words without a verdict; reads them again.
Usage verdict_usage(const Usage& words) {
  constexpr int64_t kQuestion = 64;
  return {.prompt_tokens = words.prompt_tokens + words.completion_tokens + kQuestion,
          .completion_tokens = kMarkTokens};
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
      const std::string key = answer_key(name, question->id, turn);
      answers_.insert(key);
      ++estimate_.answers.total;
      if (run_.journal().find(key) != nullptr) {
        ++estimate_.answers.done;
      } else {
        add(usage, {.prompt_tokens = history, .completion_tokens = run_.settings().max_tokens});
      }
      history += run_.settings().max_tokens;
    }
  }
  add(estimate_.answer_usage, usage);
  add_cost(name, usage);
  return Ok{};
}

Result<Ok> Estimator::add_recorded(const std::string& name) {
  for (const Question* question : questions_) {
    for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
      const std::string key = answer_key(name, question->id, turn);
      if (run_.journal().find(key) == nullptr) {
        break;
      }
      answers_.insert(key);
      ++estimate_.answers.total;
      ++estimate_.answers.done;
    }
  }
  return Ok{};
}

Result<Ok> Estimator::add_verdict(JudgeItem item) {
  ++estimate_.verdicts.total;
  if (run_.journal().find(verdict_key(judge_.name, protocol_.name, item)) != nullptr) {
    ++estimate_.verdicts.done;
    return Ok{};
  }
  int64_t unknown = 0;
  int64_t all = 0;
  for (Side& side : item.sides) {
    for (int turn = 1; turn <= item.turn; ++turn) {
      const Json* answer = run_.journal().find(answer_key(side.model, item.question->id, turn));
      if (answer != nullptr && answer->find("error") != nullptr) {
        return Ok{};  // invalid without asking the judge
      }
      side.answers.push_back(answer == nullptr ? "" : answer->find("text")->as_string());
      unknown += answer == nullptr ? 1 : 0;
      ++all;
    }
  }
  CUPEL_TRY(const Usage usage, unknown == all ? blank_usage(item) : judge_usage(item, unknown));
  add(estimate_.judge_usage, usage);
  return Ok{};
}

// Of an item without any answer.
Result<Usage> Estimator::blank_usage(const JudgeItem& item) {
  const std::pair place(item.question->id, item.turn);
  const auto known = blank_usages_.find(place);
  if (known != blank_usages_.end()) {
    return known->second;
  }
  const auto unknown = static_cast<int64_t>(item.sides.size()) * item.turn;
  CUPEL_TRY(const Usage usage, judge_usage(item, unknown));
  blank_usages_.emplace(place, usage);
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
      const Usage words = {.prompt_tokens = tokens + later,
                           .completion_tokens = chat->sampling.max_tokens};
      add(usage, words);
      if (benchmark_.options.constrain_verdicts) {
        add(usage, verdict_usage(words));
      }
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

Result<Estimate> Estimator::take() {
  for (JudgeItem& item : protocol_.items(judge_scope(benchmark_, run_))) {
    const std::vector<std::string> needs = answer_keys(item);
    if (std::all_of(needs.begin(), needs.end(),
                    [&](const std::string& key) { return answers_.contains(key); })) {
      CUPEL_TRY_VOID(add_verdict(std::move(item)));
    }
  }
  add_cost(judge_.name, estimate_.judge_usage);
  return estimate_;
}

}  // namespace cupel::judge
