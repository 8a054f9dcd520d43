#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/chat_model.h"

namespace cupel {

/// Answers one constant text to everything: the control of every leaderboard (null-model sheet,
/// §1).
class NullModel : public ChatModel {
 public:
  NullModel(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string fingerprint() const override;
  [[nodiscard]] Capabilities capabilities() const override;
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override;

 private:
  std::string name_;
  std::string text_;
};

/// Replays answers of FastChat's `model_answer` files. The request says which question and turn it
/// is through `template_variables` {"question_id", "turn"} (1-based), as eval sets them for every
/// model.
class RecordedModel : public ChatModel {
 public:
  /// Errors: file and line of a bad record; two records of one question.
  static Result<std::unique_ptr<RecordedModel>> open(std::string name, const std::string& path);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string fingerprint() const override { return fingerprint_; }
  [[nodiscard]] Capabilities capabilities() const override;
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override;

 private:
  RecordedModel() = default;
  [[nodiscard]] Result<ChatResponse> answer(const ChatRequest& request) const;

  std::string name_;
  std::string path_;
  std::string fingerprint_;
  struct Answer {
    std::string text;
    FinishReason finish_reason = FinishReason::kStop;
  };
  static Result<std::vector<Answer>> read_turns(const Json& record);
  std::map<int64_t, std::vector<Answer>> answers_;
};

}  // namespace cupel
