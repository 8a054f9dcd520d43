#include "engine/convert/gguf_tokenizer.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/error.h"
#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/convert/merge_scores.h"
#include "engine/convert/tokenizer_probe.h"
#include "engine/convert/tokenizer_steps.h"
#include "engine/tokenizer/from_folder.h"
#include "engine/tokenizer/json/added_tokens.h"
#include "engine/tokenizer/json/model_tokens.h"
#include "engine/tokenizer/make_tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace cupel::engine {
namespace {

constexpr size_t kMaxValues = size_t{1} << 24U;

class TokenizerExport {
 public:
  TokenizerExport(std::string folder, const JsonAt& root, const Json* config, size_t rows)
      : folder_(std::move(folder)), root_(root), config_(config), rows_(rows) {}

  Result<GgufTokenizer> run() {
    CUPEL_TRY(texts_, load_texts_from_folder(folder_));
    CUPEL_TRY(steps_, read_tokenizer_steps(root_));
    CUPEL_TRY_VOID(read_tokens());
    CUPEL_TRY_VOID(read_added());
    CUPEL_TRY_VOID(read_merges());
    CUPEL_TRY_VOID(check_frame());
    CUPEL_TRY_VOID(set_data());
    CUPEL_TRY_VOID(hold_to_original());
    return GgufTokenizer{.keys = header(), .notes = std::move(steps_.notes)};
  }

 private:
  Result<Ok> read_tokens() {
    CUPEL_TRY(const JsonAt model, root_.member("model"));
    CUPEL_TRY(const JsonAt vocab, model.member("vocab"));
    CUPEL_TRY(const ModelTokens tokens, ModelTokens::from_map(vocab));
    CUPEL_TRY_VOID(check_size(tokens.size()));
    tokens_.resize(rows_);
    types_.assign(rows_, static_cast<int32_t>(TokenType::kUnused));
    for (size_t id = 0; id < tokens.size(); ++id) {
      if (tokens.contains(static_cast<TokenId>(id))) {
        tokens_[id] = std::string(tokens.text(static_cast<TokenId>(id)));
        const bool byte = !steps_.byte_level && byte_token_value(tokens_[id]) >= 0;
        types_[id] = static_cast<int32_t>(byte ? TokenType::kByte : TokenType::kNormal);
      }
    }
    CUPEL_TRY(const std::string unknown, model.text_or("unk_token", ""));
    unknown_ = unknown.empty() ? -1 : tokens.find(unknown);
    return Ok{};
  }

  [[nodiscard]] Result<Ok> check_size(size_t tokens) const {
    if (tokens > rows_) {
      return corrupt_data("has {} tokens, but the model's embedding only {} rows", tokens, rows_);
    }
    return Ok{};
  }

  /// Added tokens of tokenizer.json, and those that only tokenizer_config.json knows.
  Result<Ok> read_added() {
    if (const auto list = root_.find("added_tokens")) {
      CUPEL_TRY(const std::vector<JsonAt> items, list->items());
      for (const JsonAt& item : items) {
        CUPEL_TRY(const AddedToken token, read_added_token(item, std::nullopt));
        CUPEL_TRY_VOID(add(token));
      }
    }
    const Json* more = config_ != nullptr ? config_->find("added_tokens_decoder") : nullptr;
    const bool listed = more != nullptr && more->is_object();
    for (const auto& [key, value] : listed ? more->as_object() : Json::Object{}) {
      int64_t id = -1;  // load_texts_from_folder has checked it
      std::from_chars(key.data(), key.data() + key.size(), id);
      CUPEL_TRY(const AddedToken token, read_added_token(JsonAt(value, key), id));
      if (texts_.tokenizer->find(token.content) == token.id) {
        CUPEL_TRY_VOID(add(token));
      }
    }
    if (!steps_.byte_level && unknown_ >= 0) {
      types_[static_cast<size_t>(unknown_)] = static_cast<int32_t>(TokenType::kUnknown);
    }
    for (size_t id = 0; id < rows_; ++id) {
      if (types_[id] == static_cast<int32_t>(TokenType::kUnused)) {
        tokens_[id] = format("[PAD{}]", id);  // as llama.cpp's converter names them
      }
    }
    return Ok{};
  }

