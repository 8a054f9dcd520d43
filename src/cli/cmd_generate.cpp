// cupel generate: completions of prompts, batched.
#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/models.h"
#include "cli/output.h"

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

Json response_json(const ChatResponse& r) {
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
      .set(
          "timings",
          Json::object().set("prefill_s", r.timings.prefill_s).set("decode_s", r.timings.decode_s));
}

class Generate : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "SPEC", model_, "Model to run: [NAME=]FILE.gguf or NAME=openai:MODEL@URL",
           true);
    a.text("--prompt", "TEXT", prompt_, "One prompt");
    a.text("--input", "FILE.jsonl", input_,
           "Many: a line is {\"prompt\": …} or {\"messages\": […]}; - reads standard input");
    a.flag("--raw", raw_, "Continue the text as it is, without the chat template");
    sampling_.declare(a);
    engine_.declare(a);
    a.choice("--format", {"text", "json"}, format_, "Output");
  }

  Result<int> run() override {
    if (prompt_.empty() == input_.empty()) {
      return invalid_argument("generate: give either --prompt or --input");
    }
    InputRows input;
    CUPEL_TRY(std::vector<ChatRequest> requests, read_requests(input));
    const std::stop_token stop = stop_on_interrupt();
    CUPEL_TRY(const OpenModel open, open_model(model_, engine_));
    return submit_all(*open.model, std::move(requests), input, stop);
  }

 private:
  Result<std::vector<ChatRequest>> read_requests(InputRows& input) {
    CUPEL_TRY(const SamplingOptions options, sampling_.checked());
    std::vector<ChatRequest> requests;
    const auto add = [&](const Json& row) -> Result<Ok> {
      ChatRequest request;
      if (row.contains("messages")) {
        if (raw_) {
          return invalid_argument("\"messages\" cannot be used with --raw; give \"prompt\"");
        }
        CUPEL_TRY(request.messages, conversation_from_json(*row.find("messages")));
      } else {
        CUPEL_TRY(std::string prompt, get_string(row, "prompt"));
        if (raw_) {
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
      CUPEL_TRY_VOID(add(Json::object().set("prompt", prompt_)));
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
    std::vector<std::optional<Result<ChatResponse>>> results(requests.size());
    const bool stream = requests.size() == 1 && format_ == "text";
    std::vector<std::shared_ptr<ChatCall>> calls;
    for (size_t i = 0; i < requests.size(); ++i) {
      ChatSink sink{.on_delta = {}, .on_done = [&, i](Result<ChatResponse> response) {
                      const std::lock_guard lock(mutex);
                      results[i] = std::move(response);
                      wake.notify_one();
                    }};
      if (stream) {
        sink.on_delta = [](std::string_view delta) { print(delta); };
      }
      calls.push_back(model.submit(std::move(requests[i]), std::move(sink)));
    }
    const std::stop_callback cancel(stop, [&] {
      for (const auto& call : calls) {
        call->cancel();
      }
    });
    std::optional<Error> failure;
    for (size_t i = 0; i < results.size(); ++i) {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return results[i].has_value(); });
      if (*results[i] && !failure) {
        emit(**results[i], stream);
      } else if (!*results[i] && !failure) {
        failure = input_.empty() ? results[i]->error() : input.at(results[i]->error(), i);
      }
    }
    if (failure) {
      return *std::move(failure);
    }
    return 0;
  }

  void emit(const ChatResponse& response, bool streamed) const {
    if (format_ == "json") {
      print_json(response_json(response));
    } else {
      print(streamed ? "\n" : response.text + "\n");
    }
  }

  std::string model_;
  std::string prompt_;
  std::string input_;
  bool raw_ = false;
  std::string format_ = "text";
  SamplingFlags sampling_;
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
          "  cupel generate --model models/a.gguf --input prompts.jsonl --format json\n",
      .make = &make_command<Generate>};
}

}  // namespace cupel::cli::command
