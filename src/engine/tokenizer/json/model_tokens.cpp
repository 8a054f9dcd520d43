#include "engine/tokenizer/json/model_tokens.h"

#include <algorithm>

#include "base/text.h"

namespace cupel::engine {
namespace {

// Far beyond any vocabulary (the largest have half a million tokens).
constexpr int64_t kMaxTokens = int64_t{1} << 24U;

}  // namespace

Result<ModelTokens> ModelTokens::from_map(const JsonAt& vocab) {
  if (!vocab.value().is_object()) {
    return vocab.mistyped("an object of token texts and ids");
  }
  const int64_t end =
      std::min(kMaxTokens, static_cast<int64_t>(vocab.value().size()) + kMostIdGaps);
  int64_t largest = -1;
  for (const auto& [text, id] : vocab.value().as_object()) {
    if (!id.is_int() || id.as_int() < 0 || id.as_int() >= end) {
      return corrupt_data(
          "{}.\"{}\" is {}; expected an id from 0 to {}", vocab.path(), printable(text),
          id.is_int() ? std::to_string(id.as_int()) : std::string(id.type_name()), end - 1);
    }
    largest = std::max(largest, id.as_int());
  }
  std::vector<const std::string*> by_id(static_cast<size_t>(largest + 1));
  for (const auto& [text, id] : vocab.value().as_object()) {
    const std::string*& slot = by_id[static_cast<size_t>(id.as_int())];
    if (slot != nullptr) {
      return corrupt_data("{}: \"{}\" and \"{}\" have the same id {}", vocab.path(),
                          printable(*slot), printable(text), id.as_int());
    }
    slot = &text;
  }
  ModelTokens tokens;
  CUPEL_TRY_VOID(tokens.set_texts(vocab, by_id));
  return tokens;
}

Result<ModelTokens> ModelTokens::from_list(const JsonAt& vocab) {
  if (!vocab.value().is_array()) {
    return vocab.mistyped("an array of token texts and scores");
  }
  const Json::Array& list = vocab.value().as_array();
  if (list.size() > static_cast<size_t>(kMaxTokens)) {
    return corrupt_data("{} has {} tokens; expected at most {}", vocab.path(), list.size(),
                        kMaxTokens);
  }
  ModelTokens tokens;
  std::vector<const std::string*> by_id;
  for (const Json& item : list) {
    if (!item.is_array() || item.size() != 2 || !item.as_array()[0].is_string() ||
        !item.as_array()[1].is_number()) {
      return corrupt_data("{}[{}] is {}; expected [\"text\", score]", vocab.path(), by_id.size(),
                          item.type_name());
    }
    by_id.push_back(&item.as_array()[0].as_string());
    tokens.scores_.push_back(item.as_array()[1].as_double());
  }
  CUPEL_TRY_VOID(tokens.set_texts(vocab, by_id));
  return tokens;
}

Result<Ok> ModelTokens::set_texts(const JsonAt& vocab,
                                  const std::vector<const std::string*>& by_id) {
  if (by_id.empty()) {
    return corrupt_data("{} is empty; expected the tokens of the model", vocab.path());
  }
  size_t bytes = 0;
  for (const std::string* text : by_id) {
    bytes += text != nullptr ? text->size() : 0;
  }
  texts_->reserve(by_id.size(), bytes);
  present_.reserve(by_id.size());
  for (const std::string* text : by_id) {
    texts_->append(text != nullptr ? std::string_view(*text) : "");
    present_.push_back(text != nullptr);
  }
  by_text_ = std::make_unique<PieceMap>(*texts_, by_id.size());
  for (size_t i = by_id.size(); i-- > 0;) {  // of equal texts, the last one counts
    if (by_id[i] != nullptr && !by_id[i]->empty()) {
      by_text_->insert(static_cast<TokenId>(i));
    }
  }
  return Ok{};
}

ByteTokens ModelTokens::byte_tokens() const {
  std::array<TokenId, 256> ids{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    ids[byte] = find(format("<0x{:02X}>", byte));
  }
  return ByteTokens(ids);
}

}  // namespace cupel::engine