  Result<Ok> add(const AddedToken& token) {
    if (token.content.empty()) {
      return Ok{};
    }
    CUPEL_TRY_VOID(check_size(static_cast<size_t>(token.id) + 1));
    const auto id = static_cast<size_t>(token.id);
    tokens_[id] = token.content;
    types_[id] =
        static_cast<int32_t>(token.special ? TokenType::kControl : TokenType::kUserDefined);
    const bool strips = token.lstrip || token.rstrip || token.single_word;
    if (strips && !noted_strips_) {
      noted_strips_ = true;
      steps_.notes.push_back(format(
          "added_tokens: \"{}\" takes white space along or stands alone only (lstrip, rstrip, "
          "single_word), which GGUF cannot say",
          printable(token.content)));
    }
    return Ok{};
  }

  Result<Ok> read_merges() {
    CUPEL_TRY(const JsonAt model, root_.member("model"));
    CUPEL_TRY(const JsonAt list, model.member("merges"));
    std::vector<PieceMerge> merges;
    for (const Json& merge : list.value().as_array()) {  // load_texts_from_folder has checked them
      if (merge.is_array()) {
        merges.emplace_back(merge.as_array()[0].as_string(), merge.as_array()[1].as_string());
      } else {
        const std::string& text = merge.as_string();
        const size_t space = text.find(' ', 1);
        merges.emplace_back(text.substr(0, space), text.substr(space + 1));
      }
    }
    if (steps_.byte_level) {
      for (const auto& [left, right] : merges) {
        merges_.push_back(format("{} {}", left, right));
      }
      return Ok{};
    }
    std::vector<bool> mergeable(rows_);
    for (size_t id = 0; id < rows_; ++id) {
      mergeable[id] = types_[id] == static_cast<int32_t>(TokenType::kNormal);
    }
    CUPEL_TRY(scores_, scores_of_merges(tokens_, mergeable, merges));
    return Ok{};
  }

  /// BOS before and EOS after a text are all that GGUF can say.
  [[nodiscard]] Result<Ok> check_frame() const {
    const std::vector<TokenId> ids = texts_.tokenizer->encode("", {.add_special = true});
    const size_t said = (texts_.add_bos ? 1U : 0U) + (texts_.add_eos ? 1U : 0U);
    if (ids.size() != said) {
      return unsupported(
          "post_processor: puts {} tokens around a text; GGUF has a word for bos_token before and "
          "eos_token after it",
          ids.size());
    }
    return Ok{};
  }

  Result<Ok> set_data() {
    data_.model = steps_.byte_level ? "gpt2" : "llama";
    if (steps_.byte_level) {
      data_.pre = std::string(pre_tokenizer_of(steps_.split));
      if (data_.pre.empty()) {
        return unsupported(
            "pre_tokenizer: none of the {} that GGUF knows by name cuts text by \"{}\"{}",
            pre_tokenizer_names().size(),
            steps_.split.patterns.empty() ? "" : printable(steps_.split.patterns.front(), 60),
            steps_.split.ignore_merges ? " and ignores merges" : "");
      }
    }
    data_.tokens.assign(tokens_.begin(), tokens_.end());
    data_.token_types = types_;
    data_.scores = scores_;
    data_.merges.assign(merges_.begin(), merges_.end());
    data_.bos = texts_.bos;
    data_.eos = texts_.eos;
    data_.unknown = unknown_ >= 0 ? unknown_ : texts_.unknown;
    data_.padding = texts_.padding;
    data_.add_bos = texts_.add_bos;
    data_.add_eos = texts_.add_eos;
    data_.add_space_prefix = steps_.add_space;
    const size_t known = std::min(rows_, texts_.tokenizer->vocabulary_size());
    for (size_t id = 0; id < known && data_.end_ids.size() < 2; ++id) {
      const auto token = static_cast<TokenId>(id);
      if (token != texts_.eos && texts_.tokenizer->ends_generation(token)) {
        data_.end_ids.push_back(token);
      }
    }
    return Ok{};
  }

