#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/tokenizer.h"

namespace cupel::engine {

/// The tokens of a vocabulary that code models fill gaps with (Bavarian et al. 2022, arXiv
/// 2207.14255): those of StarCoder and Stable Code, Qwen Coder and CodeGemma, DeepSeek Coder.
struct FillTokens {
  TokenId prefix = -1;
  TokenId suffix = -1;
  TokenId middle = -1;
  std::vector<TokenId> ends;  ///< these three, the padding and what begins another file
};
/// Nothing where the vocabulary has none.
std::optional<FillTokens> find_fill_tokens(const Tokenizer& tokenizer);
/// The prefix tokens of all vocabularies that are known, for messages.
std::string fill_token_names();

/// The prompt whose continuation stands between two texts, in the order prefix, suffix, middle:
/// [prefix] before [suffix] after [middle]. Each text is encoded by itself, control tokens in it as
/// plain text; where the vocabulary begins texts with BOS, the prompt does.
std::vector<TokenId> fill_prompt(const Tokenizer& tokenizer,
                                 const FillTokens& tokens,
                                 std::string_view before,
                                 std::string_view after);

}  // namespace cupel::engine
