#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/tokenizer.h"

namespace cupel {
namespace {

/// Tokens are whatever bytes the test lists; a blank after the start is dropped when asked for.
class ListedTokens final : public Tokenizer {
 public:
  explicit ListedTokens(std::vector<std::string> pieces, bool drops_space = false)
      : pieces_(std::move(pieces)), drops_space_(drops_space) {}
  std::vector<TokenId> encode(std::string_view, const EncodeOptions&) const override { return {}; }
  std::string token_bytes(TokenId id, bool) const override {
    return pieces_[static_cast<size_t>(id)];
  }
  std::string decode(std::span<const TokenId>, bool) const override { return ""; }
  bool drops_space_after(TokenId previous) const override { return drops_space_ && previous < 0; }
  size_t vocabulary_size() const override { return pieces_.size(); }
  TokenId bos() const override { return -1; }
  TokenId eos() const override { return -1; }
  bool ends_generation(TokenId) const override { return false; }
  bool is_control(TokenId) const override { return false; }
  TokenId find(std::string_view) const override { return -1; }

 private:
  std::vector<std::string> pieces_;
  bool drops_space_;
};

TEST(StreamDecoder, HoldsBackAnUnfinishedCharacter) {
  const ListedTokens tokens({"a\xF0\x9F", "\x99\x82", "b"});
  StreamDecoder decoder(tokens);
  EXPECT_EQ(decoder.push(0), "a");
  EXPECT_EQ(decoder.push(1), "🙂");
  EXPECT_EQ(decoder.push(2), "b");
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamDecoder, ReplacesWhatStaysUnfinished) {
  const ListedTokens tokens({"\xE2\x82"});
  StreamDecoder decoder(tokens);
  EXPECT_EQ(decoder.push(0), "");
  EXPECT_EQ(decoder.flush(), "\uFFFD\uFFFD");  // one a byte, as to_valid_utf8
  EXPECT_EQ(decoder.flush(), "");
}

TEST(StreamDecoder, ReplacesBytesThatBeginNoCharacterAtOnce) {
  const ListedTokens tokens({"\xFF", "a", "\xE2", "b"});
  StreamDecoder decoder(tokens);
  EXPECT_EQ(decoder.push(0), "\uFFFD");
  EXPECT_EQ(decoder.push(1), "a");
  EXPECT_EQ(decoder.push(2), "");
  EXPECT_EQ(decoder.push(3), "\uFFFDb");
}

TEST(StreamDecoder, DropsTheBlankThatEncodingPutBeforeTheText) {
  const ListedTokens tokens({" one", " two"}, true);
  StreamDecoder decoder(tokens);
  EXPECT_EQ(decoder.push(0), "one");
  EXPECT_EQ(decoder.push(1), " two");
}

}  // namespace
}  // namespace cupel
