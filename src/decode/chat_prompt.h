#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/chat_model.h"
#include "core/tokenizer.h"
#include "engine/template/chat_template.h"

namespace cupel::decode {

/// The source of the chat template in the file `named`, or `own`, the model's, where none is named.
/// Errors: those of read_file; kCorruptData - the file is empty.
Result<std::string> template_source(const std::string& own, const std::string& named);
/// The template of such a source; nothing where it is empty.
/// Errors: those of ChatTemplate::parse, with `named` or the `model`'s path.
Result<std::optional<engine::ChatTemplate>> parse_template(const std::string& source,
                                                           const std::string& model,
                                                           const std::string& named);

/// Token ids of a conversation as its template writes it, the generation prompt included.
///
/// Only the template writes control tokens. What a message holds stays text, also where it reads
/// like one: otherwise an answer that is judged could end the judge's turn and answer in its place
/// (transformers and llama.cpp read such text as control tokens; `raw_prompt` does here).
/// Errors: those of the template.
Result<std::vector<TokenId>> chat_prompt_ids(const engine::ChatTemplate& chat_template,
                                             const Tokenizer& tokenizer,
                                             const ChatRequest& request);

}  // namespace cupel::decode
