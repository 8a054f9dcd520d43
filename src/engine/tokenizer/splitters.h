#pragma once

#include <string_view>
#include <vector>

namespace cupel::engine {

/// Pieces of a text in order; together they are the text.
using Pieces = std::vector<std::string_view>;

// The commonest word splitters written out by hand: several times as fast as their patterns in
// pre_tokenizers.def, and equal to them on every text (tests/engine/tokenizer_splitter_test.cpp).
// They append to `pieces`; the text must be valid UTF-8.

/// GPT-2's pattern.
void split_gpt2(std::string_view text, Pieces& pieces);
/// Every number character alone, then GPT-2's pattern on what lies between (StarCoder, SmolLM, …).
void split_digits_gpt2(std::string_view text, Pieces& pieces);
/// Llama 3's pattern: numbers in groups of up to three.
void split_llama3(std::string_view text, Pieces& pieces);
/// Qwen 2's pattern: as Llama 3's, every number character alone.
void split_qwen2(std::string_view text, Pieces& pieces);

}  // namespace cupel::engine
