#include "engine/tokenizer/from_folder.h"

#include <charconv>

#include "base/error.h"
#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/tokenizer/from_json.h"

namespace cupel::engine {
namespace {

constexpr size_t kMaxConfigBytes = size_t{64} << 20U;
constexpr size_t kMaxValues = size_t{4} << 20U;

/// BOS, EOS and whether they are added, as the tokenizer itself shows it.
void set_frame(ModelTexts& texts) {
  texts.bos = texts.tokenizer->bos();
  texts.eos = texts.tokenizer->eos();
  const std::vector<TokenId> ids = texts.tokenizer->encode("", {.add_special = true});
  texts.add_bos = texts.bos >= 0 && !ids.empty() && ids.front() == texts.bos;
  const size_t before = texts.add_bos ? 1 : 0;  // the two may be one token
  texts.add_eos = texts.eos >= 0 && ids.size() > before && ids.back() == texts.eos;
}

/// Reads a text file of bounded size; nothing when it is absent.
Result<std::optional<std::string>> text_of(const std::string& path) {
  CUPEL_TRY(const bool exists, path_exists(path));
  if (!exists) {
    return std::optional<std::string>{};
  }
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > kMaxConfigBytes) {
    return corrupt_data("{}: has {} bytes; expected at most {}", path, file.bytes().size(),
                        kMaxConfigBytes);
  }
  return std::optional(
      std::string(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()));
}

/// The parts of a folder while they are collected.
class FolderReader {
 public:
  explicit FolderReader(std::string folder) : folder_(std::move(folder)) {}

  Result<ModelTexts> read() {
    CUPEL_TRY(const bool exists, path_exists(path("tokenizer.json")));
    if (!exists) {
      return not_found("{}: holds no tokenizer.json; give the folder of a model with one", folder_);
    }
    CUPEL_TRY_VOID(read_each("tokenizer_config.json", &FolderReader::read_config));
    CUPEL_TRY_VOID(read_each("special_tokens_map.json", &FolderReader::read_names));
    CUPEL_TRY_VOID(read_each("generation_config.json", &FolderReader::read_end_ids));
    CUPEL_TRY_VOID(read_each("config.json", &FolderReader::read_end_ids));
    CUPEL_TRY_VOID(read_each("sentence_bert_config.json", &FolderReader::read_sentences));
    CUPEL_TRY_VOID(read_template());
    CUPEL_TRY(texts_.tokenizer, load_tokenizer_json(path("tokenizer.json"), options_));
    set_ids();
    return std::move(texts_);
  }

 private:
  using Reader = Result<Ok> (FolderReader::*)(const JsonAt&);

  [[nodiscard]] std::string path(std::string_view name) const {
    return format("{}/{}", folder_, name);
  }

  /// Calls `reader` with a JSON file of the folder, when it is there.
  Result<Ok> read_each(std::string_view name, Reader reader) {
    CUPEL_TRY(const auto text, text_of(path(name)));
    if (!text) {
      return Ok{};
    }
    auto json = parse_json(*text, {.max_values = kMaxValues});
    if (!json) {
      return in_file(std::move(json).error(), path(name));
    }
    auto done = (this->*reader)(JsonAt(*json, ""));
    return done ? done : in_file(std::move(done).error(), path(name));
  }

  Result<Ok> read_config(const JsonAt& json) {
    if (!json.value().is_object()) {
      return json.mistyped("an object");
    }
    CUPEL_TRY_VOID(read_names(json));
    for (auto& [key, flag] : {std::pair("add_bos_token", &options_.add_bos),
                              std::pair("add_eos_token", &options_.add_eos)}) {
      if (json.find(key)) {
        CUPEL_TRY(*flag, json.flag_or(key, false));
      }
    }
    if (const auto added = json.find("added_tokens_decoder")) {
      CUPEL_TRY_VOID(read_added(*added));
    }
    if (const auto found = json.find("chat_template")) {
      CUPEL_TRY(texts_.chat_template, template_of(*found));
    }
    return Ok{};
  }

  /// "bos_token" and the like: a text or an added token; what is known already stays.
  Result<Ok> read_names(const JsonAt& json) {
    for (auto& [key, name] :
         {std::pair("bos_token", &options_.bos), std::pair("eos_token", &options_.eos),
          std::pair("pad_token", &padding_), std::pair("unk_token", &unknown_)}) {
      const auto found = json.find(key);
      if (!found || !name->empty()) {
        continue;
      }
      CUPEL_TRY(*name, found->value().is_object() ? found->text("content") : found->text());
    }
    return Ok{};
  }

