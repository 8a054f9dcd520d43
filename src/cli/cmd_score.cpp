// cupel score: log-likelihood of completions after prompts, or rewards of answers.
#include "base/error.h"
#include "cli/command.h"
#include "cli/models.h"
#include "cli/output.h"
#include "cli/reward_rows.h"
#include "decode/local_reward_model.h"

namespace cupel::cli::command {
namespace {

class Score : public Command {
 public:
  void declare(Arguments& a) override {
    a.text("--model", "FILE.gguf", model_, "Model that scores by log-likelihood");
    a.text("--reward-model", "DIR", reward_model_,
           "Reward model that scores: a folder of cupel tune --method reward-model");
    a.text(
        "--input", "FILE.jsonl", input_,
        "Lines {\"prompt\": …, \"completion\": …}, for rewards rows of training data of any form; "
        "- reads standard input",
        true);
    a.flag(
        "--raw", raw_,
        "Prompts as they are, without the chat template (--model; reward models read rows as they "
        "did in training)");
    engine_.declare(a);
  }

  Result<int> run() override {
    if (model_.empty() == reward_model_.empty()) {
      return invalid_argument("score needs --model or --reward-model, and not both");
    }
    if (raw_ && model_.empty()) {
      return invalid_argument(
          "--raw is of --model; a reward model reads rows as it did in training: leave it out");
    }
    CUPEL_TRY(const InputRows input, read_rows(input_));
    return reward_model_.empty() ? score_rows(input) : rate_rows(input);
  }

 private:
  Result<int> score_rows(const InputRows& input) {
    std::vector<CompletionScoreRequest> requests;
    for (size_t i = 0; i < input.rows.size(); ++i) {
      auto request = read(input.rows[i]);
      if (!request) {
        return input.at(std::move(request).error(), i);
      }
      requests.push_back(std::move(*request));
    }
    CUPEL_TRY(const auto model, open_local_model(model_, engine_));
    for (size_t i = 0; i < requests.size(); ++i) {
      auto scores = model->score(requests[i]);
      if (!scores) {
        return input.at(std::move(scores).error(), i);
      }
      print_score(scores->front());
    }
    return 0;
  }

  Result<int> rate_rows(const InputRows& input) {
    CUPEL_TRY(const decode::LocalModelOptions options, local_model_options(reward_model_, engine_));
    std::vector<train::Row> rows;
    for (size_t i = 0; i < input.rows.size(); ++i) {
      auto row = read_reward_row(input.rows[i]);
      if (!row) {
        return input.at(std::move(row).error(), i);
      }
      rows.push_back(std::move(*row));
    }
    CUPEL_TRY(const auto model, decode::LocalRewardModel::open(options));
    for (size_t i = 0; i < rows.size(); ++i) {
      auto rated = rate_row(*model, rows[i]);
      if (!rated) {
        return input.at(std::move(rated).error(), i);
      }
      print_json(*rated);
    }
    return 0;
  }

  [[nodiscard]] Result<CompletionScoreRequest> read(const Json& row) const {
    CompletionScoreRequest request;
    if (row.contains("messages")) {
      CUPEL_TRY(request.messages, conversation_from_json(*row.find("messages")));
    } else {
      CUPEL_TRY(std::string prompt, get_string(row, "prompt"));
      if (raw_) {
        request.raw_prompt = std::move(prompt);
      } else {
        request.messages = {text_message("user", prompt)};
      }
    }
    CUPEL_TRY(std::string completion, get_string(row, "completion"));
    request.completions = {std::move(completion)};
    return request;
  }

  static void print_score(const CompletionScore& score) {
    Json ids = Json::array();
    Json logprobs = Json::array();
    for (size_t i = 0; i < score.ids.size(); ++i) {
      ids.push_back(score.ids[i]);
      logprobs.push_back(score.logprobs[i]);
    }
    print_json(Json::object()
                   .set("ids", std::move(ids))
                   .set("logprobs", std::move(logprobs))
                   .set("sum", score.sum));
  }

  std::string model_;
  std::string reward_model_;
  std::string input_;
  bool raw_ = false;
  EngineFlags engine_;
};

}  // namespace

CommandInfo score() {
  return {.name = "score",
          .group = "Run",
          .summary = "Log-probabilities of given completions, or rewards of answers",
          .examples =
              "  echo '{\"prompt\": \"2 + 2 =\", \"completion\": \" 4\"}' |\n"
              "    cupel score --model models/a.gguf --raw --input -\n"
              "  cupel score --reward-model runs/rm/model --input pairs.jsonl\n",
          .make = &make_command<Score>};
}

}  // namespace cupel::cli::command
