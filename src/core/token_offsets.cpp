#include "core/token_offsets.h"

#include <algorithm>
#include <string>

namespace cupel {
namespace {

/// Finds the places of one text's tokens.
class OffsetFinder {
 public:
  OffsetFinder(const Tokenizer& tokenizer,
               std::string_view text,
               std::span<const TokenId> ids,
               std::span<const size_t> plain_at)
      : tokenizer_(&tokenizer), text_(text), ids_(ids), plain_at_(plain_at) {
    offsets_.begin.resize(ids.size());
  }

  TokenOffsets run() {
    size_t first = 0;
    size_t at = 0;
    for (size_t i = 0; i < ids_.size(); ++i) {
      if (!tokenizer_->is_control(ids_[i])) {
        continue;
      }
      const std::string control = tokenizer_->token_bytes(ids_[i], true);
      const size_t place = find_control(control, at);
      if (place == std::string_view::npos) {
        continue;  // it is looked for among the others, and found to be unclear
      }
      place_between(first, i, at, place);
      offsets_.begin[i] = place;
      first = i + 1;
      at = place + control.size();
    }
    place_between(first, ids_.size(), at, text_.size());
    return std::move(offsets_);
  }

 private:
  [[nodiscard]] size_t find_control(std::string_view control, size_t from) const {
    size_t place = text_.find(control, from);
    while (place != std::string_view::npos &&
           std::binary_search(plain_at_.begin(), plain_at_.end(), place)) {
      place = text_.find(control, place + 1);
    }
    return place;
  }

  [[nodiscard]] std::string bytes(size_t token) const {
    return tokenizer_->token_bytes(ids_[token], true);
  }

  struct Reached {
    size_t token = 0;
    size_t at = 0;
  };

  /// Which tokens begin with a blank that the text does not have.
  enum class PutBlanks { kNone, kFirst, kWhereMissing };

  /// From the left, as far as tokens are found.
  Reached forwards(size_t first, size_t last, size_t begin, size_t end, PutBlanks put) {
    Reached reached{first, begin};
    for (; reached.token < last; ++reached.token) {
      const std::string whole = bytes(reached.token);
      std::string_view token = whole;
      const std::string_view rest = text_.substr(reached.at, end - reached.at);
      const bool drop = put == PutBlanks::kFirst
                            ? reached.token == first
                            : put == PutBlanks::kWhereMissing && !rest.starts_with(token);
      if (drop && token.starts_with(' ')) {
        token.remove_prefix(1);
      }
      if (!rest.starts_with(token)) {
        break;
      }
      offsets_.begin[reached.token] = reached.at;
      reached.at += token.size();
    }
    return reached;
  }

  /// From the right, down to what `left` reached.
  Reached backwards(Reached left, size_t last, size_t end) {
    Reached reached{last, end};
    while (reached.token > left.token) {
      const std::string token = bytes(reached.token - 1);
      const std::string_view rest = text_.substr(left.at, reached.at - left.at);
      if (!rest.ends_with(token) || token.empty()) {
        break;
      }
      --reached.token;
      reached.at -= token.size();
      offsets_.begin[reached.token] = reached.at;
    }
    return reached;
  }

  /// Tokens [first, last), none of them a control token, within bytes [begin, end).
  void place_between(size_t first, size_t last, size_t begin, size_t end) {
    Reached left;
    for (const PutBlanks put : {PutBlanks::kNone, PutBlanks::kFirst, PutBlanks::kWhereMissing}) {
      left = forwards(first, last, begin, end, put);
      if (left.token == last && left.at == end) {
        return;
      }
    }
    const Reached right = backwards(left, last, end);
    for (size_t i = left.token; i < right.token; ++i) {
      offsets_.begin[i] = left.at;
    }
    offsets_.unclear.push_back({left.token, right.token, left.at, right.at});
  }

  const Tokenizer* tokenizer_;
  std::string_view text_;
  std::span<const TokenId> ids_;
  std::span<const size_t> plain_at_;
  TokenOffsets offsets_;
};

}  // namespace

TokenOffsets token_offsets(const Tokenizer& tokenizer,
                           std::string_view text,
                           std::span<const TokenId> ids,
                           std::span<const size_t> plain_at) {
  return OffsetFinder(tokenizer, text, ids, plain_at).run();
}

}  // namespace cupel
