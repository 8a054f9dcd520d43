// cupel generate: completions of prompts, batched.
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "cli/output.h"
#include "decode/constraint/json_schema.h"

namespace cupel::cli::command {
namespace {

struct SamplingFlags {
  SamplingOptions options{.max_tokens = 128};
  int64_t seed = 0;

  void declare(Arguments& a) {
    a.integer("--max-tokens", "N", options.max_tokens, "Longest answer, in tokens", 1, 1 << 24);
    a.number("--temperature", "T", options.temperature, "0 = always the likeliest token");
    a.integer("--top-k", "K", options.top_k, "Keep the K likeliest tokens; 0 = all", 0, 1 << 24);
    a.number("--top-p", "P", options.top_p, "Keep the likeliest tokens up to this mass");
    a.number("--min-p", "P", options.min_p, "Drop tokens below P times the likeliest one");
    a.number("--repetition-penalty", "R", options.repetition_penalty,
             "Above 1: seen tokens become less likely");
    a.integer("--seed", "S", seed, "Seed of the draws", 0, INT64_MAX);
    a.texts("--stop", "TEXT", options.stop, "End before this text; may be given again");
  }
  Result<SamplingOptions> checked() {
    options.seed = static_cast<uint64_t>(seed);
    CUPEL_TRY_VOID(check_sampling(options));
    return options;
  }
};

struct ConstraintFlags {
  std::optional<std::string> schema_path;
  std::optional<std::string> pattern;

