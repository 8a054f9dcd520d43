#include "engine/tokenizer/json/json_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/regex.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr size_t kSliceBytes = size_t{16} << 20U;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

size_t first_char_bytes(std::string_view text) {
  return text.empty() ? 0 : decode_utf8(text, 0).length;
}

/// Where the stretch that begins at `begin` ends: valid UTF-8 or not, as its first byte is.
size_t stretch_end(std::string_view text, size_t begin, bool& valid) {
  valid = decode_utf8(text, begin).valid;
  size_t at = begin;
  while (at < text.size()) {
    const CodePoint c = decode_utf8(text, at);
    if (c.valid != valid) {
      break;
    }
    at += c.length;
  }
  return std::min(at, text.size());
}

}  // namespace

JsonTokenizer::JsonTokenizer(JsonTokenizerParts parts) : parts_(std::move(parts)) {
  control_.assign(vocabulary_size(), false);
  for (const AddedToken& token : parts_.added->tokens()) {
    control_[static_cast<size_t>(token.id)] = token.special;
  }
  // The original leaves out of decoded text what reads like a special token, whatever its id.
  for (size_t i = 0; i < control_.size(); ++i) {
    control_[i] = control_[i] || parts_.added->is_special(raw_text(static_cast<TokenId>(i)));
  }
}

Result<std::unique_ptr<Tokenizer>> JsonTokenizer::create(JsonTokenizerParts parts) {
  std::unique_ptr<JsonTokenizer> tokenizer(new JsonTokenizer(std::move(parts)));
  CUPEL_TRY_VOID(tokenizer->index_bytes());
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

std::string_view JsonTokenizer::raw_text(TokenId id) const {
  if (const AddedToken* added = parts_.added->find(id); added != nullptr) {
    return added->shown;
  }
  return parts_.tokens->contains(id) ? parts_.tokens->text(id) : std::string_view{};
}

Result<Ok> JsonTokenizer::index_bytes() {
  const RegexBudget budget;
  std::vector<std::string> one;
  for (size_t i = 0; i < vocabulary_size(); ++i) {
    const std::string_view raw = raw_text(static_cast<TokenId>(i));
    if (control_[i] || raw.empty()) {
      bytes_.append(raw);
      continue;
    }
    one.assign(1, std::string(raw));
    parts_.decoder->apply(one, {.start = false, .end = false});
    if (budget.exceeded()) {
      return unsupported(
          "decoder: a pattern of its steps takes too long on the tokens: it gave up on \"{}\"",
          printable(raw));
    }
    std::string text;
    for (const std::string& part : one) {
      text += part;
    }
    bytes_.append(text);
  }
  by_bytes_ = std::make_unique<PieceMap>(bytes_, vocabulary_size());
  for (size_t i = 0; i < vocabulary_size(); ++i) {
    if (!bytes_[static_cast<TokenId>(i)].empty()) {
      by_bytes_->insert(static_cast<TokenId>(i));
    }
  }
  return Ok{};
}

std::vector<TokenId> JsonTokenizer::encode(std::string_view text,
                                           const EncodeOptions& options) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 4 + 2);
  if (options.add_special) {
    ids.insert(ids.end(), parts_.frame.before.begin(), parts_.frame.before.end());
  }
  const AddedTokens& added = *parts_.added;
  const bool special = options.parse_special;
  for (const AddedSegment& segment :
       added.cut_raw(text, {.special = special, .plain_at = options.plain_at})) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
      continue;
    }
    // Where no control token may begin, a text that is normalised first is cut after its first
    // character: then none can be read there.
    size_t begin = segment.begin;
    if (special && added.any_normalized_special()) {
      auto plain = std::lower_bound(options.plain_at.begin(), options.plain_at.end(), begin);
      for (; plain != options.plain_at.end() && *plain < segment.end; ++plain) {
        const size_t cut = std::min(segment.end, *plain + first_char_bytes(text.substr(*plain)));
        encode_between(text.substr(begin, cut - begin), begin == 0, special, ids);
        begin = cut;
      }
    }
    encode_between(text.substr(begin, segment.end - begin), begin == 0, special, ids);
  }
  cut_to(options.max_tokens, options.add_special ? parts_.frame.before.size() : 0,
         options.add_special ? parts_.frame.after.size() : 0, ids);
  if (options.add_special) {
    ids.insert(ids.end(), parts_.frame.after.begin(), parts_.frame.after.end());
  }
  return ids;
}

