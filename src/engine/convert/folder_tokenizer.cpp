#include "engine/convert/folder_tokenizer.h"

#include <algorithm>

#include "base/error.h"
#include "base/text.h"
#include "engine/convert/merge_scores.h"
#include "engine/convert/tokenizer_probe.h"
#include "engine/tokenizer/from_folder.h"
#include "engine/tokenizer/from_gguf.h"
#include "engine/tokenizer/from_json.h"
#include "engine/tokenizer/pre_tokenizer.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kBlank = "\u2581";

Json step(std::string_view type) {
  return Json::object().set("type", type);
}
Json replace(std::string_view from, std::string_view to) {
  return step("Replace").set("pattern", Json::object().set("String", from)).set("content", to);
}

class TokenizerImport {
 public:
  TokenizerImport(TokenizerData data, ModelTexts texts)
      : data_(std::move(data)),
        texts_(std::move(texts)),
        byte_level_(data_.model == "gpt2"),
        add_space_(data_.add_space_prefix.value_or(!byte_level_)) {}

  Result<FolderTokenizer> run() {
    if (byte_level_ && add_space_) {
      return unsupported(
          "tokenizer.ggml.add_space_prefix is true for a \"gpt2\" vocabulary, which a "
          "tokenizer.json cannot say");
    }
    CUPEL_TRY(Json model, model_json());
    CUPEL_TRY(Json splits, splits_json());
    FolderTokenizer out;
    out.tokenizer = Json::object()
                        .set("version", "1.0")
                        .set("truncation", Json())
                        .set("padding", Json())
                        .set("added_tokens", added_json())
                        .set("normalizer", normalizer_json())
                        .set("pre_tokenizer", std::move(splits))
                        .set("post_processor", frame_json())
                        .set("decoder", decoder_json())
                        .set("model", std::move(model));
    out.config = config_json();
    out.generation = generation_json();
    out.bos = texts_.bos;
    out.eos = texts_.eos;
    out.padding = texts_.padding;
    CUPEL_TRY_VOID(hold_to_original(out.tokenizer));
    return out;
  }

 private:
  [[nodiscard]] TokenType type_of(size_t id) const {
    return data_.token_types.empty() ? TokenType::kNormal
                                     : static_cast<TokenType>(data_.token_types[id]);
  }
  [[nodiscard]] bool is_added(size_t id) const {
    const TokenType type = type_of(id);
    return type == TokenType::kControl || type == TokenType::kUserDefined ||
           (type == TokenType::kUnknown && !data_.tokens[id].empty());
  }
  /// What a converter fills the vocabulary up with; it is made again from the embedding's rows.
  [[nodiscard]] bool is_filling(size_t id) const {
    return type_of(id) == TokenType::kUnused && data_.tokens[id] == format("[PAD{}]", id);
  }
  [[nodiscard]] std::string text_of(int64_t id) const {
    return std::string(data_.tokens[static_cast<size_t>(id)]);
  }

