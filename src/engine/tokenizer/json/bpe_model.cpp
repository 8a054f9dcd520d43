#include <algorithm>
#include <array>
#include <bitset>
#include <utility>

#include "base/text.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/json/word_model.h"
#include "engine/tokenizer/merge.h"
#include "engine/tokenizer/pair_ranks.h"
#include "engine/tokenizer/word_cache.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kMark = "\u2581";  // SentencePiece's blank
// Prefix and suffix are copied for each character of a text; published ones have four bytes.
constexpr size_t kLongestAffix = 256;

struct Settings {
  bool bytes = false;
  bool fuse_unknown = false;
  bool ignore_merges = false;
  TokenId unknown = -1;
  std::string prefix;  // of every character of a word but the first
  std::string suffix;  // of the last
};

/// Tokens by the bytes that their texts stand for in the byte-level alphabet.
class BytePieces {
 public:
  explicit BytePieces(const ModelTokens& tokens) {
    std::string buffer;
    std::vector<bool> readable;
    for (size_t i = 0; i < tokens.size(); ++i) {
      buffer.clear();
      readable.push_back(append_alphabet_bytes(tokens.text(static_cast<TokenId>(i)), buffer) &&
                         !buffer.empty());
      texts_.append(buffer);
    }
    map_ = std::make_unique<PieceMap>(texts_, tokens.size());
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (readable[i]) {
        map_->insert(static_cast<TokenId>(i));
      }
    }
  }
  BytePieces(const BytePieces&) = delete;
  BytePieces& operator=(const BytePieces&) = delete;
  [[nodiscard]] TokenId find(std::string_view bytes) const { return map_->find(bytes); }

 private:
  PieceTexts texts_;
  std::unique_ptr<PieceMap> map_;
};

class Bpe final : public WordModel {
 public:
  Bpe(Settings settings, const ModelTokens& tokens, const ByteTokens& byte_tokens, PairRanks ranks)
      : settings_(std::move(settings)),
        tokens_(&tokens),
        byte_tokens_(byte_tokens),
        ranks_(std::move(ranks)) {
    if (settings_.bytes) {
      pieces_ = std::make_unique<BytePieces>(tokens);
      for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
        const char c = static_cast<char>(byte);
        byte_ids_[byte] = pieces_->find(std::string_view(&c, 1));
      }
    } else {
      find_cuts();
    }
  }

  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const override;
  [[nodiscard]] bool takes_bytes() const override {
    return settings_.bytes || byte_tokens_.has_all();
  }
  /// Whether every text can be written without an unknown token.
  [[nodiscard]] bool is_complete() const {
    return byte_tokens_.has_all() ||
           (settings_.bytes && std::ranges::all_of(byte_ids_, [](TokenId id) { return id >= 0; }));
  }

 private:
  struct FindMerge {
    const PairRanks* ranks;
    Merge operator()(const Symbol& left, const Symbol& right) const {
      return ranks->find(left.id, right.id);
    }
  };
  using Merger = SymbolMerger<FindMerge>;
  /// Characters without a token that wait for what comes next.
  struct Unknown {
    uint32_t length = 0;
    bool waits = false;
  };

  void find_cuts();
  [[nodiscard]] size_t cut_end(std::string_view text, size_t begin) const;
  void encode_word(std::string_view word, Merger& merger, std::vector<TokenId>& ids) const;
  [[nodiscard]] TokenId find(std::string_view word) const {
    return pieces_ ? pieces_->find(word) : tokens_->find(word);
  }
  void add_bytes(std::string_view word, std::vector<Symbol>& symbols) const;
  void add_chars(std::string_view word, std::vector<Symbol>& symbols) const;
  bool add_byte_tokens(std::string_view text, std::vector<Symbol>& symbols) const;
  void add_unknown(uint32_t length, Unknown& unknown, std::vector<Symbol>& symbols) const;
  void flush(Unknown& unknown, std::vector<Symbol>& symbols) const;

  Settings settings_;
  const ModelTokens* tokens_;
  ByteTokens byte_tokens_;               // none without byte fallback
  std::unique_ptr<BytePieces> pieces_;   // of a model over bytes
  std::array<TokenId, 256> byte_ids_{};  // of a model over bytes
  PairRanks ranks_;
  bool cuts_ = false;       // long words may be cut before kMark
  std::bitset<256> glued_;  // bytes after which some piece goes on with kMark
};