  [[nodiscard]] Result<Ok> hold_to_original() const {
    CUPEL_TRY(const auto converted, make_tokenizer(data_));
    // Texts that are not composed may differ where NFC was left out, and so may tokens that take
    // white space along: there the fixed text, which has neither, is what is compared.
    return expect_same_ids(*texts_.tokenizer, *converted, steps_.notes.empty());
  }

  [[nodiscard]] GgufHeader header() const {
    GgufHeader keys;
    keys.set_string("tokenizer.ggml.model", data_.model);
    keys.set_string("tokenizer.ggml.pre", steps_.byte_level ? data_.pre : "default");
    keys.set_string_array("tokenizer.ggml.tokens", data_.tokens);
    keys.set_array<int32_t>("tokenizer.ggml.token_type", types_);
    if (steps_.byte_level) {
      keys.set_string_array("tokenizer.ggml.merges", data_.merges);
    } else {
      keys.set_array<float>("tokenizer.ggml.scores", scores_);
      keys.set("tokenizer.ggml.add_space_prefix", steps_.add_space);
    }
    set_id(keys, "bos_token_id", data_.bos);
    set_id(keys, "eos_token_id", data_.eos);
    set_id(keys, "unknown_token_id", data_.unknown);
    set_id(keys, "padding_token_id", data_.padding);
    set_id(keys, "eot_token_id", data_.end_ids.empty() ? -1 : data_.end_ids[0]);
    set_id(keys, "eom_token_id", data_.end_ids.size() < 2 ? -1 : data_.end_ids[1]);
    keys.set("tokenizer.ggml.add_bos_token", texts_.add_bos);
    keys.set("tokenizer.ggml.add_eos_token", texts_.add_eos);
    if (!texts_.chat_template.empty()) {
      keys.set_string("tokenizer.chat_template", texts_.chat_template);
    }
    return keys;
  }

  static void set_id(GgufHeader& keys, std::string_view name, int64_t id) {
    if (id >= 0) {
      keys.set(format("tokenizer.ggml.{}", name), static_cast<uint32_t>(id));
    }
  }

  std::string folder_;
  const JsonAt& root_;
  const Json* config_;
  size_t rows_;
  ModelTexts texts_;
  TokenizerSteps steps_;
  std::vector<std::string> tokens_;
  std::vector<int32_t> types_;
  std::vector<float> scores_;
  std::vector<std::string> merges_;
  TokenizerData data_;  // views of the above
  TokenId unknown_ = -1;
  bool noted_strips_ = false;
};

}  // namespace

Result<GgufTokenizer> gguf_tokenizer(const std::string& folder, uint64_t rows) {
  const std::string path = format("{}/tokenizer.json", folder);
  CUPEL_TRY(const bool exists, path_exists(path));
  if (!exists) {
    return not_found(
        "{}: holds no tokenizer.json, without which the GGUF file could not read text; save the "
        "tokenizer beside the weights",
        folder);
  }
  CUPEL_TRY(const std::string text, read_file(path));
  auto json = parse_json(text, {.unique_keys = true, .max_values = kMaxValues});
  if (!json) {
    return in_file(std::move(json).error(), path);
  }
  Json config;
  const std::string config_path = format("{}/tokenizer_config.json", folder);
  CUPEL_TRY(const bool configured, path_exists(config_path));
  if (configured) {
    CUPEL_TRY(config, read_json_file(config_path));
  }
  const JsonAt root(*json, "");
  auto made = TokenizerExport(folder, root, &config, rows).run();
  if (!made && !made.error().message.starts_with(folder)) {
    return in_file(std::move(made).error(), path);
  }
  return made;
}

}  // namespace cupel::engine
