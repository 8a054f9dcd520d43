#include "engine/tokenizer/json/added_tokens.h"

#include <algorithm>

#include "base/regex.h"
#include "base/text.h"
#include "engine/tokenizer/json/unicode_forms.h"

namespace cupel::engine {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 24U;
// Added tokens are normalised when a file is read: what that may make of all of them by the growth
// of the steps (time), and what it does make (memory). Published files stay below a megabyte.
constexpr double kMostNormalizing = 1U << 30U;
constexpr size_t kMostNormalized = size_t{64} << 20U;

Result<Ok> check_normalizing(std::span<const AddedToken> tokens, const Normalizer& normalizer) {
  size_t bytes = 0;
  for (const AddedToken& token : tokens) {
    bytes += token.normalized ? token.content.size() : 0;
  }
  if (static_cast<double>(bytes) * normalizer.growth() > kMostNormalizing) {
    return unsupported(
        "added_tokens: {} bytes that are normalised may become {} times as many; at most {} are "
        "supported",
        bytes, normalizer.growth(), kMostNormalizing);
  }
  return Ok{};
}

/// The character that ends right before `end` (> 0).
CodePoint char_before(std::string_view text, size_t end) {
  size_t at = end - 1;
  while (at > 0 && end - at < 4 && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80) {
    --at;
  }
  CodePoint c = decode_utf8(text, at);
  c.length = static_cast<uint8_t>(end - at);
  return c;
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  const bool before = begin > 0 && is_word(char_before(text, begin).value);
  const bool after = end < text.size() && is_word(decode_utf8(text, end).value);
  return !before && !after;
}

size_t space_begin(std::string_view text, size_t end, size_t first) {
  while (end > first) {
    const CodePoint c = char_before(text, end);
    if (!is_white_space(c.value) || end - first < c.length) {
      break;
    }
    end -= c.length;
  }
  return end;
}

size_t space_end(std::string_view text, size_t begin) {
  while (begin < text.size()) {
    const CodePoint c = decode_utf8(text, begin);
    if (!is_white_space(c.value)) {
      break;
    }
    begin += c.length;
  }
  return begin;
}

}  // namespace

Result<AddedToken> read_added_token(const JsonAt& json, std::optional<int64_t> id) {
  if (!json.value().is_object()) {
    return json.mistyped("an object with id and content");
  }
  AddedToken token;
  if (!id) {
    CUPEL_TRY(const JsonAt at, json.member("id"));
    CUPEL_TRY(id, at.integer());
  }
  if (*id < 0 || *id >= kMaxTokens) {
    return corrupt_data("{} has the id {}; expected 0 to {}", json.name(), *id, kMaxTokens - 1);
  }
  token.id = static_cast<TokenId>(*id);
  CUPEL_TRY(token.content, json.text("content"));
  CUPEL_TRY(token.special, json.flag_or("special", false));
  CUPEL_TRY(token.single_word, json.flag_or("single_word", false));
  CUPEL_TRY(token.lstrip, json.flag_or("lstrip", false));
  CUPEL_TRY(token.rstrip, json.flag_or("rstrip", false));
  CUPEL_TRY(token.normalized, json.flag_or("normalized", !token.special));
  return token;
}

Result<AddedTokens> AddedTokens::create(std::vector<AddedToken> tokens,
                                        const ModelTokens& model,
                                        const Normalizer* normalizer) {
  AddedTokens result;
  const size_t end = model.size() + tokens.size() + static_cast<size_t>(kMostIdGaps);
  for (AddedToken& token : tokens) {
    if (static_cast<size_t>(token.id) >= end) {
      return corrupt_data("added_tokens: \"{}\" has the id {}; expected 0 to {}",
                          printable(token.content), token.id, end - 1);
    }
    if (!token.content.empty()) {  // an empty one is never found: left out, as in the original
      CUPEL_TRY_VOID(result.add(std::move(token), model));
    }
  }
  if (normalizer != nullptr) {
    CUPEL_TRY_VOID(check_normalizing(result.tokens_, *normalizer));
  }
  CUPEL_TRY_VOID(result.index(normalizer));
  return result;
}

