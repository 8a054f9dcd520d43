#include "engine/tokenizer/word_piece.h"

#include <algorithm>
#include <unordered_map>

#include "base/error.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/tokenizer/from_json.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kWordStart = "\u2581";
constexpr std::string_view kContinues = "##";

bool in_brackets(std::string_view token) {
  return token.starts_with('[') && token.ends_with(']');
}

/// The token's text as BERT's own vocabulary has it.
std::string original_text(std::string_view token, bool special) {
  if (token.starts_with(kWordStart)) {
    return std::string(token.substr(kWordStart.size()));
  }
  return special || in_brackets(token) ? std::string(token)
                                       : std::string(kContinues) + std::string(token);
}

class WordPieceFile {
 public:
  explicit WordPieceFile(const TokenizerData& data) : data_(data) {}

  /// The tokenizer.json.
  Result<Json> make() {
    CUPEL_TRY_VOID(check_tokens());
    CUPEL_TRY(const int64_t unknown, named_id(data_.unknown, data_.unknown, "[UNK]"));
    CUPEL_TRY(const int64_t first, named_id(data_.classifier, data_.bos, "[CLS]"));
    CUPEL_TRY(const int64_t last, named_id(data_.separator, data_.eos, "[SEP]"));
    specials_ = {unknown, first, last};
    Json model = Json::object();
    model.set("type", "WordPiece")
        .set("unk_token", text_of(unknown))
        .set("continuing_subword_prefix", kContinues)
        .set("max_input_chars_per_word", 100)
        .set("vocab", vocabulary());
    return Json::object()
        .set("added_tokens", added_tokens())
        .set("normalizer", Json::object()
                               .set("type", "BertNormalizer")
                               .set("clean_text", true)
                               .set("handle_chinese_chars", true)
                               .set("lowercase", !has_upper_case()))
        .set("pre_tokenizer", Json::object().set("type", "BertPreTokenizer"))
        .set("post_processor", Json::object()
                                   .set("type", "BertProcessing")
                                   .set("cls", pair_of(first))
                                   .set("sep", pair_of(last)))
        .set("decoder",
             Json::object().set("type", "WordPiece").set("prefix", kContinues).set("cleanup", true))
        .set("model", std::move(model));
  }

 private:
  Result<Ok> check_tokens() const {
    if (data_.tokens.empty()) {
      return corrupt_data("tokenizer.ggml.tokens is empty: the file holds no vocabulary");
    }
    if (!data_.token_types.empty() && data_.token_types.size() != data_.tokens.size()) {
      return corrupt_data("tokenizer.ggml.token_type has {} entries for {} tokens",
                          data_.token_types.size(), data_.tokens.size());
    }
    std::unordered_map<std::string_view, size_t> known;
    for (size_t i = 0; i < data_.tokens.size(); ++i) {
      if (!is_valid_utf8(data_.tokens[i])) {
        return corrupt_data("tokenizer.ggml.tokens: token {} is no UTF-8 text", i);
      }
      const auto [place, is_new] = known.emplace(data_.tokens[i], i);
      if (!is_new) {
        return corrupt_data("tokenizer.ggml.tokens: tokens {} and {} have the same text \"{}\"",
                            place->second, i, printable(data_.tokens[i]));
      }
    }
    return Ok{};
  }

  /// The id that the file gives, else the other one, else that of the token of that text.
  [[nodiscard]] Result<int64_t> named_id(int64_t given,
                                         int64_t other,
                                         std::string_view text) const {
    const int64_t id = given >= 0 ? given : other;
    if (id >= static_cast<int64_t>(data_.tokens.size())) {
      return corrupt_data("tokenizer.ggml: the id {} stands for {}, but there are {} tokens", id,
                          text, data_.tokens.size());
    }
    if (id >= 0) {
      return id;
    }
    const auto found = std::ranges::find(data_.tokens, text);
    if (found == data_.tokens.end()) {
      return corrupt_data("tokenizer.ggml.tokens holds no {}, which BERT's texts need", text);
    }
    return static_cast<int64_t>(found - data_.tokens.begin());
  }

  [[nodiscard]] bool is_special(size_t id) const {
    const auto type = data_.token_types.empty() ? TokenType::kNormal
                                                : static_cast<TokenType>(data_.token_types[id]);
    return type == TokenType::kControl || type == TokenType::kUnknown ||
           type == TokenType::kUserDefined ||
           std::ranges::find(specials_, static_cast<int64_t>(id)) != specials_.end();
  }

  [[nodiscard]] std::string text_of(int64_t id) const {
    const auto at = static_cast<size_t>(id);
    return original_text(data_.tokens[at], is_special(at));
  }

  [[nodiscard]] Json pair_of(int64_t id) const {
    return Json::array().push_back(text_of(id)).push_back(id);
  }

  [[nodiscard]] Json vocabulary() const {
    Json::Object vocab;
    vocab.reserve(data_.tokens.size());
    for (size_t i = 0; i < data_.tokens.size(); ++i) {
      vocab.emplace_back(text_of(static_cast<int64_t>(i)), Json(i));
    }
    return vocab;
  }

  [[nodiscard]] Json added_tokens() const {
    Json list = Json::array();
    for (size_t i = 0; i < data_.tokens.size(); ++i) {
      if (is_special(i)) {
        list.push_back(Json::object()
                           .set("id", i)
                           .set("content", text_of(static_cast<int64_t>(i)))
                           .set("special", true));
      }
    }
    return list;
  }

  [[nodiscard]] bool has_upper_case() const {
    for (size_t i = 0; i < data_.tokens.size(); ++i) {
      const bool text = !is_special(i) && !in_brackets(data_.tokens[i]);
      if (text &&
          std::ranges::any_of(data_.tokens[i], [](char c) { return c >= 'A' && c <= 'Z'; })) {
        return true;
      }
    }
    return false;
  }

  const TokenizerData& data_;
  std::vector<int64_t> specials_;  // those that every file has
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> make_word_piece(const TokenizerData& data) {
  CUPEL_TRY(const Json file, WordPieceFile(data).make());
  return tokenizer_from_json_value(file);
}

}  // namespace cupel::engine
