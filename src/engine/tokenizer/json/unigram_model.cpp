#include <algorithm>
#include <limits>

#include "base/text.h"
#include "engine/tokenizer/json/piece_trie.h"
#include "engine/tokenizer/json/word_model.h"
#include "engine/tokenizer/word_cache.h"

namespace cupel::engine {
namespace {

constexpr double kUnknownPenalty = 10.0;

class Unigram final : public WordModel {
 public:
  Unigram(const ModelTokens& tokens, TokenId unknown, const ByteTokens& byte_tokens)
      : tokens_(&tokens), unknown_(unknown), byte_tokens_(byte_tokens) {
    std::vector<PieceTrie::Entry> entries;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      if (tokens.find(tokens.text(id)) == id) {
        entries.push_back({tokens.text(id), id});
      }
    }
    trie_ = PieceTrie(std::move(entries));
    unknown_score_ = *std::ranges::min_element(tokens.scores()) - kUnknownPenalty;
  }

  void encode(std::span<const std::string_view> words, std::vector<TokenId>& ids) const override {
    size_t total = 0;
    for (const std::string_view word : words) {
      total += word.size();
    }
    WordCache cache(total);
    std::vector<Node> nodes;
    for (const std::string_view word : words) {
      if (!cache.append_known(word, ids)) {
        const size_t before = ids.size();
        find_path(word, nodes);
        append_path(word, nodes, ids);
        cache.remember(word, std::span(ids).subspan(before));
      }
    }
  }
  [[nodiscard]] bool takes_bytes() const override { return byte_tokens_.has_all(); }

 private:
  static constexpr uint32_t kNowhere = std::numeric_limits<uint32_t>::max();
  /// The best way to the place in the word that this node stands for.
  struct Node {
    double score = 0.0;
    uint32_t begin = kNowhere;  // of the last token of the way
    TokenId id = -1;
  };

  void find_path(std::string_view word, std::vector<Node>& nodes) const {
    nodes.assign(word.size() + 1, Node{});
    for (size_t at = 0; at < word.size();) {
      const double here = nodes[at].score;
      const CodePoint c = decode_utf8(word, at);
      const size_t length = c.valid ? c.length : 1;
      bool has_single = false;
      const auto offer = [&](size_t end, double score, TokenId id) {
        Node& node = nodes[end];
        if (node.begin == kNowhere || score > node.score) {
          node = {score, static_cast<uint32_t>(at), id};
        }
      };
      trie_.prefixes_of(word.substr(at), [&](size_t size, TokenId id) {
        offer(at + size, here + tokens_->scores()[static_cast<size_t>(id)], id);
        has_single = has_single || size == length;
      });
      if (!has_single) {
        offer(at + length, here + unknown_score_, unknown_);
      }
      at += length;
    }
  }

  void append_path(std::string_view word,
                   const std::vector<Node>& nodes,
                   std::vector<TokenId>& ids) const {
    const size_t before = ids.size();
    size_t unknown_end = 0;  // of a run of unknown characters; 0: none
    const auto close_run = [&](size_t begin) {
      if (unknown_end > 0) {
        append_unknown(word.substr(begin, unknown_end - begin), ids);
        unknown_end = 0;
      }
    };
    for (size_t end = word.size(); end > 0; end = nodes[end].begin) {
      if (nodes[end].id == unknown_) {
        unknown_end = unknown_end > 0 ? unknown_end : end;
      } else {
        close_run(end);
        ids.push_back(nodes[end].id);
      }
    }
    close_run(0);
    std::reverse(ids.begin() + static_cast<ptrdiff_t>(before), ids.end());
  }

  /// Appends the ids of a run that has no tokens, from its end to its beginning.
  void append_unknown(std::string_view run, std::vector<TokenId>& ids) const {
    if (const TokenId whole = tokens_->find(run); whole >= 0) {
      ids.push_back(whole);
    } else if (!byte_tokens_.cover(run)) {
      ids.push_back(unknown_);
    } else {
      for (size_t i = run.size(); i-- > 0;) {
        ids.push_back(byte_tokens_.of(run[i]));
      }
    }
  }

  const ModelTokens* tokens_;
  TokenId unknown_;
  ByteTokens byte_tokens_;  // none without byte fallback
  PieceTrie trie_;
  double unknown_score_ = 0.0;
};

}  // namespace

Result<std::unique_ptr<WordModel>> make_unigram(const JsonAt& json, const ModelTokens& tokens) {
  CUPEL_TRY(const int64_t unknown, json.integer_or("unk_id", -1));
  CUPEL_TRY(const bool fallback, json.flag_or("byte_fallback", false));
  const ByteTokens bytes = fallback ? tokens.byte_tokens() : ByteTokens{};
  if (unknown < 0 || unknown >= static_cast<int64_t>(tokens.size())) {
    return corrupt_data(
        "{}.unk_id is {}; expected the id of one of the {} tokens, for text that has none",
        json.path(), json.find("unk_id") ? std::to_string(unknown) : std::string("absent"),
        tokens.size());
  }
  return std::unique_ptr<WordModel>(
      std::make_unique<Unigram>(tokens, static_cast<TokenId>(unknown), bytes));
}

}  // namespace cupel::engine
