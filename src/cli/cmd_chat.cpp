// cupel chat: a conversation at the terminal.
#include <chrono>
#include <csignal>
#include <iostream>

#include <unistd.h>

#include "base/error.h"
#include "base/text.h"
#include "base/wait_for.h"
#include "cli/command.h"
#include "cli/models.h"
#include "cli/output.h"

namespace cupel::cli::command {
namespace {

volatile std::sig_atomic_t interrupted = 0;

// While it lives, Ctrl-C stops the answer instead of the program.
class StopsAnswer {
 public:
  StopsAnswer() {
    interrupted = 0;
    struct sigaction action {};
    action.sa_handler = [](int) { interrupted = 1; };
    sigaction(SIGINT, &action, &before_);
  }
  ~StopsAnswer() { sigaction(SIGINT, &before_, nullptr); }
  StopsAnswer(const StopsAnswer&) = delete;
  StopsAnswer& operator=(const StopsAnswer&) = delete;

 private:
  struct sigaction before_ {};
};

class Chat : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "SPEC", model_, "Model to talk to", true);
    a.text("--system", "TEXT", system_, "System message");
    a.integer("--max-tokens", "N", options_.max_tokens, "Longest answer, in tokens", 1, 1 << 24);
    a.number("--temperature", "T", options_.temperature, "0 = always the likeliest token");
    a.number("--top-p", "P", options_.top_p, "Keep the likeliest tokens up to this mass");
    a.integer("--seed", "S", seed_, "Seed of the draws", 0, INT64_MAX);
    engine_.declare(a);
  }

  Result<int> run() override {
    options_.seed = static_cast<uint64_t>(seed_);
    CUPEL_TRY_VOID(check_sampling(options_));
    CUPEL_TRY(const OpenModel open, open_model(model_, engine_));
    if (!open.model->capabilities().chat) {
      return failed_precondition(
          "{}: this model has no chat template; name one with NAME=FILE.gguf,template=FILE.jinja",
          model_);
    }
    const bool person = ::isatty(STDIN_FILENO) != 0;
    if (person) {
      print(format("Talking to {}. {}\n", open.model->name(), kCommands));
    }
    return converse(*open.model, person);
  }

 private:
  [[nodiscard]] Conversation opening() const {
    return system_.empty() ? Conversation{} : Conversation{text_message("system", system_)};
  }

  Result<int> converse(ChatModel& model, bool person) const {
    Conversation conversation = opening();
    std::string line;
    while (true) {
      if (person) {
        print("> ");
      }
      if (!std::getline(std::cin, line) || line.empty()) {
        return 0;
      }
      if (line == "/new") {
        conversation = opening();
        continue;
      }
      if (person && line.front() == '/') {
        print(format("{} is no command. {}\n", printable(line), kCommands));
        continue;
      }
      conversation.push_back(text_message("user", line));
      CUPEL_TRY(const std::string answer, stream(model, conversation));
      conversation.push_back(text_message("assistant", answer));
    }
  }

  Result<std::string> stream(ChatModel& model, const Conversation& conversation) const {
    ChatRequest request;
    request.messages = conversation;
    request.sampling = options_;
    WaitFor<Result<ChatResponse>> answer;
    const StopsAnswer stops;
    std::string said;
    const auto call = model.submit(std::move(request), {.on_delta =
                                                            [&said](std::string_view delta) {
                                                              said += delta;
                                                              print(delta);
                                                            },
                                                        .on_done = answer.callback()});
    while (!answer.ready_within(std::chrono::milliseconds(50))) {
      if (interrupted != 0) {
        call->cancel();
      }
    }
    Result<ChatResponse> response = answer.get();
    print("\n");
    if (!response && response.error().code == Code::kCancelled) {
      return said;  // what was said before stays part of the conversation
    }
    if (!response) {
      return std::move(response).error();
    }
    return std::move(response->text);
  }

  static constexpr std::string_view kCommands =
      "An empty line or Ctrl-D ends, Ctrl-C stops an answer, /new starts over.";
  std::string model_;
  std::string system_;
  SamplingOptions options_{.temperature = 0.7, .max_tokens = 512};
  int64_t seed_ = 0;
  EngineFlags engine_;
};

}  // namespace

CommandInfo chat() {
  return {.name = "chat",
          .group = "Run",
          .summary = "Talk to a model at the terminal",
          .examples = "  cupel chat --model models/a.gguf\n",
          .make = &make_command<Chat>};
}

}  // namespace cupel::cli::command