/// Models without word splitting get whole texts as one word. No merge crosses from a character
/// into a blank that no token has after it, so the text can be cut there, and its words repeat.
void Bpe::find_cuts() {
  cuts_ = settings_.prefix.empty() && settings_.suffix.empty() && !settings_.ignore_merges &&
          tokens_->find(kMark) >= 0;
  for (size_t i = 0; cuts_ && i < tokens_->size(); ++i) {
    const std::string_view text = tokens_->text(static_cast<TokenId>(i));
    for (size_t at = text.find(kMark, 1); at != std::string_view::npos;
         at = text.find(kMark, at + kMark.size())) {
      if (!text.substr(0, at).ends_with(kMark)) {
        glued_.set(static_cast<unsigned char>(text[at - 1]));
      }
    }
  }
}

size_t Bpe::cut_end(std::string_view text, size_t begin) const {
  size_t at = begin;
  while (text.substr(at).starts_with(kMark)) {
    at += kMark.size();
  }
  while (true) {
    at = text.find(kMark, at);
    if (at == std::string_view::npos) {
      return text.size();
    }
    if (at > begin && !text.substr(begin, at - begin).ends_with(kMark) &&
        !glued_[static_cast<unsigned char>(text[at - 1])]) {
      return at;
    }
    at += kMark.size();
  }
}

void Bpe::encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const {
  size_t total = 0;
  for (const std::string_view word : words) {
    total += word.size();
  }
  Merger merger(FindMerge{&ranks_});
  WordCache cache(total);
  for (const std::string_view word : words) {
    for (size_t begin = 0; begin < word.size();) {
      const size_t end = cuts_ ? cut_end(word, begin) : word.size();
      const std::string_view part = word.substr(begin, end - begin);
      if (!cache.append_known(part, ids)) {
        const size_t before = ids.size();
        encode_word(part, merger, ids);
        cache.remember(part, std::span(ids).subspan(before));
      }
      begin = end;
    }
  }
}

void Bpe::encode_word(std::string_view word, Merger& merger, std::vector<TokenId>& ids) const {
  if (settings_.ignore_merges) {
    if (const TokenId whole = find(word); whole >= 0) {
      ids.push_back(whole);
      return;
    }
  }
  std::vector<Symbol>& symbols = merger.symbols();
  symbols.clear();
  if (settings_.bytes) {
    add_bytes(word, symbols);
  } else {
    add_chars(word, symbols);
  }
  merger.run();
  for (const Symbol& symbol : symbols) {
    ids.push_back(symbol.id);
  }
}

void Bpe::add_bytes(std::string_view word, std::vector<Symbol>& symbols) const {
  Unknown unknown;
  for (const char c : word) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(c)];
    if (id < 0) {
      add_unknown(1, unknown, symbols);
    } else {
      flush(unknown, symbols);
      symbols.push_back({0, 1, id});
    }
  }
  flush(unknown, symbols);
}

void Bpe::add_chars(std::string_view word, std::vector<Symbol>& symbols) const {
  Unknown unknown;
  std::string buffer;
  for (size_t at = 0; at < word.size();) {
    const CodePoint c = decode_utf8(word, at);
    const uint32_t length = c.valid ? c.length : 1;
    std::string_view text = word.substr(at, length);
    const bool first = at == 0;
    at += length;
    if ((!first && !settings_.prefix.empty()) || (at == word.size() && !settings_.suffix.empty())) {
      buffer.assign(first ? "" : settings_.prefix).append(text);
      buffer.append(at == word.size() ? settings_.suffix : "");
      text = buffer;
    }
    if (const TokenId id = tokens_->find(text); id >= 0) {
      flush(unknown, symbols);
      symbols.push_back({0, length, id});
    } else if (!add_byte_tokens(text, symbols)) {  // an unknown that waits goes on waiting
      add_unknown(length, unknown, symbols);
    }
  }
  flush(unknown, symbols);
}

bool Bpe::add_byte_tokens(std::string_view text, std::vector<Symbol>& symbols) const {
  if (!byte_tokens_.cover(text)) {
    return false;
  }
  for (const char c : text) {
    symbols.push_back({0, 1, byte_tokens_.of(c)});
  }
  return true;
}

void Bpe::add_unknown(uint32_t length, Unknown& unknown, std::vector<Symbol>& symbols) const {
  if (settings_.unknown < 0) {
    return;  // its neighbours may merge across it, as in the original
  }
  if (unknown.waits && !settings_.fuse_unknown) {
    flush(unknown, symbols);
  }
  unknown.length += length;
  unknown.waits = true;
}

void Bpe::flush(Unknown& unknown, std::vector<Symbol>& symbols) const {
  if (unknown.waits) {
    symbols.push_back({0, unknown.length, settings_.unknown});
    unknown = {};
  }
}

