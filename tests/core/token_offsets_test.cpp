#include "core/token_offsets.h"

#include <map>

#include <gtest/gtest.h>

namespace cupel {
namespace {

/// Tokens are listed with their bytes; <…> are control tokens.
class ListedTokens final : public Tokenizer {
 public:
  explicit ListedTokens(std::vector<std::string> tokens) : tokens_(std::move(tokens)) {}
  [[nodiscard]] std::vector<TokenId> encode(std::string_view, const EncodeOptions&) const override {
    return {};
  }
  [[nodiscard]] std::string token_bytes(TokenId id, bool render_special) const override {
    return is_control(id) && !render_special ? "" : tokens_[static_cast<size_t>(id)];
  }
  [[nodiscard]] std::string decode(std::span<const TokenId>, bool) const override { return ""; }
  [[nodiscard]] size_t vocabulary_size() const override { return tokens_.size(); }
  [[nodiscard]] TokenId bos() const override { return -1; }
  [[nodiscard]] TokenId eos() const override { return -1; }
  [[nodiscard]] bool ends_generation(TokenId) const override { return false; }
  [[nodiscard]] bool is_control(TokenId id) const override {
    const std::string& token = tokens_[static_cast<size_t>(id)];
    return token.starts_with('<') && token.ends_with('>');
  }
  [[nodiscard]] TokenId find(std::string_view) const override { return -1; }

 private:
  std::vector<std::string> tokens_;
};

std::string show(const TokenOffsets& offsets) {
  std::string text;
  for (const size_t begin : offsets.begin) {
    text += std::to_string(begin) + " ";
  }
  for (const auto& unclear : offsets.unclear) {
    text += "[" + std::to_string(unclear.first) + "," + std::to_string(unclear.last) +
            ")=" + std::to_string(unclear.begin) + "-" + std::to_string(unclear.end) + " ";
  }
  return text;
}

std::string find(std::vector<std::string> tokens,
                 std::string_view text,
                 const std::vector<size_t>& plain_at = {}) {
  std::vector<TokenId> ids;
  for (size_t i = 0; i < tokens.size(); ++i) {
    ids.push_back(static_cast<TokenId>(i));
  }
  return show(token_offsets(ListedTokens(std::move(tokens)), text, ids, plain_at));
}

TEST(TokenOffsets, AreThoseOfTheBytes) {
  EXPECT_EQ(find({"he", "llo", " wor", "ld"}, "hello world"), "0 2 5 9 ");
  EXPECT_EQ(find({}, ""), "");
}

TEST(TokenOffsets, ABlankThatWasPutBeforeTheTextHasNoPlace) {
  EXPECT_EQ(find({" he", "llo"}, "hello"), "0 2 ");
  EXPECT_EQ(find({"<s>", " hi", "</s>", " you"}, "<s>hi</s>you"), "0 3 5 9 ");
  // A text that begins with a blank itself: "▁" "▁hi" is one blank and the text's " hi".
  EXPECT_EQ(find({" ", " hi"}, " hi"), "0 0 ");
  EXPECT_EQ(find({"  ", "hi"}, " hi"), "0 1 ");
}

TEST(TokenOffsets, ControlTokensAreFoundWhereTheyAreControlTokens) {
  // What stands at 1 reads like the token, but is plain.
  EXPECT_EQ(find({"x", "<", "e>", "<e>", "y"}, "x<e><e>y", {1}), "0 1 2 4 7 ");
}

TEST(TokenOffsets, OneChangeDoesNotSpoilTheRest) {
  // "é" was composed; what stands around it is found from both ends.
  EXPECT_EQ(find({"caf", "\u00e9", " au", " lait"}, "cafe\u0301 au lait"), "0 3 6 9 [1,2)=3-6 ");
  EXPECT_EQ(find({"A", "<e>", "b"}, "a<e>b"), "0 1 4 [0,1)=0-1 ");
  // Bytes for which there is no token.
  EXPECT_EQ(find({"a", "b"}, "a?b"), "0 2 [1,1)=1-2 ");
}

}  // namespace
}  // namespace cupel
