#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/reward_model.h"
#include "core/tokenizer.h"
#include "decode/local_model.h"
#include "engine/runtime/transformer.h"
#include "engine/template/chat_template.h"

namespace cupel::decode {

/// A reward model's file or folder on this machine: the numbers that its head gives at the last
/// token of a text. One thread at a time.
class LocalRewardModel : public RewardModel {
 public:
  /// Errors: as LocalModel::open; kInvalidArgument - a model without such a head.
  static Result<std::unique_ptr<LocalRewardModel>> open(const LocalModelOptions& options);

  /// Numbers of the head.
  [[nodiscard]] int64_t outputs() const { return transformer_->description().outputs; }
  /// Of the head's outputs the mean. Errors: kFailedPrecondition - no chat template; those of
  /// `rate`.
  Result<std::vector<double>> rewards(const Conversation& prompt,
                                      std::span<const std::string> answers) override;

  [[nodiscard]] const Tokenizer& tokenizer() const { return *tokenizer_; }
  /// Messages (and tools, or null) through the chat template, the last answer included.
  /// Errors: kFailedPrecondition - there is none; those of the template.
  [[nodiscard]] Result<std::vector<TokenId>> conversation_ids(const Json& messages,
                                                              const Json& tools = {}) const;
  /// All outputs of each text, which are computed together. Errors: kInvalidArgument - an empty
  /// text, or one longer than the context; kExhausted - the cache.
  Result<std::vector<std::vector<double>>> rate(std::span<const std::vector<TokenId>> texts);

 private:
  LocalRewardModel() = default;
  std::string path_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<engine::ChatTemplate> template_;
  std::unique_ptr<engine::Transformer> transformer_;
};

}  // namespace cupel::decode