  void declare(Arguments& a) {
    a.text("--json-schema", "FILE", schema_path,
           "Answers are JSON that satisfies this schema (docs/constrained.md)");
    a.text("--regex", "PATTERN", pattern, "Answers match this pattern as a whole");
  }
  [[nodiscard]] Result<OutputConstraint> read() const {
    if (schema_path && pattern) {
      return invalid_argument("generate: give either --json-schema or --regex");
    }
    if (!schema_path && !pattern) {
      return OutputConstraint{};
    }
    if ((schema_path ? *schema_path : *pattern).empty()) {  // an unset variable of a script
      return invalid_argument("generate: {} is empty; leave it out for free answers",
                              schema_path ? "--json-schema" : "--regex");
    }
    if (pattern) {
      return OutputConstraint{.kind = OutputConstraint::Kind::kRegex, .text = *pattern};
    }
    CUPEL_TRY(std::string text, read_file(*schema_path));
    if (auto json = parse_json(text); !json) {
      return in_context(std::move(json).error(), *schema_path);
    }
    return OutputConstraint{.kind = OutputConstraint::Kind::kJsonSchema, .text = std::move(text)};
  }
  /// Fails, naming file or flag, where a local model could not follow the constraint.
  [[nodiscard]] Result<Ok> check(const OutputConstraint& constraint) const {
    const bool schema = constraint.kind == OutputConstraint::Kind::kJsonSchema;
    if (!constraint.active()) {
      return Ok{};
    }
    auto compiled = schema
                        ? decode::constraint::compile_json_schema(std::string_view(constraint.text))
                        : decode::constraint::compile_regex(constraint.text);
    if (!compiled) {
      return in_context(std::move(compiled).error(), schema ? *schema_path : "--regex");
    }
    return Ok{};
  }
};

/// True when an answer is what its constraint asks for. A local model ends no other answer by
/// itself; of an endpoint's answer it is only known whether it is JSON.
bool keeps_constraint(const OutputConstraint& constraint, const ChatResponse& response) {
  const bool json = constraint.kind == OutputConstraint::Kind::kJsonSchema;
  return !constraint.active() || (response.finish_reason == FinishReason::kStop &&
                                  (!json || parse_json(response.text).has_value()));
}

/// An answer, and when it was asked for and arrived: seconds since the first prompt was submitted.
struct Answer {
  std::optional<Result<ChatResponse>> response;
  double submitted_s = 0;
  double answered_s = 0;
};

Json answer_json(const Answer& answer) {
  const ChatResponse& r = **answer.response;
  Json ids = Json::array();
  for (const TokenId id : r.ids) {
    ids.push_back(id);
  }
  Json logprobs = Json::array();
  for (const float logprob : r.logprobs) {
    logprobs.push_back(static_cast<double>(logprob));
  }
  return Json::object()
      .set("text", r.text)
      .set("ids", std::move(ids))
      .set("logprobs", std::move(logprobs))
      .set("finish_reason", finish_reason_name(r.finish_reason))
      .set("usage", Json::object()
                        .set("prompt_tokens", r.usage.prompt_tokens)
                        .set("completion_tokens", r.usage.completion_tokens)
                        .set("cached_tokens", r.usage.cached_tokens))
      .set("timings", Json::object()
                          .set("prefill_s", r.timings.prefill_s)
                          .set("decode_s", r.timings.decode_s)
                          .set("submitted_s", answer.submitted_s)
                          .set("answered_s", answer.answered_s));
}

class Generate : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "SPEC", model_,
           "Model to run: [NAME=]FILE.gguf, FOLDER, ORG/NAME that was pulled, or "
           "NAME=openai:MODEL@URL",
           true);
    a.text("--prompt", "TEXT", prompt_, "One prompt");
    a.text("--input", "FILE.jsonl", input_,
           "Many: a line is {\"prompt\": …} (and \"suffix\") or {\"messages\": […]}; - reads "
           "standard input");
    a.text("--suffix", "TEXT", suffix_,
           "Fill the gap between the prompt and this text; for code models that were trained to");
    a.flag("--raw", raw_, "Continue the text as it is, without the chat template");
    sampling_.declare(a);
    constraint_.declare(a);
    engine_.declare(a);
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    if (prompt_.empty() == input_.empty()) {
      return invalid_argument("generate: give either --prompt or --input");
    }
    if (!suffix_.empty() && !input_.empty()) {
      return invalid_argument("generate: with --input, \"suffix\" stands in its lines");
    }
    InputRows input;
    CUPEL_TRY(std::vector<ChatRequest> requests, read_requests(input));
    const std::stop_token stop = stop_on_interrupt();
    CUPEL_TRY(const OpenModel open, open_model(model_, engine_));
    if (open.local != nullptr) {
      CUPEL_TRY_VOID(constraint_.check(sampling_.options.constraint));
    }
    return submit_all(*open.model, std::move(requests), input, stop);
  }

 private:
  Result<std::vector<ChatRequest>> read_requests(InputRows& input) {
    CUPEL_TRY(sampling_.options.constraint, constraint_.read());
    CUPEL_TRY(const SamplingOptions options, sampling_.checked());
    std::vector<ChatRequest> requests;
    const auto add = [&](const Json& row) -> Result<Ok> {
      ChatRequest request;
      if (row.contains("messages")) {
        if (row.contains("suffix")) {
          return invalid_argument("\"suffix\" belongs to \"prompt\", not to \"messages\"");
        }
        if (raw_) {
          return invalid_argument("\"messages\" cannot be used with --raw; give \"prompt\"");
        }
        CUPEL_TRY(request.messages, conversation_from_json(*row.find("messages")));
      } else {
        CUPEL_TRY(std::string prompt, get_string(row, "prompt"));
        if (row.contains("suffix")) {
          CUPEL_TRY(request.raw_suffix, get_string(row, "suffix"));
        }
        if (raw_ || request.raw_suffix) {
          request.raw_prompt = std::move(prompt);
        } else {
          request.messages = {text_message("user", prompt)};
        }
      }
      request.sampling = options;
      request.logprobs = format_ == "json";
      requests.push_back(std::move(request));
      return Ok{};
    };
    if (input_.empty()) {
      Json row = Json::object().set("prompt", prompt_);
      if (!suffix_.empty()) {
        row.set("suffix", suffix_);
      }
      CUPEL_TRY_VOID(add(row));
      return requests;
    }
    CUPEL_TRY(input, read_rows(input_));
    for (size_t i = 0; i < input.rows.size(); ++i) {
      if (auto added = add(input.rows[i]); !added) {
        return input.at(std::move(added).error(), i);
      }
    }
    return requests;
  }

  // Prints in input order as soon as all earlier lines are done; streams a single text answer.
  Result<int> submit_all(ChatModel& model,
                         std::vector<ChatRequest> requests,
                         const InputRows& input,
                         const std::stop_token& stop) const {
    std::mutex mutex;
    std::condition_variable wake;
    std::vector<Answer> answers(requests.size());
    const auto began = std::chrono::steady_clock::now();
    const auto since_began = [began] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    };
    const bool stream = requests.size() == 1 && format_ == "text";
    std::vector<std::shared_ptr<ChatCall>> calls;
    for (size_t i = 0; i < requests.size(); ++i) {
      ChatSink sink{.on_delta = {}, .on_done = [&, i](Result<ChatResponse> response) {
                      const std::lock_guard lock(mutex);
                      answers[i].answered_s = since_began();
                      answers[i].response = std::move(response);
                      wake.notify_one();
                    }};
      if (stream) {
        sink.on_delta = [](std::string_view delta) { print(delta); };
      }
      // A call writes other fields of its answer, so no lock.
      answers[i].submitted_s = since_began();
      calls.push_back(model.submit(std::move(requests[i]), std::move(sink)));
    }
    const std::stop_callback cancel(stop, [&] {
      for (const auto& call : calls) {
        call->cancel();
      }
    });
    std::optional<Error> failure;
    size_t broken = 0;
    for (size_t i = 0; i < answers.size(); ++i) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return answers[i].response.has_value(); });
      const Result<ChatResponse>& response = *answers[i].response;
      if (response && !failure) {
        emit(answers[i], stream);
        broken += keeps_constraint(sampling_.options.constraint, *response) ? 0 : 1;
      } else if (!response && !failure) {
        failure = input_.empty() ? response.error() : input.at(response.error(), i);
      }
    }
    if (failure) {
      return *std::move(failure);
    }
    if (broken > 0) {
      log_line(LogLevel::kError,
               format("generate: {} of {} answers were cut short and do not satisfy the {}; raise "
                      "--max-tokens or the context",
                      broken, answers.size(), constraint_name(sampling_.options.constraint.kind)));
      return 1;
    }
    return 0;
  }

  void emit(const Answer& answer, bool streamed) const {
    if (format_ == "json") {
      print_json(answer_json(answer));
    } else {
      print(streamed ? "\n" : (*answer.response)->text + "\n");
    }
  }

  std::string model_;
  std::string prompt_;
  std::string input_;
  std::string suffix_;
  bool raw_ = false;
  std::string format_ = "text";
  SamplingFlags sampling_;
  ConstraintFlags constraint_;
  EngineFlags engine_;
};

}  // namespace

CommandInfo generate() {
  return {
      .name = "generate",
      .group = "Run",
      .summary = "Complete prompts",
      .examples =
          "  cupel generate --model models/a.gguf --prompt \"Name three rivers.\"\n"
          "  cupel generate --model models/a.gguf --raw --prompt \"Once upon\" --max-tokens 64\n"
          "  cupel generate --model models/a.gguf --prompt \"A city?\" --json-schema city.json\n"
          "  cupel generate --model models/code.gguf --prompt \"def add(a, b):\" --suffix \"    "
          "return c\"\n"
          "  cupel generate --model models/a.gguf --input prompts.jsonl --format json\n",
      .make = &make_command<Generate>};
}

}  // namespace cupel::cli::command
