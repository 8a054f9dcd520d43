#include "engine/model/hf/sentence_modules.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::engine::hf {
namespace {

constexpr size_t kMostBytes = size_t{1} << 20U;  // of a configuration
constexpr int64_t kMostTokens = int64_t{1} << 28U;

Result<Json> read_config(const std::string& path) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > kMostBytes) {
    return corrupt_data("{}: has {} bytes; a configuration is much smaller", path,
                        file.bytes().size());
  }
  auto json = parse_json({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  if (!json) {
    return in_file(std::move(json).error(), path);
  }
  return json;
}

Result<std::optional<Json>> read_optional(const std::string& path) {
  CUPEL_TRY(const bool exists, path_exists(path));
  if (!exists) {
    return std::optional<Json>();
  }
  CUPEL_TRY(Json json, read_config(path));
  if (!json.is_object()) {
    return corrupt_data("{}: is {}; expected an object", path, json.type_name());
  }
  return std::optional<Json>(std::move(json));
}

/// The class of a module without the package it stands in, which moved in the course of time.
std::string_view class_of(std::string_view type) {
  return type.substr(type.rfind('.') + 1);
}

struct Modules {
  std::string pooling;  // folder below the model's; empty: none
  bool normalize = false;
};

Result<Ok> take_module(const Json& module, size_t index, Modules& out) {
  CUPEL_TRY(const std::string type, get_string(module, "type"));
  CUPEL_TRY(const std::string path, get_string_or(module, "path", ""));
  const std::string_view kind = class_of(type);
  if (index == 0 && kind == "Transformer") {
    if (!path.empty()) {
      return unsupported(
          "the weights are in the folder \"{}\"; only weights beside this file are supported",
          printable(path));
    }
    return Ok{};
  }
  if (index == 1 && kind == "Pooling") {
    if (path.empty() || path.find("..") != std::string::npos || path.front() == '/') {
      return corrupt_data("the path of the Pooling is \"{}\"; expected a folder below",
                          printable(path));
    }
    out.pooling = path;
    return Ok{};
  }
  if (index == 2 && kind == "Normalize") {
    out.normalize = true;
    return Ok{};
  }
  return unsupported(
      "module {} is a {}; supported: a Transformer, a Pooling and perhaps a Normalize, in this "
      "order",
      index, printable(kind));
}

Result<Modules> read_modules(const std::string& place) {
  CUPEL_TRY(const Json json, read_config(place));
  if (!json.is_array() || json.size() < 2) {
    return corrupt_data("{}: expected a list of a Transformer, a Pooling and perhaps a Normalize",
                        place);
  }
  Modules modules;
  for (size_t i = 0; i < json.size(); ++i) {
    if (auto taken = take_module(json.as_array()[i], i, modules); !taken) {
      return in_file(std::move(taken).error(), place);
    }
  }
  return modules;
}

/// The flags of before version 6, in the order in which the vectors stand.
Result<std::vector<std::string>> flagged_modes(ConfigReader& config) {
  constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
      {"pooling_mode_cls_token", "cls"},
      {"pooling_mode_max_tokens", "max"},
      {"pooling_mode_mean_tokens", "mean"},
      {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens"},
      {"pooling_mode_weightedmean_tokens", "weightedmean"},
      {"pooling_mode_lasttoken", "lasttoken"}};
  std::vector<std::string> modes;
  for (const auto& [flag, mode] : kFlags) {
    CUPEL_TRY(const bool set, config.flag_or(flag, false));
    if (set) {
      modes.emplace_back(mode);
    }
  }
  if (modes.empty()) {
    modes.emplace_back("mean");
  }
  return modes;
}

Result<std::string> read_pooling(const std::string& place) {
  CUPEL_TRY(const Json json, read_config(place));
  if (!json.is_object()) {
    return corrupt_data("{}: is {}; expected an object", place, json.type_name());
  }
  ConfigReader config(json, place);
  CUPEL_TRY(std::vector<std::string> modes, flagged_modes(config));
  if (const Json* mode = config.find("pooling_mode"); mode != nullptr && mode->is_string()) {
    modes = {mode->as_string()};
  } else if (mode != nullptr) {
    CUPEL_TRY(modes, config.texts("pooling_mode"));
  }
  for (const std::string& mode : modes) {
    const auto known = pooling_names();
    if (std::find(known.begin(), known.end(), mode) == known.end()) {
      return unsupported("{}: the pooling \"{}\" is not supported; supported: {}", place,
                         printable(mode),
                         join(std::vector<std::string>(known.begin(), known.end()), ", "));
    }
  }
  if (modes.empty()) {
    return corrupt_data("{}: \"pooling_mode\" is empty; expected at least one", place);
  }
  CUPEL_TRY_VOID(config.expect_flag("include_prompt", true));
  config.ignore({"word_embedding_dimension", "embedding_dimension"});  // the weights say it
  CUPEL_TRY_VOID(config.refuse_unread());
  return join(modes, ",");
}

/// How long a text may be. The tokenizer's own limit counts where there is no other, but some say
/// 10^30 for "any".
Result<Ok> read_lengths(const std::string& folder, Translation& out) {
  const std::string place = folder + "/sentence_bert_config.json";
  CUPEL_TRY(const auto json, read_optional(place));
  if (json) {
    ConfigReader config(*json, place);
    CUPEL_TRY(const bool lowercase, config.flag_or("do_lower_case", false));
    out.set_flag("embeddings.lowercase", lowercase);
    CUPEL_TRY_VOID(config.expect_text("transformer_task", {"feature-extraction"}));
    CUPEL_TRY_VOID(config.expect_text("module_output_name", {"token_embeddings"}));
    config.ignore({"modality_config", "unpad_inputs"});
    CUPEL_TRY(const int64_t most, config.integer_or("max_seq_length", 0));
    CUPEL_TRY_VOID(config.refuse_unread());
    if (most < 0 || most > kMostTokens) {
      return corrupt_data("{}: \"max_seq_length\" is {}; expected 1 to {}", place, most,
                          kMostTokens);
    }
    if (most > 0) {
      out.set_size("embeddings.max_tokens", most);
      return Ok{};
    }
  }
  const std::string tokenizer = folder + "/tokenizer_config.json";
  CUPEL_TRY(const auto settings, read_optional(tokenizer));
  const Json* most = settings ? settings->find("model_max_length") : nullptr;
  if (most != nullptr && most->is_int() && most->as_int() > 0 && most->as_int() <= kMostTokens) {
    out.set_size("embeddings.max_tokens", most->as_int());
  }
  return Ok{};
}

/// The prompt that stands before every text unless the caller names another.
Result<Ok> read_prompt(const std::string& place, Translation& out) {
  CUPEL_TRY(const auto json, read_optional(place));
  if (!json) {
    return Ok{};
  }
  ConfigReader config(*json, place);
  CUPEL_TRY(const std::string name, config.text_or("default_prompt_name", ""));
  const Json* prompts = config.find("prompts");
  if (config.contains("truncate_dim")) {
    return unsupported("{}: \"truncate_dim\" is set; shortened vectors are not supported", place);
  }
  if (name.empty()) {
    return Ok{};
  }
  const Json* prompt = prompts == nullptr ? nullptr : prompts->find(name);
  if (prompt == nullptr || !prompt->is_string()) {
    return corrupt_data("{}: \"default_prompt_name\" is \"{}\", but \"prompts\" holds no such text",
                        place, printable(name));
  }
  out.set_text("embeddings.prompt", prompt->as_string());
  return Ok{};
}

}  // namespace

Result<Ok> translate_sentence_modules(const std::string& folder, Translation& out) {
  const std::string place = folder + "/modules.json";
  CUPEL_TRY(const bool exists, path_exists(place));
  std::string pooling = "mean";
  Modules modules;
  if (exists) {
    CUPEL_TRY(modules, read_modules(place));
    CUPEL_TRY(pooling, read_pooling(format("{}/{}/config.json", folder, modules.pooling)));
  }
  out.set_text("embeddings.pooling", pooling);
  out.set_flag("embeddings.normalize", modules.normalize);
  CUPEL_TRY_VOID(read_lengths(folder, out));
  return read_prompt(folder + "/config_sentence_transformers.json", out);
}

}  // namespace cupel::engine::hf