Result<Ok> AddedTokens::add(AddedToken token, const ModelTokens& model) {
  const TokenId in_model = model.find(token.content);
  if (in_model >= 0 && model.contains(token.id) && model.text(token.id) == token.content) {
    token.id = in_model;  // a text that the model has twice
  }
  if (in_model >= 0 && in_model != token.id) {
    return corrupt_data(
        "added_tokens: \"{}\" has the id {}, but {} in model.vocab; text would have two readings",
        printable(token.content), token.id, in_model);
  }
  if (in_model < 0 && model.contains(token.id)) {
    return corrupt_data("added_tokens: \"{}\" has the id {}, which is \"{}\" in model.vocab",
                        printable(token.content), token.id, printable(model.text(token.id)));
  }
  const auto [known, is_new] = by_content_.emplace(token.content, token.id);
  if (!is_new && known->second != token.id) {
    return corrupt_data("added_tokens: \"{}\" has the ids {} and {}", printable(token.content),
                        known->second, token.id);
  }
  id_end_ = std::max(id_end_, static_cast<size_t>(token.id) + 1);
  const auto [slot, is_first] = by_id_.emplace(token.id, tokens_.size());
  if (is_first) {
    tokens_.push_back(std::move(token));
    return Ok{};
  }
  AddedToken& earlier = tokens_[slot->second];
  if (earlier.content != token.content) {
    return corrupt_data("added_tokens: \"{}\" and \"{}\" have the same id {}",
                        printable(earlier.content), printable(token.content), token.id);
  }
  earlier = std::move(token);
  return Ok{};
}

Result<Ok> AddedTokens::index(const Normalizer* normalizer) {
  std::vector<SpecialTokens::Entry> raw;
  std::vector<SpecialTokens::Entry> normalized;
  std::vector<SpecialTokens::Entry> special;
  std::unordered_set<std::string_view> taken;
  size_t normalized_bytes = 0;
  const RegexBudget budget;
  // Of two tokens that normalise to the same text the first counts, special ones before the others.
  for (const bool wanted : {true, false}) {
    for (AddedToken& token : tokens_) {
      if (token.special != wanted) {
        continue;
      }
      texts_.push_back(std::make_unique<const std::string>(token.content));
      const std::string_view content = *texts_.back();
      token.shown = content;
      if (token.special) {
        special_.insert(content);
        special.push_back({content, token.id});
      }
      if (!token.normalized) {
        raw.push_back({content, token.id});
        continue;
      }
      CharText text = to_chars(token.content, 0);
      if (normalizer != nullptr) {
        normalizer->apply(text);
      }
      if (budget.exceeded()) {
        return unsupported(
            "normalizer: a pattern of its steps takes too long on the added tokens: it gave up on "
            "\"{}\"",
            printable(token.content));
      }
      texts_.push_back(std::make_unique<const std::string>(to_utf8(text.chars)));
      token.shown = *texts_.back();
      normalized_bytes += texts_.back()->size();
      if (normalized_bytes > kMostNormalized) {
        return unsupported("added_tokens take more than {} bytes once they are normalised",
                           kMostNormalized);
      }
      if (taken.insert(*texts_.back()).second) {
        normalized.push_back({*texts_.back(), token.id});
        normalized_special_ = normalized_special_ || token.special;
      }
    }
  }
  raw_ = SpecialTokens(std::move(raw));
  normalized_ = SpecialTokens(std::move(normalized));
  special_texts_ = SpecialTokens(std::move(special));
  return Ok{};
}

std::vector<AddedSegment> AddedTokens::cut_raw(std::string_view text,
                                               const Options& options) const {
  return cut(text, raw_, options);
}

std::vector<AddedSegment> AddedTokens::cut_normalized(std::string_view text,
                                                      const Options& options) const {
  return cut(text, normalized_, options);
}

std::vector<AddedSegment> AddedTokens::cut(std::string_view text,
                                           const SpecialTokens& tokens,
                                           const Options& options) const {
  std::vector<AddedSegment> segments;
  size_t done = 0;
  for (size_t from = 0; from < text.size();) {
    const SpecialTokens::Match match = tokens.find(text, from);
    if (match.id < 0) {
      break;
    }
    size_t begin = match.begin;
    size_t end = match.begin + match.length;
    from = end;  // also past a match that does not count, as in the original
    const AddedToken& token = *find(match.id);
    if (token.special && !options.special) {
      continue;
    }
    if (token.special && std::ranges::binary_search(options.plain_at, match.begin)) {
      from = match.begin + 1;
      continue;
    }
    if (token.single_word && !stands_alone(text, begin, end)) {
      continue;
    }
    begin = token.lstrip ? std::max(space_begin(text, begin, done), done) : begin;
    end = token.rstrip ? space_end(text, end) : end;
    if (done < begin) {
      segments.push_back({done, begin, -1});
    }
    if (begin < end) {  // else the token before took its white space along
      segments.push_back({begin, end, match.id});
    }
    done = end;
  }
  if (done < text.size()) {
    segments.push_back({done, text.size(), -1});
  }
  return segments;
}

const AddedToken* AddedTokens::find(TokenId id) const {
  const auto at = by_id_.find(id);
  return at == by_id_.end() ? nullptr : &tokens_[at->second];
}

TokenId AddedTokens::find(std::string_view content) const {
  const auto at = by_content_.find(std::string(content));
  return at == by_content_.end() ? -1 : at->second;
}

}  // namespace cupel::engine
