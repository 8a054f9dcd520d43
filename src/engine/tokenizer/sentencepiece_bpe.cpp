#include "engine/tokenizer/sentencepiece_bpe.h"

#include <algorithm>
#include <array>
#include <bit>
#include <bitset>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "engine/tokenizer/merge.h"
#include "engine/tokenizer/vocabulary_tokenizer.h"
#include "engine/tokenizer/word_cache.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kBlank = "\u2581";

// Pieces are kept, and text is merged, with plain blanks: fewer bytes than with U+2581.
void append_with_blanks(std::string_view text, std::string& out) {
  size_t at = 0;
  for (size_t next = text.find(kBlank); next != std::string_view::npos;
       next = text.find(kBlank, at)) {
    out.append(text.substr(at, next - at)).push_back(' ');
    at = next + kBlank.size();
  }
  out += text.substr(at);
}

void bytes_of(std::string_view raw, TokenType type, std::string& out) {
  if (type == TokenType::kByte) {
    out.push_back(static_cast<char>(byte_token_value(raw)));
  } else if (type == TokenType::kControl || type == TokenType::kUnknown) {
    out += raw;
  } else {
    append_with_blanks(raw, out);
  }
}

/// Orders scores as unsigned numbers, the highest score first.
uint32_t merge_order(float score) {
  const auto bits = std::bit_cast<uint32_t>(score + 0.0F);  // -0 becomes 0
  const uint32_t ascending = (bits >> 31U) != 0 ? ~bits : bits | 0x80000000U;
  return ~ascending;
}

class SentencePieceBpe final : public VocabularyTokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> create(const TokenizerData& data);

 private:
  SentencePieceBpe(std::unique_ptr<Vocabulary> vocabulary,
                   const Settings& settings,
                   std::span<const float> scores);

  void encode_text(std::string_view text, bool prefix, std::vector<TokenId>& ids) const override;

  struct FindMerge {
    const PieceMap* pieces;
    std::span<const uint32_t> order;
    std::string_view word;
    Merge operator()(const Symbol& left, const Symbol& right) const {
      const TokenId id = pieces->find(word.substr(left.begin, left.length + right.length));
      return id < 0 ? Merge{} : Merge{order[static_cast<size_t>(id)], id};
    }
  };
  using Merger = SymbolMerger<FindMerge>;
  [[nodiscard]] size_t word_end(std::string_view text, size_t begin) const;
  void encode_word(std::string_view word, Merger& merger, std::vector<TokenId>& ids) const;
  void append_unmerged(std::string_view character, std::vector<TokenId>& ids) const;

  std::vector<uint32_t> order_;
  std::bitset<256> glued_;  // bytes after which some piece goes on with a blank
};

SentencePieceBpe::SentencePieceBpe(std::unique_ptr<Vocabulary> checked,
                                   const Settings& settings,
                                   std::span<const float> scores)
    : VocabularyTokenizer(std::move(checked), settings), order_(scores.size()) {
  std::ranges::transform(scores, order_.begin(), merge_order);
  for (size_t i = 0; i < vocabulary().size(); ++i) {
    const std::string_view bytes = vocabulary().bytes(static_cast<TokenId>(i));
    for (size_t at = bytes.find(' ', 1); at != std::string_view::npos;
         at = bytes.find(' ', at + 1)) {
      if (bytes[at - 1] != ' ') {
        glued_.set(static_cast<unsigned char>(bytes[at - 1]));
      }
    }
  }
}

void SentencePieceBpe::encode_text(std::string_view text,
                                   bool prefix,
                                   std::vector<TokenId>& ids) const {
  std::string with_blanks;
  if (prefix || text.find(kBlank) != std::string_view::npos) {
    with_blanks.assign(prefix ? 1 : 0, ' ');
    append_with_blanks(text, with_blanks);
    text = with_blanks;
  }
  Merger merger(FindMerge{&vocabulary().pieces(), order_, {}});
  WordCache cache(text.size());
  for (size_t at = 0; at < text.size();) {
    const size_t end = word_end(text, at);
    const std::string_view word = text.substr(at, end - at);
    if (!cache.append_known(word, ids)) {
      const size_t before = ids.size();
      encode_word(word, merger, ids);
      cache.remember(word, std::span(ids).subspan(before));
    }
    at = end;
  }
}

