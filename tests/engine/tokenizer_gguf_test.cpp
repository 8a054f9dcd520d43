#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/gguf_sample.h"
#include "engine/tokenizer/from_gguf.h"

namespace cupel::engine {
namespace {

/// A "gpt2" vocabulary of four tokens.
GgufHeader small_header() {
  GgufHeader header;
  header.set_string("tokenizer.ggml.model", "gpt2");
  header.set_string("tokenizer.ggml.pre", "gpt-2");
  const std::vector<std::string_view> tokens{"a", "b", "ab", "<|eot_id|>"};
  header.set_string_array("tokenizer.ggml.tokens", tokens);
  const std::vector<int32_t> types{1, 1, 1, 3};
  header.set_array("tokenizer.ggml.token_type", std::span<const int32_t>(types));
  const std::vector<std::string_view> merges{"a b"};
  header.set_string_array("tokenizer.ggml.merges", merges);
  header.set("tokenizer.ggml.eos_token_id", uint32_t{3});
  return header;
}

struct Loaded {
  std::unique_ptr<Tokenizer> tokenizer;
  std::string error;
};
Loaded load(const GgufHeader& header, const TokenizerOptions& options = {}) {
  const std::string bytes = header.encode();
  const auto file = Checkpoint::from_bytes(test::bytes_of(bytes), "small.gguf");
  EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message);
  auto tokenizer = load_tokenizer(*file, options);
  if (!tokenizer) {
    return {nullptr, tokenizer.error().message};
  }
  return {std::move(tokenizer).value(), ""};
}

TEST(TokenizerFromGguf, OutlivesTheFile) {
  const Loaded loaded = load(small_header());
  ASSERT_NE(loaded.tokenizer, nullptr) << loaded.error;
  EXPECT_EQ(loaded.tokenizer->encode("abb", {}), (std::vector<TokenId>{2, 1}));
  EXPECT_TRUE(loaded.tokenizer->ends_generation(3));
  EXPECT_EQ(loaded.tokenizer->bos(), -1);
}

TEST(TokenizerFromGguf, EndsGenerationAtTheIdsOfTheFile) {
  GgufHeader header = small_header();
  header.set("tokenizer.ggml.eot_token_id", uint64_t{2});
  const Loaded loaded = load(header);
  ASSERT_NE(loaded.tokenizer, nullptr) << loaded.error;
  EXPECT_TRUE(loaded.tokenizer->ends_generation(2));
}

TEST(TokenizerFromGguf, NamesFileAndKeyOfWhatIsWrong) {
  GgufHeader header;
  header.set_string("general.architecture", "llama");
  EXPECT_EQ(load(header).error, "small.gguf: no tokenizer.ggml.model: the file holds no tokenizer");

  header = small_header();
  header.set("tokenizer.ggml.tokens", uint32_t{4});
  const std::string mistyped = load(header).error;
  EXPECT_NE(mistyped.find("small.gguf"), std::string::npos) << mistyped;
  EXPECT_NE(mistyped.find("tokenizer.ggml.tokens"), std::string::npos) << mistyped;

  header = small_header();
  header.set("tokenizer.ggml.bos_token_id", uint32_t{99});
  EXPECT_EQ(load(header).error,
            "small.gguf: tokenizer.ggml.bos_token_id is 99, but the vocabulary has 4 tokens");
  header.set("tokenizer.ggml.bos_token_id", uint32_t{0xFFFFFFFF});
  EXPECT_EQ(load(header).error, "");
}

/// A "bert" vocabulary as converters write it.
GgufHeader word_piece_header(const std::vector<std::string_view>& tokens) {
  GgufHeader header;
  header.set_string("tokenizer.ggml.model", "bert");
  header.set_string_array("tokenizer.ggml.tokens", tokens);
  return header;
}

// Cut by hand: "un" begins a word, "able" goes on; what has upper case keeps it.
TEST(TokenizerFromGguf, ReadsWordPieceWithoutTypesAndIds) {
  const Loaded lower = load(word_piece_header(
      {"[UNK]", "[CLS]", "[SEP]", "\u2581un", "able", "\u2581\u00e9", "\u2581e"}));
  ASSERT_NE(lower.tokenizer, nullptr) << lower.error;
  using Ids = std::vector<TokenId>;
  EXPECT_EQ(lower.tokenizer->encode("UNable able", {.add_special = true}), (Ids{1, 3, 4, 0, 2}));
  EXPECT_EQ(lower.tokenizer->encode("\u00c9", {}), Ids{6});  // lowered and without its accent
  const Loaded cased =
      load(word_piece_header({"[UNK]", "[CLS]", "[SEP]", "\u2581un", "able", "\u2581Un"}));
  ASSERT_NE(cased.tokenizer, nullptr) << cased.error;
  EXPECT_EQ(cased.tokenizer->encode("unable Unable UNABLE", {}), (Ids{3, 4, 5, 4, 0}));
}

TEST(TokenizerFromGguf, RefusesBrokenWordPiece) {
  EXPECT_EQ(load(word_piece_header({"a", "[CLS]", "[SEP]"})).error,
            "small.gguf: tokenizer.ggml.tokens holds no [UNK], which BERT's texts need");
  EXPECT_EQ(load(word_piece_header({})).error,
            "small.gguf: tokenizer.ggml.tokens is empty: the file holds no vocabulary");
  EXPECT_EQ(load(word_piece_header({"[UNK]", "[CLS]", "[SEP]", "a", "a"})).error,
            "small.gguf: tokenizer.ggml.tokens: tokens 3 and 4 have the same text \"a\"");
  EXPECT_EQ(load(word_piece_header({"[UNK]", "[CLS]", "[SEP]", "\xff"})).error,
            "small.gguf: tokenizer.ggml.tokens: token 3 is no UTF-8 text");
  GgufHeader far = word_piece_header({"[UNK]", "[CLS]", "[SEP]"});
  far.set("tokenizer.ggml.cls_token_id", uint32_t{7});
  EXPECT_EQ(load(far).error,
            "small.gguf: tokenizer.ggml: the id 7 stands for [CLS], but there are 3 tokens");
}

TEST(TokenizerFromGguf, RefusesOtherKindsByName) {
  GgufHeader header = word_piece_header({"a"});
  header.set_string("tokenizer.ggml.model", "t5");
  const std::string error = load(header).error;
  EXPECT_NE(error.find("small.gguf: tokenizer.ggml.model is \"t5\""), std::string::npos) << error;
}

TEST(TokenizerFromGguf, TakesThePreTokenizerFromTheOptions) {
  GgufHeader header = small_header();
  header.set_string("tokenizer.ggml.pre", "newer-than-we");
  EXPECT_NE(load(header).error.find("small.gguf: pre-tokenizer \"newer-than-we\""),
            std::string::npos);
  EXPECT_NE(load(header, {.pre = "gpt-2"}).tokenizer, nullptr);
}

}  // namespace
}  // namespace cupel::engine
