#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "core/chat_model.h"
#include "core/scorer.h"

namespace cupel::test {

/// A chat model that answers through a function, at once, on the caller's thread.
class ScriptedChatModel : public ChatModel {
 public:
  using Script = std::function<Result<ChatResponse>(const ChatRequest& request)>;

  explicit ScriptedChatModel(Script script, std::string name = "scripted")
      : script_(std::move(script)), name_(std::move(name)) {}
  /// Answers with the text that the function gives for the last message.
  static ScriptedChatModel with_text(std::function<std::string(const std::string&)> answer);

  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string fingerprint() const override { return "scripted:" + name_; }
  [[nodiscard]] Capabilities capabilities() const override;
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override;

  [[nodiscard]] int64_t calls() const { return *calls_; }

 private:
  Script script_;
  std::string name_;
  std::shared_ptr<std::atomic<int64_t>> calls_ = std::make_shared<std::atomic<int64_t>>(0);
};

/// A scorer that answers through a function of prompt and label (log-probability or nullopt), and
/// gives every completion a log-probability of minus its length in bytes.
class ScriptedScorer : public Scorer {
 public:
  using Script =
      std::function<std::optional<double>(const Conversation& prompt, const std::string& label)>;

  explicit ScriptedScorer(Script script) : script_(std::move(script)) {}
  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

  [[nodiscard]] int64_t calls() const { return calls_; }

 private:
  Script script_;
  std::atomic<int64_t> calls_ = 0;
};

}  // namespace cupel::test
