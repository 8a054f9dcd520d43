#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "core/tokenizer.h"
#include "decode/local_model.h"
#include "engine/template/chat_template.h"

namespace cupel::decode {

/// A model that reads texts, without the machinery that writes them.
struct ReadingModel {
  std::string path;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<engine::Transformer> transformer;
  TokenId bos = -1;           ///< put before each window; -1: none
  std::string own_template;   ///< source of the file's chat template; empty: it has none
  std::string template_path;  ///< of the one that is read instead; empty: none

  /// Errors: as LocalModel::open, but for the chat template, which is not read yet.
  static Result<ReadingModel> open(const LocalModelOptions& options);

  /// Nothing where there is none. Errors: those of open_template.
  [[nodiscard]] Result<std::optional<engine::ChatTemplate>> chat_template() const;
};

/// Whether both give logits to as many ids and mean the same bytes by each id that both name. Names
/// of padding rows, which only some formats write down, do not count. O(vocabulary).
bool same_vocabulary(const ReadingModel& a, const ReadingModel& b);

}  // namespace cupel::decode
