#include "core/tokenizer.h"

#include "base/text.h"

namespace cupel {

std::string StreamDecoder::push(TokenId id) {
  std::string bytes = tokenizer_->token_bytes(id);
  if (bytes.starts_with(' ') && tokenizer_->drops_space_after(previous_)) {
    bytes.erase(0, 1);
  }
  previous_ = id;
  pending_ += bytes;
  const size_t complete = complete_utf8_prefix(pending_);
  std::string text = to_valid_utf8(std::string_view(pending_).substr(0, complete));
  pending_.erase(0, complete);
  return text;
}

std::string StreamDecoder::flush() {
  std::string text = to_valid_utf8(pending_);
  pending_.clear();
  return text;
}

}  // namespace cupel
