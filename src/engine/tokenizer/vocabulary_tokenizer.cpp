#include "engine/tokenizer/vocabulary_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kSliceBytes = size_t{1} << 30U;  // positions inside a slice are 32 bits

}  // namespace

Result<VocabularyTokenizer::Settings> VocabularyTokenizer::make_settings(const TokenizerData& data,
                                                                         const Settings& defaults) {
  if (data.add_bos.value_or(false) && data.bos < 0) {
    return corrupt_data("tokenizer.ggml.add_bos_token is true, but there is no bos_token_id");
  }
  if (data.add_eos.value_or(false) && data.eos < 0) {
    return corrupt_data("tokenizer.ggml.add_eos_token is true, but there is no eos_token_id");
  }
  return Settings{.add_bos = data.bos >= 0 && data.add_bos.value_or(defaults.add_bos),
                  .add_eos = data.eos >= 0 && data.add_eos.value_or(defaults.add_eos),
                  .add_space_prefix = data.add_space_prefix.value_or(defaults.add_space_prefix)};
}

std::vector<TokenId> VocabularyTokenizer::encode(std::string_view text,
                                                 const EncodeOptions& options) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 4 + 2);
  if (options.add_special && settings_.add_bos) {
    ids.push_back(bos());
  }
  const SpecialTokens& specials =
      options.parse_special ? vocabulary_->specials() : vocabulary_->user_defined();
  auto plain = options.plain_at.begin();
  for (size_t at = 0; at < text.size();) {
    SpecialTokens::Match match = specials.find(text, at);
    while (match.id >= 0 && is_control(match.id)) {
      plain = std::lower_bound(plain, options.plain_at.end(), match.begin);
      if (plain == options.plain_at.end() || *plain != match.begin) {
        break;
      }
      match = specials.find(text, match.begin + 1);
    }
    const size_t end = match.id >= 0 ? match.begin : text.size();
    encode_between(text.substr(at, end - at), ids);
    if (match.id >= 0) {
      ids.push_back(match.id);
    }
    at = end + match.length;
  }
  const bool add_eos = options.add_special && settings_.add_eos;
  cut_to(options.max_tokens, options.add_special && settings_.add_bos ? 1 : 0, add_eos ? 1 : 0,
         ids);
  if (add_eos) {
    ids.push_back(eos());
  }
  return ids;
}

std::vector<size_t> VocabularyTokenizer::control_places(std::string_view text) const {
  std::vector<size_t> places;
  const SpecialTokens& specials = vocabulary_->specials();
  for (auto match = specials.find(text, 0); match.id >= 0;
       match = specials.find(text, match.begin + 1)) {
    if (is_control(match.id)) {
      places.push_back(match.begin);
    }
  }
  return places;
}

void VocabularyTokenizer::encode_between(std::string_view text, std::vector<TokenId>& ids) const {
  bool prefix = settings_.add_space_prefix;
  while (!text.empty()) {
    size_t size = text.size();
    if (size > kSliceBytes) {
      size = complete_utf8_prefix(text.substr(0, kSliceBytes));
    }
    encode_text(text.substr(0, size), prefix, ids);
    text.remove_prefix(size);
    prefix = false;
  }
}

std::string VocabularyTokenizer::token_bytes(TokenId id, bool render_special) const {
  if (!vocabulary_->contains(id) || (vocabulary_->is_control(id) && !render_special)) {
    return "";
  }
  return std::string(vocabulary_->bytes(id));
}

void VocabularyTokenizer::append_token_bytes(TokenId id, std::string& out) const {
  if (vocabulary_->contains(id) && !vocabulary_->is_control(id)) {
    out += vocabulary_->bytes(id);
  }
}

bool VocabularyTokenizer::drops_space_after(TokenId previous) const {
  if (!settings_.add_space_prefix) {
    return false;
  }
  return !vocabulary_->contains(previous) || vocabulary_->is_control(previous) ||
         vocabulary_->type(previous) == TokenType::kUserDefined;
}

std::string VocabularyTokenizer::decode(std::span<const TokenId> ids, bool render_special) const {
  std::string text;
  TokenId previous = -1;
  for (const TokenId id : ids) {
    if (vocabulary_->contains(id) && (render_special || !vocabulary_->is_control(id))) {
      std::string_view bytes = vocabulary_->bytes(id);
      if (bytes.starts_with(' ') && !vocabulary_->is_control(id) && drops_space_after(previous)) {
        bytes.remove_prefix(1);
      }
      text += bytes;
    }
    previous = id;
  }
  return text;
}

bool VocabularyTokenizer::ends_generation(TokenId id) const {
  return vocabulary_->contains(id) && vocabulary_->ends_generation(id);
}

bool VocabularyTokenizer::is_control(TokenId id) const {
  return vocabulary_->contains(id) && vocabulary_->is_control(id);
}

TokenId VocabularyTokenizer::find(std::string_view piece) const {
  const TokenId special = vocabulary_->specials().exact(piece);
  return special >= 0 ? special : vocabulary_->pieces().find(piece);
}

}  // namespace cupel::engine
