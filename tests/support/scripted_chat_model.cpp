#include "support/scripted_chat_model.h"

namespace cupel::test {
namespace {

class FinishedCall : public ChatCall {};

}  // namespace

ScriptedChatModel ScriptedChatModel::with_text(
    std::function<std::string(const std::string&)> answer) {
  return ScriptedChatModel([answer](const ChatRequest& request) -> Result<ChatResponse> {
    ChatResponse response;
    response.text = answer(request.messages.empty() ? request.raw_prompt.value_or("")
                                                    : request.messages.back().text());
    return response;
  });
}

Capabilities ScriptedChatModel::capabilities() const {
  return {.chat = true, .raw = true, .logprobs = true, .streaming = true, .parallel_calls = 4};
}

std::shared_ptr<ChatCall> ScriptedChatModel::submit(ChatRequest request, ChatSink sink) {
  ++*calls_;
  auto response = script_(request);
  if (response && sink.on_delta) {
    sink.on_delta(response->text);
  }
  sink.on_done(std::move(response));
  return std::make_shared<FinishedCall>();
}

Result<int64_t> ScriptedChatModel::count_prompt_tokens(const ChatRequest& request) const {
  size_t bytes = request.raw_prompt.value_or("").size();
  for (const Message& message : request.messages) {
    bytes += message.text().size();
  }
  return static_cast<int64_t>(bytes);
}

Result<std::vector<CompletionScore>> ScriptedScorer::score(const CompletionScoreRequest& request) {
  ++calls_;
  std::vector<CompletionScore> scores;
  for (const std::string& completion : request.completions) {
    const double logprob = -static_cast<double>(completion.size());
    scores.push_back({.ids = {1}, .logprobs = {logprob}, .sum = logprob});
  }
  return scores;
}

Result<LabelScoreResponse> ScriptedScorer::score_labels(const LabelScoreRequest& request) {
  ++calls_;
  LabelScoreResponse response;
  for (const Conversation& prompt : request.prompts) {
    LabelScores scores;
    for (const std::string& label : request.labels) {
      scores.logprobs.push_back(script_(prompt, label));
    }
    response.scores.push_back(std::move(scores));
  }
  response.prompt_tokens = static_cast<int64_t>(request.prompts.size());
  return response;
}

}  // namespace cupel::test