  Result<Json> model_json() {
    Json vocab = Json::object();
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      if (!is_filling(id)) {
        vocab.as_object().emplace_back(std::string(data_.tokens[id]), id);
      }
    }
    CUPEL_TRY(Json merges, merges_json());
    CUPEL_TRY(const bool ignore_merges, ignores_merges());
    const bool unknown = !byte_level_ && data_.unknown >= 0;
    return step("BPE")
        .set("dropout", Json())
        .set("unk_token", unknown ? Json(text_of(data_.unknown)) : Json())
        .set("continuing_subword_prefix", Json())
        .set("end_of_word_suffix", Json())
        .set("fuse_unk", !byte_level_)
        .set("byte_fallback", !byte_level_)
        .set("ignore_merges", ignore_merges)
        .set("vocab", std::move(vocab))
        .set("merges", std::move(merges));
  }

  [[nodiscard]] Result<bool> ignores_merges() const {
    if (!byte_level_) {
      return false;
    }
    CUPEL_TRY(const SplitRule rule, split_rule(data_.pre));
    return rule.ignore_merges;
  }

  Result<Json> merges_json() {
    Json list = Json::array();
    if (byte_level_) {
      for (const std::string_view merge : data_.merges) {  // load_tokenizer has checked them
        const size_t space = merge.find(' ', 1);
        list.push_back(
            Json::array().push_back(merge.substr(0, space)).push_back(merge.substr(space + 1)));
      }
      return list;
    }
    std::vector<std::string> tokens(data_.tokens.begin(), data_.tokens.end());
    std::vector<bool> mergeable(tokens.size());
    for (size_t id = 0; id < tokens.size(); ++id) {
      mergeable[id] = !is_added(id) && !is_filling(id) && type_of(id) != TokenType::kByte;
    }
    for (auto& [left, right] : merges_of_scores(tokens, mergeable, data_.scores)) {
      list.push_back(Json::array().push_back(std::move(left)).push_back(std::move(right)));
    }
    return list;
  }

  [[nodiscard]] Json added_json() const {
    Json list = Json::array();
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      if (is_added(id)) {
        list.push_back(Json::object()
                           .set("id", id)
                           .set("content", std::string(data_.tokens[id]))
                           .set("single_word", false)
                           .set("lstrip", false)
                           .set("rstrip", false)
                           .set("normalized", false)
                           .set("special", type_of(id) != TokenType::kUserDefined));
      }
    }
    return list;
  }

  [[nodiscard]] Result<Json> splits_json() const {
    if (!byte_level_) {
      return Json();
    }
    CUPEL_TRY(const SplitRule rule, split_rule(data_.pre));
    Json list = Json::array();
    for (const std::string& pattern : rule.patterns) {
      list.push_back(step("Split")
                         .set("pattern", Json::object().set("Regex", pattern))
                         .set("behavior", "Isolated")
                         .set("invert", false));
    }
    list.push_back(byte_level());
    return step("Sequence").set("pretokenizers", std::move(list));
  }

  static Json byte_level() {
    return step("ByteLevel")
        .set("add_prefix_space", false)
        .set("trim_offsets", true)
        .set("use_regex", false);
  }

  [[nodiscard]] Json normalizer_json() const {
    if (byte_level_) {
      return Json();
    }
    if (!add_space_) {
      return replace(" ", kBlank);
    }
    return step("Sequence")
        .set("normalizers", Json::array()
                                .push_back(step("Prepend").set("prepend", kBlank))
                                .push_back(replace(" ", kBlank)));
  }

  [[nodiscard]] Json decoder_json() const {
    if (byte_level_) {
      return byte_level();
    }
    Json list = Json::array()
                    .push_back(replace(kBlank, " "))
                    .push_back(step("ByteFallback"))
                    .push_back(step("Fuse"));
    if (add_space_) {
      list.push_back(step("Strip").set("content", " ").set("start", 1).set("stop", 0));
    }
    return step("Sequence").set("decoders", std::move(list));
  }

  [[nodiscard]] Json frame_json() const {
    if (!texts_.add_bos && !texts_.add_eos) {
      return byte_level_ ? byte_level() : Json();
    }
    Json specials = Json::object();
    const auto special = [&](int64_t id, int64_t sequence) {
      specials.set(text_of(id), Json::object()
                                    .set("id", text_of(id))
                                    .set("ids", Json::array().push_back(id))
                                    .set("tokens", Json::array().push_back(text_of(id))));
      return Json::object().set("SpecialToken",
                                Json::object().set("id", text_of(id)).set("type_id", sequence));
    };
    const auto framed = [&](std::string_view name, int64_t sequence, Json& list) {
      if (texts_.add_bos) {
        list.push_back(special(texts_.bos, sequence));
      }
      list.push_back(
          Json::object().set("Sequence", Json::object().set("id", name).set("type_id", sequence)));
      if (texts_.add_eos) {
        list.push_back(special(texts_.eos, sequence));
      }
    };
    Json single = Json::array();
    framed("A", 0, single);
    Json pair = Json::array();
    framed("A", 0, pair);
    framed("B", 1, pair);
    return step("TemplateProcessing")
        .set("single", std::move(single))
        .set("pair", std::move(pair))
        .set("special_tokens", std::move(specials));
  }

  [[nodiscard]] Json config_json() const {
    Json config = Json::object().set("tokenizer_class", "PreTrainedTokenizerFast");
    const std::pair<std::string_view, int64_t> named[] = {{"bos_token", texts_.bos},
                                                          {"eos_token", texts_.eos},
                                                          {"unk_token", texts_.unknown},
                                                          {"pad_token", texts_.padding}};
    for (const auto& [key, id] : named) {
      if (id >= 0) {
        config.set(key, text_of(id));
      }
    }
    config.set("clean_up_tokenization_spaces", false);
    if (!texts_.chat_template.empty()) {
      config.set("chat_template", texts_.chat_template);
    }
    return config;
  }

  [[nodiscard]] Json generation_json() const {
    Json ends = Json::array();
    for (size_t id = 0; id < data_.tokens.size(); ++id) {
      if (texts_.tokenizer->ends_generation(static_cast<TokenId>(id))) {
        ends.push_back(id);
      }
    }
    Json json = Json::object();
    for (const auto& [key, id] :
         {std::pair("bos_token_id", static_cast<int64_t>(texts_.bos)),
          std::pair("pad_token_id", static_cast<int64_t>(texts_.padding))}) {
      if (id >= 0) {
        json.set(key, id);
      }
    }
    if (ends.size() > 0) {
      json.set("eos_token_id", ends.size() == 1 ? ends.as_array().front() : ends);
    }
    return json;
  }

  [[nodiscard]] Result<Ok> hold_to_original(const Json& json) const {
    const auto name = [&](TokenId id) { return id >= 0 ? text_of(id) : std::string(); };
    JsonTokenizerOptions options;
    options.bos = name(texts_.bos);
    options.eos = name(texts_.eos);
    CUPEL_TRY(const auto converted, tokenizer_from_json(dump_json(json), options));
    return expect_same_ids(*texts_.tokenizer, *converted, true);
  }

  TokenizerData data_;  // views of the file
  ModelTexts texts_;
  bool byte_level_;
  bool add_space_;
};

}  // namespace

Result<FolderTokenizer> folder_tokenizer(const Checkpoint& file) {
  CUPEL_TRY(TokenizerData data, tokenizer_data(file));
  CUPEL_TRY(ModelTexts texts, load_texts(file));
  auto made = TokenizerImport(std::move(data), std::move(texts)).run();
  if (!made) {
    return in_file(std::move(made).error(), file.path());
  }
  return made;
}

}  // namespace cupel::engine
