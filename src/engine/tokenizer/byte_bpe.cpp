#include "engine/tokenizer/byte_bpe.h"

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/pair_ranks.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "engine/tokenizer/vocabulary_tokenizer.h"
#include "engine/tokenizer/word_cache.h"

namespace cupel::engine {
namespace {

void bytes_of(std::string_view raw, TokenType type, std::string& out) {
  const bool text = type == TokenType::kNormal || type == TokenType::kUnused ||
                    type == TokenType::kUndefined || type == TokenType::kByte;
  if (!text || !append_alphabet_bytes(raw, out)) {
    out += raw;
  }
}

class ByteBpe final : public VocabularyTokenizer {
 public:
  static Result<std::unique_ptr<Tokenizer>> create(const TokenizerData& data);

 private:
  ByteBpe(std::unique_ptr<Vocabulary> vocabulary,
          const Settings& settings,
          PreTokenizer pre,
          PairRanks ranks)
      : VocabularyTokenizer(std::move(vocabulary), settings),
        pre_(std::move(pre)),
        ranks_(std::move(ranks)) {
    for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
      const char c = static_cast<char>(byte);
      byte_ids_[byte] = this->vocabulary().pieces().find(std::string_view(&c, 1));
    }
  }

  void encode_text(std::string_view text, bool prefix, std::vector<TokenId>& ids) const override;

  struct FindMerge {
    const PairRanks* ranks;
    Merge operator()(const Symbol& left, const Symbol& right) const {
      return ranks->find(left.id, right.id);
    }
  };
  using Merger = SymbolMerger<FindMerge>;
  void encode_word(std::string_view word, Merger& merger, std::vector<TokenId>& ids) const;

  PreTokenizer pre_;
  PairRanks ranks_;
  std::array<TokenId, 256> byte_ids_{};
};

/// Cuts text into stretches of valid UTF-8, which the pre-tokenizer splits, and of other bytes.
void split_words(const PreTokenizer& pre, std::string_view text, Pieces& words) {
  if (is_valid_utf8(text)) {
    pre.split(text, words);
    return;
  }
  size_t begin = 0;
  bool valid = true;
  const auto finish = [&](size_t end) {
    if (end > begin && valid) {
      pre.split(text.substr(begin, end - begin), words);
    } else if (end > begin) {
      words.push_back(text.substr(begin, end - begin));
    }
    begin = end;
  };
  for (size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (c.valid != valid) {
      finish(at);
      valid = c.valid;
    }
    at += c.length;
  }
  finish(text.size());
}

void ByteBpe::encode_text(std::string_view text, bool prefix, std::vector<TokenId>& ids) const {
  std::string prefixed;
  if (prefix) {
    prefixed.append(" ").append(text);
    text = prefixed;
  }
  Pieces words;
  words.reserve(text.size() / 4 + 1);
  split_words(pre_, text, words);
  Merger merger(FindMerge{&ranks_});
  WordCache cache(text.size());
  for (const std::string_view word : words) {
    if (!cache.append_known(word, ids)) {
      const size_t before = ids.size();
      encode_word(word, merger, ids);
      cache.remember(word, std::span(ids).subspan(before));
    }
  }
}

void ByteBpe::encode_word(std::string_view word, Merger& merger, std::vector<TokenId>& ids) const {
  if (pre_.ignore_merges()) {
    if (const TokenId whole = vocabulary().pieces().find(word); whole >= 0) {
      ids.push_back(whole);
      return;
    }
  }
  std::vector<Symbol>& symbols = merger.symbols();
  symbols.clear();
  for (size_t i = 0; i < word.size(); ++i) {
    const TokenId id = byte_ids_[static_cast<unsigned char>(word[i])];
    if (id >= 0) {  // else its neighbours may merge across it, as in `tokenizers`
      symbols.push_back({static_cast<uint32_t>(i), 1, id});
    }
  }
  merger.run();
  for (const Symbol& symbol : symbols) {
    ids.push_back(symbol.id);
  }
}

/// Ids of the pieces that merges are made of. Special tokens count too: some vocabularies list a
/// token among the merges and mark it as added.
class MergePieces {
 public:
  explicit MergePieces(const Vocabulary& vocabulary) : vocabulary_(&vocabulary) {}
  TokenId find(std::string_view raw) {
    buffer_.clear();
    if (!append_alphabet_bytes(raw, buffer_)) {
      buffer_ = raw;
    }
    const TokenId id = vocabulary_->pieces().find(buffer_);
    return id >= 0 ? id : vocabulary_->specials().exact(buffer_);
  }

 private:
  const Vocabulary* vocabulary_;
  std::string buffer_;
};

Result<PairRanks> make_ranks(const TokenizerData& data, const Vocabulary& vocabulary) {
  if (data.merges.empty()) {
    return corrupt_data(
        "tokenizer.ggml.merges is absent or empty, but a \"gpt2\" vocabulary needs merges");
  }
  PairRanks ranks(data.merges.size());
  MergePieces pieces(vocabulary);
  std::string whole;
  for (size_t i = 0; i < data.merges.size(); ++i) {
    const std::string_view merge = data.merges[i];
    const size_t space = merge.find(' ', 1);  // a piece is never empty
    if (space == std::string_view::npos || space + 1 == merge.size()) {
      return corrupt_data("tokenizer.ggml.merges: merge {} is \"{}\", expected two pieces", i,
                          printable(merge));
    }
    const std::string_view left = merge.substr(0, space);
    const std::string_view right = merge.substr(space + 1);
    whole.assign(left).append(right);
    const TokenId left_id = pieces.find(left);
    const TokenId right_id = pieces.find(right);
    const TokenId id = pieces.find(whole);
    if (left_id < 0 || right_id < 0 || id < 0) {
      return corrupt_data(
          "tokenizer.ggml.merges: merge {} (\"{}\") needs the piece \"{}\", which is "
          "no token",
          i, printable(merge),
          printable(left_id < 0    ? left
                    : right_id < 0 ? right
                                   : whole));
    }
    ranks.insert(left_id, right_id, {static_cast<uint32_t>(i), id});
  }
  return ranks;
}

Result<std::unique_ptr<Tokenizer>> ByteBpe::create(const TokenizerData& data) {
  CUPEL_TRY(PreTokenizer pre, PreTokenizer::create(data.pre));
  CUPEL_TRY(std::unique_ptr<Vocabulary> vocabulary, Vocabulary::create(data, bytes_of));
  CUPEL_TRY(PairRanks ranks, make_ranks(data, *vocabulary));
  CUPEL_TRY(const Settings settings, make_settings(data, {.add_bos = pre.adds_bos()}));
  return std::unique_ptr<Tokenizer>(
      new ByteBpe(std::move(vocabulary), settings, std::move(pre), std::move(ranks)));
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_byte_bpe(const TokenizerData& data) {
  return ByteBpe::create(data);
}

}  // namespace cupel::engine
