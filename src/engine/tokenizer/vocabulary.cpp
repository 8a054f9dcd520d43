#include "engine/tokenizer/vocabulary.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "base/error.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

// Special tokens that end a turn, whatever the file's eos is.
constexpr std::string_view kEndTexts[] = {"<|im_end|>",
                                          "<|eot_id|>",
                                          "<|eom_id|>",
                                          "<end_of_turn>",
                                          "<|end|>",
                                          "<|end_of_text|>",
                                          "<|endoftext|>",
                                          "<|end_of_turn|>",
                                          "<|eot|>",
                                          "<|eom|>",
                                          "<|return|>",
                                          "<|call|>",
                                          "<|END_OF_TURN_TOKEN|>",
                                          "<end_of_utterance>",
                                          "<EOT>",
                                          "<|endofturn|>",
                                          "[|endofturn|]",
                                          "<｜end▁of▁sentence｜>"};

Error duplicate(const TokenizerData& data, size_t first, size_t second) {
  return corrupt_data(
      "tokenizer.ggml.tokens: tokens {} and {} have the same text \"{}\"; text would have two "
      "readings, so convert the model again",
      first, second, printable(data.tokens[first]));
}

bool is_special(TokenType type) {
  return type == TokenType::kControl || type == TokenType::kUnknown ||
         type == TokenType::kUserDefined;
}

Result<TokenId> checked_id(int64_t id, size_t size, std::string_view key) {
  if (id < -1 || id >= static_cast<int64_t>(size)) {
    return corrupt_data("tokenizer.ggml.{} is {}, but the vocabulary has {} tokens", key, id, size);
  }
  return static_cast<TokenId>(id);
}

Result<Ok> check_lengths(const TokenizerData& data) {
  const size_t count = data.tokens.size();
  if (count == 0) {
    return corrupt_data("tokenizer.ggml.tokens is empty: the file holds no vocabulary");
  }
  if (count > static_cast<size_t>(std::numeric_limits<TokenId>::max())) {
    return corrupt_data("tokenizer.ggml.tokens has {} entries, more than ids can count", count);
  }
  if (!data.scores.empty() && data.scores.size() != count) {
    return corrupt_data("tokenizer.ggml.scores has {} entries for {} tokens", data.scores.size(),
                        count);
  }
  if (!data.token_types.empty() && data.token_types.size() != count) {
    return corrupt_data("tokenizer.ggml.token_type has {} entries for {} tokens",
                        data.token_types.size(), count);
  }
  return Ok{};
}

}  // namespace

void mark_end_texts(const SpecialTokens& specials, TokenId eos, std::vector<bool>& ends) {
  for (const std::string_view text : kEndTexts) {
    if (const TokenId id = specials.exact(text); id >= 0) {
      ends[static_cast<size_t>(id)] = true;
    }
  }
  // In the Harmony format "<|end|>" closes a message of a turn that goes on; "<|return|>" ends it.
  const TokenId end = specials.exact("<|end|>");
  if (end >= 0 && end != eos && specials.exact("<|return|>") >= 0) {
    ends[static_cast<size_t>(end)] = false;
  }
}

int byte_token_value(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text[5] != '>') {
    return -1;
  }
  int value = 0;
  for (const char c : text.substr(3, 2)) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                             : -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

Result<std::unique_ptr<Vocabulary>> Vocabulary::create(const TokenizerData& data,
                                                       BytesOf bytes_of) {
  CUPEL_TRY_VOID(check_lengths(data));
  std::unique_ptr<Vocabulary> vocabulary(new Vocabulary);
  CUPEL_TRY_VOID(vocabulary->add_tokens(data, bytes_of));
  CUPEL_TRY_VOID(vocabulary->index_pieces(data));
  CUPEL_TRY_VOID(vocabulary->index_specials(data, bytes_of));
  CUPEL_TRY_VOID(vocabulary->set_ids(data));
  return vocabulary;
}

Result<Ok> Vocabulary::add_tokens(const TokenizerData& data, BytesOf bytes_of) {
  const size_t count = data.tokens.size();
  size_t total = 0;
  for (const std::string_view token : data.tokens) {
    total += token.size();
  }
  bytes_->reserve(count, total);
  types_.reserve(count);
  std::string buffer;
  for (size_t i = 0; i < count; ++i) {
    const int32_t type = data.token_types.empty() ? 1 : data.token_types[i];
    if (type < 0 || type > static_cast<int32_t>(TokenType::kByte)) {
      return corrupt_data("tokenizer.ggml.token_type: token {} has type {}, expected 0 to 6", i,
                          type);
    }
    if (!is_valid_utf8(data.tokens[i])) {
      return corrupt_data("tokenizer.ggml.tokens: token {} is not valid UTF-8 (\"{}\")", i,
                          printable(data.tokens[i]));
    }
    types_.push_back(static_cast<TokenType>(type));
    buffer.clear();
    bytes_of(data.tokens[i], types_.back(), buffer);
    bytes_->append(buffer);
  }
  return Ok{};
}

