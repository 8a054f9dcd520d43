// Offsets of tokens over the published vocabularies (read in place): the bytes of every token are
// found again in all their texts, or listed as unclear where the vocabulary rewrites text.
#include <filesystem>

#include <gtest/gtest.h>

#include "core/token_offsets.h"
#include "engine/tokenizer_fixtures.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

/// Bytes of a text that are not told apart, and whether all others are those of their tokens.
size_t unclear_bytes(const Tokenizer& tokenizer, const std::string& text) {
  const std::vector<TokenId> ids = tokenizer.encode(text, {});
  const TokenOffsets offsets = token_offsets(tokenizer, text, ids);
  EXPECT_TRUE(std::is_sorted(offsets.begin.begin(), offsets.begin.end()));
  std::vector<bool> unclear(ids.size());
  size_t bytes = 0;
  for (const TokenOffsets::Unclear& part : offsets.unclear) {
    bytes += part.end - part.begin;
    std::fill(unclear.begin() + static_cast<std::ptrdiff_t>(part.first),
              unclear.begin() + static_cast<std::ptrdiff_t>(part.last), true);
  }
  for (size_t i = 0; i < ids.size(); ++i) {
    const std::string token = tokenizer.token_bytes(ids[i], true);
    const std::string_view here = std::string_view(text).substr(offsets.begin[i]);
    const bool found =
        here.starts_with(token) || (token.starts_with(' ') && here.starts_with(token.substr(1)));
    EXPECT_TRUE(unclear[i] || found) << text << ": token " << i;
  }
  return bytes;
}

TEST(TokenOffsets, AreFoundInAllTextsOfThePublishedVocabularies) {
  const std::string folder = test::shared_data("tokenizers");
  CUPEL_SKIP_UNLESS(folder, "no published vocabularies are here: their offsets are not shown");
  size_t exact = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".gguf") {
      continue;
    }
    const auto tokenizer = test::open_tokenizer(entry.path().string());
    ASSERT_NE(tokenizer, nullptr);
    std::string lines = entry.path().string();
    lines.replace(lines.rfind(".gguf"), 5, ".jsonl");
    if (!std::filesystem::exists(lines)) {
      continue;
    }
    size_t bytes = 0;
    const auto row = [&](Json&& line, size_t /*number*/) -> Result<Ok> {
      if (const Json* text = line.find("text"); text != nullptr) {
        bytes += unclear_bytes(*tokenizer, text->as_string());
      }
      return Ok{};
    };
    ASSERT_TRUE(for_each_jsonl_file(lines, row).has_value());
    exact += bytes == 0 ? 1 : 0;
  }
  // All but WordPiece, which lowers text and drops blanks.
  EXPECT_GE(exact, 9U);
}

}  // namespace
}  // namespace cupel::engine