/// "left right" or ["left", "right"].
Result<std::pair<std::string_view, std::string_view>> read_merge(const JsonAt& merges, size_t i) {
  const Json& merge = merges.value().as_array()[i];
  if (merge.is_string()) {
    const std::string_view text = merge.as_string();
    const size_t space = text.find(' ', 1);  // a piece is never empty
    if (space != std::string_view::npos && space + 1 < text.size() &&
        text.find(' ', space + 1) == std::string_view::npos) {
      return std::pair(text.substr(0, space), text.substr(space + 1));
    }
  }
  if (merge.is_array() && merge.size() == 2 && merge.as_array()[0].is_string() &&
      merge.as_array()[1].is_string()) {
    return std::pair(std::string_view(merge.as_array()[0].as_string()),
                     std::string_view(merge.as_array()[1].as_string()));
  }
  return corrupt_data("{}[{}] is {}; expected \"left right\" or [\"left\", \"right\"]",
                      merges.path(), i,
                      merge.is_string() ? format("\"{}\"", printable(merge.as_string()))
                                        : std::string(merge.type_name()));
}

Result<PairRanks> read_ranks(const JsonAt& json, const ModelTokens& tokens, size_t prefix) {
  CUPEL_TRY(const JsonAt merges, json.member("merges"));
  if (!merges.value().is_array()) {
    return merges.mistyped("an array of merges");
  }
  PairRanks ranks(merges.value().size());
  std::string whole;
  // From the last to the first: of a pair that is there twice, the last rank counts.
  for (size_t i = merges.value().size(); i-- > 0;) {
    if (merges.value().as_array()[i].is_string() &&
        merges.value().as_array()[i].as_string().starts_with("#version")) {
      continue;  // the first line of a merges.txt
    }
    CUPEL_TRY(const auto merge, read_merge(merges, i));
    const auto [left, right] = merge;
    whole.assign(left).append(right.substr(std::min(prefix, right.size())));
    const TokenId left_id = tokens.find(left);
    const TokenId right_id = tokens.find(right);
    const TokenId id = tokens.find(whole);
    if (left_id < 0 || right_id < 0 || id < 0) {
      return corrupt_data("{}[{}] (\"{}\" and \"{}\") needs the token \"{}\", which is not there",
                          merges.path(), i, printable(left), printable(right),
                          printable(left_id < 0    ? left
                                    : right_id < 0 ? right
                                                   : whole));
    }
    ranks.insert(left_id, right_id, {static_cast<uint32_t>(i), id});
  }
  return ranks;
}

Result<std::string> read_affix(const JsonAt& json, std::string_view key) {
  CUPEL_TRY(std::string affix, json.text_or(key, ""));
  if (affix.size() > kLongestAffix) {
    return unsupported("{}.{} has {} bytes; at most {} are supported", json.path(), key,
                       affix.size(), kLongestAffix);
  }
  return affix;
}

}  // namespace

Result<bool> bpe_may_take_bytes(const JsonAt& json) {
  CUPEL_TRY(const std::string prefix, json.text_or("continuing_subword_prefix", ""));
  CUPEL_TRY(const std::string suffix, json.text_or("end_of_word_suffix", ""));
  CUPEL_TRY(const bool fallback, json.flag_or("byte_fallback", false));
  return prefix.empty() && suffix.empty() && !fallback;
}

Result<std::unique_ptr<WordModel>> make_bpe(const JsonAt& json,
                                            const ModelTokens& tokens,
                                            bool bytes) {
  if (const auto dropout = json.find("dropout");
      dropout && !(dropout->value().is_number() && dropout->value().as_double() == 0.0)) {
    return unsupported("{}: dropout makes ids random; set it to null", dropout->path());
  }
  Settings settings;
  settings.bytes = bytes;
  CUPEL_TRY(settings.fuse_unknown, json.flag_or("fuse_unk", false));
  CUPEL_TRY(settings.ignore_merges, json.flag_or("ignore_merges", false));
  CUPEL_TRY(settings.prefix, read_affix(json, "continuing_subword_prefix"));
  CUPEL_TRY(settings.suffix, read_affix(json, "end_of_word_suffix"));
  CUPEL_TRY(const bool fallback, json.flag_or("byte_fallback", false));
  CUPEL_TRY(const std::string unknown, json.text_or("unk_token", ""));
  settings.unknown = unknown.empty() ? -1 : tokens.find(unknown);
  CUPEL_TRY(PairRanks ranks, read_ranks(json, tokens, settings.prefix.size()));
  const bool named = !unknown.empty() && settings.unknown < 0;
  auto model =
      std::make_unique<Bpe>(std::move(settings), tokens,
                            fallback ? tokens.byte_tokens() : ByteTokens{}, std::move(ranks));
  if (named && !model->is_complete()) {
    return corrupt_data("{}.unk_token is \"{}\", which is no token", json.path(),
                        printable(unknown));
  }
  return std::unique_ptr<WordModel>(std::move(model));
}

}  // namespace cupel::engine
