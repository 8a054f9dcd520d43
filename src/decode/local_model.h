#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/chat_model.h"
#include "core/scorer.h"
#include "core/tokenizer.h"
#include "decode/constraint/constraint.h"
#include "decode/generator.h"
#include "engine/runtime/transformer.h"
#include "engine/template/chat_template.h"
#include "engine/tokenizer/fill_in_middle.h"

namespace cupel::decode {

/// How to open a model file.
struct LocalModelOptions {
  std::string path;
  std::string name;
  std::string template_path;  ///< a .jinja file instead of the template of the model file
  std::string tokenizer_pre;  ///< pre-tokenizer instead of the one the file names
  size_t max_batch = 16;
  int64_t context_length = 0;  ///< 0 = the model's own
  engine::EngineOptions engine;
};

/// A model file that runs on this machine: answers, streams and scores.
///
/// Calls may come from any thread; one thread of its own drives the engine, batching whatever is
/// there. Prompts from `messages` go through the chat template and are tokenised as the template
/// wrote them (no BOS added, as transformers does); raw prompts get the vocabulary's own BOS/EOS.
class LocalModel : public ChatModel, public Scorer {
 public:
  /// Errors: those of Checkpoint, describe_model, load_weights and load_tokenizer; kNotFound for a
  /// template file.
  static Result<std::unique_ptr<LocalModel>> open(const LocalModelOptions& options);
  /// The same of a checkpoint that is there already, such as parameters in training; tokenizer and
  /// template are those of `texts_of`.
  static Result<std::unique_ptr<LocalModel>> of_checkpoint(engine::Checkpoint file,
                                                           const engine::Checkpoint& texts_of,
                                                           const LocalModelOptions& options);
  ~LocalModel() override;

  [[nodiscard]] const std::string& name() const override { return name_; }
  /// Of everything that an answer depends on: the file's bytes, noise, template, pre-tokenizer,
  /// context length, arithmetic of the activations. The CPU level is not among them: all levels
  /// agree bit for bit on whole models (tests/engine/model/transformer_levels_test.cpp), so that a
  /// cache or a run carries over to other machines.
  /// The first call reads the whole file.
  [[nodiscard]] std::string fingerprint() const override;
  [[nodiscard]] Capabilities capabilities() const override;
  std::shared_ptr<ChatCall> submit(ChatRequest request, ChatSink sink) override;
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest& request) const override;

  Result<std::vector<CompletionScore>> score(const CompletionScoreRequest& request) override;
  Result<LabelScoreResponse> score_labels(const LabelScoreRequest& request) override;

  [[nodiscard]] const Tokenizer& tokenizer() const { return *tokenizer_; }
  [[nodiscard]] const engine::ModelDescription& description() const {
    return transformer_->description();
  }
  [[nodiscard]] const engine::Transformer& transformer() const { return *transformer_; }
  /// The prompt of a request as ids: what the model will see.
  [[nodiscard]] Result<std::vector<TokenId>> prompt_ids(const ChatRequest& request) const;

 private:
  using SharedConstraint = std::shared_ptr<constraint::TokenConstraint>;
  LocalModel() = default;
  static Result<std::unique_ptr<LocalModel>> create(std::unique_ptr<engine::Checkpoint> file,
                                                    const engine::Checkpoint& texts_of,
                                                    const LocalModelOptions& options);
  /// The constraint compiled for this vocabulary, from those of late or anew; null for none.
  Result<SharedConstraint> compiled(const OutputConstraint& wanted);
  void work();
  /// False when the model is being closed: the job will not run.
  bool post(std::function<void()> job);
  /// Runs on the engine thread, between two steps; the caller waits for what it returns or throws.
  Result<Ok> run_and_wait(const std::function<Result<Ok>()>& job);
  Result<std::vector<CompletionScore>> score_ids(
      const std::vector<TokenId>& prompt, const std::vector<std::vector<TokenId>>& completions);
  Result<Ok> score_pass(const engine::SequenceState& shared,
                        const std::vector<std::vector<TokenId>>& completions,
                        size_t begin,
                        size_t end,
                        std::vector<CompletionScore>& scores);
  Result<LabelScoreResponse> score_label_ids(const std::vector<std::vector<TokenId>>& prompts,
                                             const std::vector<std::vector<TokenId>>& variants);
  Result<Ok> label_pass(const engine::SequenceState& shared,
                        const std::vector<std::vector<TokenId>>& prompts,
                        const std::vector<std::vector<TokenId>>& variants,
                        size_t begin,
                        size_t end,
                        LabelScoreResponse& response);
  /// kInvalidArgument when that many tokens are more than the context.
  [[nodiscard]] Result<Ok> check_fits(std::string_view what, size_t tokens) const;
  /// One-token variants of each label. Errors: kUnsupported.
  [[nodiscard]] Result<std::vector<std::vector<TokenId>>> label_variants(
      const std::vector<std::string>& labels) const;

  std::string name_;
  std::string path_;
  std::string settings_;                      // what else the fingerprint is of
  std::unique_ptr<engine::Checkpoint> file_;  // kept for its fingerprint
  std::unique_ptr<Tokenizer> tokenizer_;
  std::optional<engine::FillTokens> fill_tokens_;
  std::optional<engine::ChatTemplate> template_;
  std::unique_ptr<engine::Transformer> transformer_;
  std::unique_ptr<Generator> generator_;
  int64_t context_length_ = 0;
  size_t max_batch_ = 0;

  std::mutex constraints_mutex_;
  std::shared_ptr<const constraint::VocabularyTrie> vocabulary_trie_;     // made when first needed
  std::list<std::pair<OutputConstraint, SharedConstraint>> constraints_;  // the latest first

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace cupel::decode
