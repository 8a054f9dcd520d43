#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/template/chat_template.h"
#include "train/data/example.h"
#include "train/data/loss_mask.h"
#include "train/data/row.h"
#include "train/data/truncation.h"

namespace cupel::train {

struct TokenizeOptions {
  LossOn loss_on = LossOn::kAssistantAll;
  /// Weight of instruction tokens under kInstruction, ≥ 0: 0 is instruction tuning, 1 is
  /// instruction modelling (Shi et al. 2024).
  double prompt_loss_weight = 1;
  int64_t max_length = 2048;  ///< ≥ 2
  Truncation truncation = Truncation::kKeepStart;
  bool keep_roles = false;  ///< examples say of each token what it is of
  Json template_variables;  ///< further ones of the chat template, or null
  engine::RenderOptions render;
};

/// Turns rows into examples.
///
/// Conversations go through the chat template, tokenised as one text (loss_mask.h). Plain texts are
/// tokenised as one text too, BOS before it where the vocabulary asks for it, EOS behind it; no
/// control token is read in them. Row weights multiply the weights of labels.
/// Thread-safe.
class RowTokenizer {
 public:
  /// `chat_template` may be null: conversations are then refused. Both must outlive the object.
  /// Errors: kInvalidArgument - an option outside its range.
  static Result<RowTokenizer> create(const Tokenizer& tokenizer,
                                     const engine::ChatTemplate* chat_template,
                                     TokenizeOptions options);

  /// Appends what supervised training learns from a row of the form text, messages or prompt and
  /// completion. Errors: kInvalidArgument - another form; those of label_conversation;
  /// kFailedPrecondition - a conversation, but no chat template.
  Result<Fit> add_example(const Row& row, std::vector<Example>& out) const;

  /// Appends the answers of a preference, ranked or unpaired row, which share their prompt's ids.
  /// Plain answers whose first token would merge with the prompt's last one are tokenised apart;
  /// `retokenized` counts them. Errors: as add_example.
  Result<Fit> add_group(const Row& row, std::vector<ExampleGroup>& out, int64_t& retokenized) const;

  /// The ids of each answer of a row of plain texts, its prompt before it, as `add_group` makes
  /// them (of a text alone, as `add_example`), before any truncation. A conversation is a bug.
  [[nodiscard]] std::vector<std::vector<TokenId>> text_ids(const Row& row) const;

  /// The tokens of a response with their roles, before any truncation.
  [[nodiscard]] Result<LabelledTokens> label(const Row& row, size_t response) const;

 private:
  RowTokenizer(const Tokenizer& tokenizer,
               const engine::ChatTemplate* chat_template,
               TokenizeOptions options)
      : tokenizer_(&tokenizer), chat_template_(chat_template), options_(std::move(options)) {}
  [[nodiscard]] Result<LabelledTokens> label_messages(const Row& row, size_t response) const;
  [[nodiscard]] LabelledTokens label_text(const Row& row, size_t response) const;
  /// Where prompt and response meet in the tokens of both as one text.
  enum class Seam {
    kClean,    ///< between two tokens
    kMerged,   ///< within a token
    kUnclear,  ///< in a stretch that the tokenizer rewrites
  };
  struct Joined {
    LabelledTokens tokens;
    Seam seam = Seam::kClean;
  };
  [[nodiscard]] Joined join_texts(const std::string& prompt,
                                  const std::string& response,
                                  bool apart) const;
  /// Whether answers are tokenised apart from their prompt, so that all have its ids before them.
  [[nodiscard]] bool stands_apart(const Row& row) const;
  [[nodiscard]] Result<std::vector<Example>> answers_of(const Row& row, bool apart) const;
  [[nodiscard]] Example example_of(const Row& row, LabelledTokens tokens, LossOn loss_on) const;

  const Tokenizer* tokenizer_;
  const engine::ChatTemplate* chat_template_;
  TokenizeOptions options_;
};

}  // namespace cupel::train