/// Merges never cross from a character into a blank that no piece has after it, so text can be cut
/// there without changing the result.
size_t SentencePieceBpe::word_end(std::string_view text, size_t begin) const {
  size_t at = begin;
  while (at < text.size() && text[at] == ' ') {
    ++at;
  }
  while (true) {
    at = text.find(' ', at);
    if (at == std::string_view::npos) {
      return text.size();
    }
    if (at > begin && text[at - 1] != ' ' && !glued_[static_cast<unsigned char>(text[at - 1])]) {
      return at;
    }
    ++at;
  }
}

void SentencePieceBpe::encode_word(std::string_view word,
                                   Merger& merger,
                                   std::vector<TokenId>& ids) const {
  merger.find_merge().word = word;
  std::vector<Symbol>& symbols = merger.symbols();
  symbols.clear();
  for (size_t at = 0; at < word.size();) {
    const CodePoint c = decode_utf8(word, at);
    const uint32_t length = c.valid ? c.length : 1;
    symbols.push_back({static_cast<uint32_t>(at), length, -1});
    at += length;
  }
  merger.run();
  for (const Symbol& symbol : symbols) {
    const std::string_view piece = word.substr(symbol.begin, symbol.length);
    const TokenId id = symbol.id >= 0 ? symbol.id : vocabulary().pieces().find(piece);
    if (id >= 0) {
      ids.push_back(id);
    } else {
      append_unmerged(piece, ids);
    }
  }
}

void SentencePieceBpe::append_unmerged(std::string_view character,
                                       std::vector<TokenId>& ids) const {
  const size_t before = ids.size();
  for (const char c : character) {
    const TokenId id = vocabulary().byte_tokens()[static_cast<unsigned char>(c)];
    if (id < 0) {
      ids.resize(before);
      break;
    }
    ids.push_back(id);
  }
  const TokenId unknown = vocabulary().unknown();
  if (ids.size() == before && (ids.empty() || ids.back() != unknown)) {
    ids.push_back(unknown);
  }
}

Result<Ok> check_scores(const TokenizerData& data) {
  if (data.scores.empty()) {
    return corrupt_data(
        "tokenizer.ggml.scores is absent or empty, but a \"llama\" vocabulary needs scores");
  }
  for (size_t i = 0; i < data.scores.size(); ++i) {
    if (std::isnan(data.scores[i])) {
      return corrupt_data("tokenizer.ggml.scores: the score of token {} is not a number", i);
    }
  }
  return Ok{};
}

Result<std::unique_ptr<Tokenizer>> SentencePieceBpe::create(const TokenizerData& data) {
  CUPEL_TRY(std::unique_ptr<Vocabulary> vocabulary, Vocabulary::create(data, bytes_of));
  CUPEL_TRY_VOID(check_scores(data));
  const auto& bytes = vocabulary->byte_tokens();
  if (const auto absent = std::ranges::find(bytes, -1);
      absent != bytes.end() && vocabulary->unknown() < 0) {
    return corrupt_data(
        "tokenizer.ggml: byte {} has no byte token and there is no unknown_token_id, so not every "
        "text could be encoded",
        absent - bytes.begin());
  }
  CUPEL_TRY(const Settings settings,
            make_settings(data, {.add_bos = true, .add_eos = false, .add_space_prefix = true}));
  return std::unique_ptr<Tokenizer>(
      new SentencePieceBpe(std::move(vocabulary), settings, data.scores));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_sentencepiece_bpe(const TokenizerData& data) {
  return SentencePieceBpe::create(data);
}

}  // namespace cupel::engine
