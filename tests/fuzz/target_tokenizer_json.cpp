// A tokenizer.json, and behind the first zero byte a text that goes through it and back.
#include "engine/tokenizer/from_json.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {
namespace {

void check_ids(const Tokenizer& tokenizer, const std::vector<TokenId>& ids) {
  for (const TokenId id : ids) {
    CUPEL_CHECK(id >= 0 && static_cast<size_t>(id) < tokenizer.vocabulary_size(),
                "an id outside the vocabulary");
  }
}

}  // namespace

void tokenizer_json(std::span<const uint8_t> input) {
  const auto [file, text] = split_at_zero(text_of(input));
  const auto loaded = engine::tokenizer_from_json(file);
  if (!loaded) {
    check_error(loaded.error());
    return;
  }
  const Tokenizer& tokenizer = **loaded;
  for (const std::string_view words : {text, std::string_view("Ab 12\xC3\xA9 <s>\xFF\n\tz")}) {
    const auto ids = tokenizer.encode(words, {.add_special = true, .parse_special = true});
    check_ids(tokenizer, ids);
    check_ids(tokenizer, tokenizer.encode(words, {}));
    (void)tokenizer.decode(ids, true);
    (void)tokenizer.control_places(words);
    StreamDecoder decoder(tokenizer);
    std::string streamed;
    for (const TokenId id : ids) {
      decoder.append(id, streamed);
    }
    streamed += decoder.flush();
  }
  // Ids that no vocabulary has.
  (void)tokenizer.decode(std::vector<TokenId>{-1, INT32_MAX}, true);
}

}  // namespace cupel::fuzz