  /// {"128000": {"content": …}, …}
  Result<Ok> read_added(const JsonAt& json) {
    if (!json.value().is_object()) {
      return json.mistyped("an object of ids and tokens");
    }
    for (const auto& [key, value] : json.value().as_object()) {
      int64_t id = -1;
      const auto read = std::from_chars(key.data(), key.data() + key.size(), id);
      const JsonAt at(value, format("{}.{}", json.path(), printable(key)));
      if (read.ec != std::errc{} || read.ptr != key.data() + key.size()) {
        return corrupt_data("{}: the key is no id", at.path());
      }
      CUPEL_TRY(AddedToken token, read_added_token(at, id));
      options_.more_tokens.push_back(std::move(token));
    }
    return Ok{};
  }

  /// "eos_token_id": an id or a list of them; the files before this one count.
  Result<Ok> read_end_ids(const JsonAt& json) {
    const auto found = json.find("eos_token_id");
    if (!found || !options_.end_ids.empty()) {
      return Ok{};
    }
    if (found->value().is_array()) {
      CUPEL_TRY(const std::vector<JsonAt> items, found->items());
      for (const JsonAt& item : items) {
        CUPEL_TRY(const int64_t id, item.integer());
        options_.end_ids.push_back(id);
      }
      return Ok{};
    }
    CUPEL_TRY(const int64_t id, found->integer());
    options_.end_ids.push_back(id);
    return Ok{};
  }

  /// What sentence-transformers adds to a tokenizer.
  Result<Ok> read_sentences(const JsonAt& json) {
    CUPEL_TRY(options_.lowercase, json.flag_or("do_lower_case", false));
    return Ok{};
  }

  /// A template's text, or a list of named ones.
  static Result<std::string> template_of(const JsonAt& json) {
    if (!json.value().is_array()) {
      return json.text();
    }
    CUPEL_TRY(const std::vector<JsonAt> items, json.items());
    std::vector<std::string> names;
    for (const JsonAt& item : items) {
      CUPEL_TRY(const std::string name, item.text("name"));
      if (name == "default" || items.size() == 1) {
        return item.text("template");
      }
      names.push_back(printable(name));
    }
    return unsupported(
        "{} has no template named \"default\" (there are: {}); give one of them by "
        "itself",
        json.path(), join(names, ", "));
  }

  Result<Ok> read_template() {
    CUPEL_TRY(auto text, text_of(path("chat_template.jinja")));
    if (text) {
      texts_.chat_template = std::move(*text);
      return Ok{};
    }
    return texts_.chat_template.empty()
               ? read_each("chat_template.json", &FolderReader::read_template_file)
               : Result<Ok>(Ok{});
  }
  Result<Ok> read_template_file(const JsonAt& json) {
    CUPEL_TRY(const JsonAt found, json.member("chat_template"));
    CUPEL_TRY(texts_.chat_template, template_of(found));
    return Ok{};
  }

  void set_ids() {
    const Tokenizer& tokenizer = *texts_.tokenizer;
    set_frame(texts_);
    // Both may be named without being tokens: nothing of ours needs them.
    texts_.padding = padding_.empty() ? -1 : tokenizer.find(padding_);
    texts_.unknown = unknown_.empty() ? -1 : tokenizer.find(unknown_);
  }

  std::string folder_;
  JsonTokenizerOptions options_;
  std::string padding_;
  std::string unknown_;
  ModelTexts texts_;
};

}  // namespace

Result<ModelTexts> load_texts_from_folder(const std::string& folder) {
  return FolderReader(folder).read();
}

Result<ModelTexts> load_texts(const Checkpoint& file, const TokenizerOptions& options) {
  if (file.foreign()) {
    if (!options.pre.empty()) {
      return invalid_argument(
          "{}: its tokenizer.json says how text is split; another pre-tokenizer "
          "can only be given for GGUF files",
          file.path());
    }
    return load_texts_from_folder(file.path());
  }
  ModelTexts texts;
  CUPEL_TRY(texts.tokenizer, load_tokenizer(file, options));
  CUPEL_TRY(const TokenizerData data, tokenizer_data(file));
  CUPEL_TRY(texts.chat_template, file.get_string_or("tokenizer.chat_template", ""));
  texts.padding = static_cast<TokenId>(data.padding);
  texts.unknown = static_cast<TokenId>(data.unknown);
  set_frame(texts);
  return texts;
}

}  // namespace cupel::engine
