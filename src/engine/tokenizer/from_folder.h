#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"

namespace cupel::engine {

/// What a model says about its texts, whatever the format of its files.
struct ModelTexts {
  std::unique_ptr<Tokenizer> tokenizer;
  std::string chat_template;  ///< Jinja source; empty: none
  // Ids are -1 where the model names none.
  TokenId bos = -1;
  TokenId eos = -1;
  TokenId padding = -1;
  TokenId unknown = -1;
  bool add_bos = false;  ///< encode puts BOS before a text when special tokens are asked for
  bool add_eos = false;
};

/// From a folder of Hugging Face files: tokenizer.json, and what is there of
/// tokenizer_config.json (special tokens, flags, added tokens, chat template),
/// special_tokens_map.json, generation_config.json and config.json (ids that end generation),
/// sentence_bert_config.json (do_lower_case), and chat_template.jinja or chat_template.json. Where
/// several say the same, the first of these counts; of several named templates it is "default".
/// Errors: kNotFound - no tokenizer.json; those of load_tokenizer_json; kCorruptData - another file
/// is damaged, or names a token that is not there; kUnsupported - named templates without a
/// "default". Each names the file.
Result<ModelTexts> load_texts_from_folder(const std::string& folder);

/// The same of an open checkpoint of any format. Errors: those of load_tokenizer or of
/// load_texts_from_folder.
Result<ModelTexts> load_texts(const Checkpoint& file, const TokenizerOptions& options = {});

}  // namespace cupel::engine