Result<Ok> Vocabulary::index_pieces(const TokenizerData& data) {
  pieces_ = std::make_unique<PieceMap>(*bytes_, types_.size());
  byte_tokens_.fill(-1);
  for (size_t i = 0; i < types_.size(); ++i) {
    if (types_[i] == TokenType::kByte) {
      CUPEL_TRY_VOID(index_byte(data, i));
      continue;
    }
    const auto id = static_cast<TokenId>(i);
    if (!is_special(types_[i]) && !bytes(id).empty() && !pieces_->insert(id)) {
      const auto first = static_cast<size_t>(pieces_->find(bytes(id)));
      if (data.tokens[first] == data.tokens[i]) {
        return duplicate(data, first, i);
      }
    }
  }
  return Ok{};
}

Result<Ok> Vocabulary::index_byte(const TokenizerData& data, size_t index) {
  const int value = byte_token_value(data.tokens[index]);
  if (value < 0) {
    return corrupt_data(
        "tokenizer.ggml.tokens: token {} is marked as a byte, but its text is \"{}\", not "
        "\"<0xNN>\"",
        index, printable(data.tokens[index]));
  }
  TokenId& slot = byte_tokens_[static_cast<size_t>(value)];
  if (slot >= 0) {
    return duplicate(data, static_cast<size_t>(slot), index);
  }
  slot = static_cast<TokenId>(index);
  return Ok{};
}

Result<Ok> Vocabulary::index_specials(const TokenizerData& data, BytesOf bytes_of) {
  std::vector<SpecialTokens::Entry> all;
  for (size_t i = 0; i < types_.size(); ++i) {
    if (is_special(types_[i])) {
      all.push_back({bytes(static_cast<TokenId>(i)), static_cast<TokenId>(i)});
    }
  }
  std::ranges::sort(all, [](const auto& a, const auto& b) {
    return a.text != b.text ? a.text < b.text : a.id < b.id;
  });
  for (size_t i = 1; i < all.size(); ++i) {
    if (all[i].text == all[i - 1].text && !all[i].text.empty()) {
      return duplicate(data, static_cast<size_t>(all[i - 1].id), static_cast<size_t>(all[i].id));
    }
  }
  std::string as_normal;
  for (const SpecialTokens::Entry& entry : all) {
    const std::string_view raw = data.tokens[static_cast<size_t>(entry.id)];
    as_normal.clear();
    bytes_of(raw, TokenType::kNormal, as_normal);
    const TokenId normal = pieces_->find(as_normal);
    if (normal >= 0 && normal != entry.id && data.tokens[static_cast<size_t>(normal)] == raw) {
      return duplicate(data, static_cast<size_t>(std::min(normal, entry.id)),
                       static_cast<size_t>(std::max(normal, entry.id)));
    }
  }
  std::vector<SpecialTokens::Entry> user_defined;
  std::ranges::copy_if(all, std::back_inserter(user_defined), [&](const auto& entry) {
    return type(entry.id) == TokenType::kUserDefined;
  });
  user_defined_ = SpecialTokens(std::move(user_defined));
  specials_ = SpecialTokens(std::move(all));
  return Ok{};
}

Result<Ok> Vocabulary::set_ids(const TokenizerData& data) {
  CUPEL_TRY(bos_, checked_id(data.bos, size(), "bos_token_id"));
  CUPEL_TRY(eos_, checked_id(data.eos, size(), "eos_token_id"));
  CUPEL_TRY(unknown_, checked_id(data.unknown, size(), "unknown_token_id"));
  CUPEL_TRY_VOID(checked_id(data.padding, size(), "padding_token_id"));
  ends_.assign(size(), false);
  const auto mark = [&](TokenId id) {
    if (id >= 0) {
      ends_[static_cast<size_t>(id)] = true;
    }
  };
  mark(eos_);
  for (const int64_t end : data.end_ids) {
    CUPEL_TRY(const TokenId id, checked_id(end, size(), "eot_token_id"));
    mark(id);
  }
  mark_end_texts(specials_, eos_, ends_);
  return Ok{};
}

}  // namespace cupel::engine
