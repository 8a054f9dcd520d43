#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "core/tokenizer.h"
#include "engine/tokenizer/json/json_at.h"

namespace cupel::engine {

/// Ids that stand around a text when special tokens are asked for.
struct TokenFrame {
  std::vector<TokenId> before;
  std::vector<TokenId> after;
};

/// What the "post_processor" of a tokenizer.json does to one text; `size`: one more than the
/// largest id.
///
/// Known: Sequence, TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel. Errors:
/// kUnsupported - another one (named by its path), a template that has the text not exactly once,
/// a processor that adds tokens behind a template that does; kCorruptData - a member is absent or
/// mistyped, an id is out of range.
Result<TokenFrame> read_frame(const std::optional<JsonAt>& json, size_t size);

}  // namespace cupel::engine
