#include "core/tokenizer.h"

#include <algorithm>

#include "base/text.h"

namespace cupel {

void cut_to(size_t max_tokens, size_t before, size_t after, std::vector<TokenId>& ids) {
  const size_t room = max_tokens - std::min(after, max_tokens);
  ids.resize(std::min(ids.size(), std::max(before, room)));
}

// Room for the bytes of any usual token.
StreamDecoder::StreamDecoder(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {
  pending_.reserve(256);
}

std::string StreamDecoder::push(TokenId id) {
  std::string text;
  append(id, text);
  return text;
}

void StreamDecoder::append(TokenId id, std::string& out) {
  const size_t begin = pending_.size();
  tokenizer_->append_token_bytes(id, pending_);
  if (pending_.size() > begin && pending_[begin] == ' ' &&
      tokenizer_->drops_space_after(previous_)) {
    pending_.erase(begin, 1);
  }
  previous_ = id;
  const std::string_view complete =
      std::string_view(pending_).substr(0, complete_utf8_prefix(pending_));
  if (is_valid_utf8(complete)) {
    out += complete;
  } else {
    out += to_valid_utf8(complete);
  }
  pending_.erase(0, complete.size());
}

std::string StreamDecoder::flush() {
  std::string text = to_valid_utf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace cupel
