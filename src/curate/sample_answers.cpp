#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "core/running_calls.h"
#include "curate/pair_builder.h"
#include "flow/run_tasks.h"
#include "judge/verdict_run.h"

namespace cupel::curate {
namespace {

constexpr const char* kLane = "answers";

std::string task_key(const RulePrompt& prompt, int64_t sample) {
  return format("{}/{}", prompt.key, sample);
}

/// The stream of a prompt's draws: the first half of its fingerprint, 16 hex digits.
uint64_t stream_of(const RulePrompt& prompt) {
  uint64_t stream = 0;
  std::from_chars(prompt.key.data(), prompt.key.data() + 16, stream, 16);
  return stream;
}

ChatRequest request_of(const RulePrompt& prompt, int64_t sample, const SampleOptions& options) {
  ChatRequest request;
  request.messages = prompt.messages;
  request.sampling = options.sampling;
  // Masked so that it survives JSON's signed integers.
  request.sampling.seed =
      random_bits(options.sampling.seed, stream_of(prompt), static_cast<uint64_t>(sample)) >> 1U;
  request.sample_index = sample;
  return request;
}

Json row_of(const Result<ChatResponse>& response) {
  if (!response) {
    return Json::object().set("error", response.error().message);
  }
  return Json::object()
      .set("text", trim(response->text))
      .set("tokens", response->usage.completion_tokens)
      .set("finish_reason", finish_reason_name(response->finish_reason));
}

flow::Task task_of(ChatModel& model,
                   RunningCalls& calls,
                   const RulePrompt& prompt,
                   int64_t sample,
                   const SampleOptions& options) {
  flow::Task task{.key = task_key(prompt, sample), .lane = kLane};
  task.start = [&model, &calls, &prompt, sample, &options](const flow::Inputs&, flow::Done done) {
    auto on_done = [done = std::move(done)](Result<ChatResponse> response) {
      if (!response && !judge::is_row_error(response.error())) {
        done(std::move(response).error());
        return;
      }
      done(row_of(response));
    };
    calls.submit(model, request_of(prompt, sample, options),
                 {.on_delta = {}, .on_done = std::move(on_done)});
  };
  return task;
}

Result<SampledAnswer> read_answer(const Json& row, const Rule& rule) {
  SampledAnswer answer;
  CUPEL_TRY(answer.error, get_string_or(row, "error", ""));
  if (!answer.error.empty()) {
    return answer;
  }
  CUPEL_TRY(answer.text, get_string(row, "text"));
  CUPEL_TRY(answer.tokens, get_int(row, "tokens"));
  CUPEL_TRY(const std::string reason, get_string(row, "finish_reason"));
  answer.whole = reason == finish_reason_name(FinishReason::kStop);
  answer.grade = rule.grade(answer.text);
  return answer;
}

}  // namespace

Result<std::vector<AnsweredPrompt>> sample_answers(ChatModel& model,
                                                   const std::vector<RulePrompt>& prompts,
                                                   PairFolder& folder,
                                                   const SampleOptions& options) {
  RunningCalls calls(options.stop);
  std::vector<flow::Task> tasks;
  for (const RulePrompt& prompt : prompts) {
    for (int64_t sample = 0; sample < options.samples; ++sample) {
      tasks.push_back(task_of(model, calls, prompt, sample, options));
    }
  }
  flow::RunOptions run{.lanes = {{kLane, flow::lane_of(model)}}, .stop = options.stop};
  run.on_row = [&](const flow::Task&, const Json&, bool resumed) {
    if (options.on_answer) {
      options.on_answer(resumed);
    }
  };
  CUPEL_TRY_VOID(flow::run_tasks(tasks, folder.journal(), run));
  std::vector<AnsweredPrompt> answered;
  for (const RulePrompt& prompt : prompts) {
    AnsweredPrompt& all = answered.emplace_back(AnsweredPrompt{.prompt = &prompt, .answers = {}});
    for (int64_t sample = 0; sample < options.samples; ++sample) {
      CUPEL_TRY(SampledAnswer answer,
                read_answer(*folder.journal().find(task_key(prompt, sample)), *prompt.rule));
      all.answers.push_back(std::move(answer));
    }
  }
  return answered;
}

}  // namespace cupel::curate
