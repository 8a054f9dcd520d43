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

TEST(TokenizerFromGguf, TakesThePreTokenizerFromTheOptions) {
  GgufHeader header = small_header();
  header.set_string("tokenizer.ggml.pre", "newer-than-we");
  EXPECT_NE(load(header).error.find("small.gguf: pre-tokenizer \"newer-than-we\""),
            std::string::npos);
  EXPECT_NE(load(header, {.pre = "gpt-2"}).tokenizer, nullptr);
}

}  // namespace
}  // namespace cupel::engine