void JsonTokenizer::encode_between(std::string_view text,
                                   bool at_start,
                                   bool special,
                                   std::vector<TokenId>& ids) const {
  while (!text.empty()) {
    size_t size = text.size();
    if (size > kSliceBytes) {
      size = std::max<size_t>(1, complete_utf8_prefix(text.substr(0, kSliceBytes)));
    }
    encode_slice(text.substr(0, size), at_start, special, ids);
    text.remove_prefix(size);
    at_start = false;
  }
}

void JsonTokenizer::encode_slice(std::string_view text,
                                 bool at_start,
                                 bool special,
                                 std::vector<TokenId>& ids) const {
  if (is_valid_utf8(text)) {
    encode_valid(text, at_start, special, ids);
    return;
  }
  if (!parts_.model->takes_bytes()) {
    encode_valid(to_valid_utf8(text), at_start, special, ids);
    return;
  }
  for (size_t begin = 0; begin < text.size();) {
    bool valid = true;
    const size_t end = stretch_end(text, begin, valid);
    const std::string_view stretch = text.substr(begin, end - begin);
    if (valid) {
      encode_valid(stretch, at_start && begin == 0, special, ids);
    } else {
      parts_.model->encode(std::span(&stretch, 1), ids);
    }
    begin = end;
  }
}

void JsonTokenizer::encode_valid(std::string_view text,
                                 bool at_start,
                                 bool special,
                                 std::vector<TokenId>& ids) const {
  const Normalizer* normalizer = parts_.normalizer.get();
  if (normalizer == nullptr || (normalizer->keeps_ascii() && is_ascii(text))) {
    encode_normalized(text, at_start ? first_char_bytes(text) : 0, special, ids);
    return;
  }
  CharText chars = to_chars(text, at_start ? 1 : 0);
  normalizer->apply(chars);
  const std::string normalized = to_utf8(chars.chars);
  const size_t begun = to_utf8(std::span(chars.chars).first(chars.at_start)).size();
  encode_normalized(normalized, begun, special, ids);
}

void JsonTokenizer::encode_normalized(std::string_view text,
                                      size_t at_start,
                                      bool special,
                                      std::vector<TokenId>& ids) const {
  if (!parts_.added->any_normalized()) {
    encode_words(text, at_start, ids);
    return;
  }
  for (const AddedSegment& segment : parts_.added->cut_normalized(text, {.special = special})) {
    if (segment.id >= 0) {
      ids.push_back(segment.id);
    } else {
      const size_t begun =
          at_start > segment.begin ? std::min(at_start, segment.end) - segment.begin : 0;
      encode_words(text.substr(segment.begin, segment.end - segment.begin), begun, ids);
    }
  }
}

void JsonTokenizer::encode_words(std::string_view text,
                                 size_t at_start,
                                 std::vector<TokenId>& ids) const {
  if (text.empty()) {
    return;
  }
  TextPieces pieces;
  pieces.list.push_back({text, at_start});
  for (const auto& step : parts_.splits.steps) {
    step->apply(pieces);
  }
  std::vector<std::string_view> words;
  words.reserve(pieces.list.size());
  for (const TextPiece& piece : pieces.list) {
    words.push_back(piece.text);
  }
  parts_.model->encode(words, ids);
}

std::string JsonTokenizer::token_bytes(TokenId id, bool render_special) const {
  if (!contains(id) || (is_control(id) && !render_special)) {
    return "";
  }
  return std::string(bytes_[id]);
}

void JsonTokenizer::append_token_bytes(TokenId id, std::string& out) const {
  if (contains(id) && !is_control(id)) {
    out += bytes_[id];
  }
}

std::string JsonTokenizer::decode(std::span<const TokenId> ids, bool render_special) const {
  std::vector<std::string> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) {
    if (contains(id) && (render_special || !is_control(id))) {
      tokens.emplace_back(raw_text(id));
    }
  }
  parts_.decoder->apply(tokens, {});
  std::string text;
  for (const std::string& token : tokens) {
    text += token;
  }
  return text;
}

std::vector<size_t> JsonTokenizer::control_places(std::string_view text) const {
  std::vector<size_t> places;
  const SpecialTokens& specials = parts_.added->special_texts();
  for (auto match = specials.find(text, 0); match.id >= 0;
       match = specials.find(text, match.begin + 1)) {
    places.push_back(match.begin);
  }
  return places;
}

bool JsonTokenizer::drops_space_after(TokenId previous) const {
  return previous < 0 && parts_.decoder->drops_first_space();
}

TokenId JsonTokenizer::find(std::string_view piece) const {
  if (const TokenId added = parts_.added->find(piece); added >= 0) {
    return added;
  }
  const TokenId id = by_bytes_->find(piece);
  return id >= 0 ? id : parts_.tokens->find(piece);
}

}  // namespace cupel::engine
