#include "engine/tokenizer/from_gguf.h"

#include <string_view>

#include "base/error.h"
#include "engine/tokenizer/make_tokenizer.h"

namespace cupel::engine {
namespace {

std::string key(std::string_view name) {
  return "tokenizer.ggml." + std::string(name);
}

Result<int64_t> id_or_absent(const Checkpoint& file, std::string_view name) {
  if (!file.contains(key(name))) {
    return int64_t{-1};
  }
  CUPEL_TRY(const int64_t id, file.get_i64(key(name)));
  // Some writers store "none" as 2^32 - 1.
  return id == 0xFFFFFFFF ? int64_t{-1} : id;
}

Result<std::optional<bool>> bool_or_absent(const Checkpoint& file, std::string_view name) {
  if (!file.contains(key(name))) {
    return std::optional<bool>{};
  }
  CUPEL_TRY(const bool value, file.get_bool(key(name)));
  return std::optional<bool>(value);
}

Result<Ok> read_lists(const Checkpoint& file, TokenizerData& data) {
  CUPEL_TRY(data.tokens, file.get_string_array(key("tokens")));
  if (file.contains(key("scores"))) {
    CUPEL_TRY(data.scores, file.get_f32_array(key("scores")));
  }
  if (file.contains(key("token_type"))) {
    CUPEL_TRY(data.token_types, file.get_i32_array(key("token_type")));
  }
  if (file.contains(key("merges"))) {
    CUPEL_TRY(data.merges, file.get_string_array(key("merges")));
  }
  return Ok{};
}

Result<Ok> read_ids(const Checkpoint& file, TokenizerData& data) {
  CUPEL_TRY(data.bos, id_or_absent(file, "bos_token_id"));
  CUPEL_TRY(data.eos, id_or_absent(file, "eos_token_id"));
  CUPEL_TRY(data.unknown, id_or_absent(file, "unknown_token_id"));
  CUPEL_TRY(data.padding, id_or_absent(file, "padding_token_id"));
  CUPEL_TRY(data.classifier, id_or_absent(file, "cls_token_id"));
  CUPEL_TRY(data.separator, id_or_absent(file, "seperator_token_id"));  // llama.cpp's spelling
  for (const std::string_view name : {"eot_token_id", "eom_token_id"}) {
    CUPEL_TRY(const int64_t id, id_or_absent(file, name));
    if (id >= 0) {
      data.end_ids.push_back(id);
    }
  }
  CUPEL_TRY(data.add_bos, bool_or_absent(file, "add_bos_token"));
  CUPEL_TRY(data.add_eos, bool_or_absent(file, "add_eos_token"));
  CUPEL_TRY(data.add_space_prefix, bool_or_absent(file, "add_space_prefix"));
  return Ok{};
}

}  // namespace

Result<TokenizerData> tokenizer_data(const Checkpoint& file) {
  if (!file.contains(key("model"))) {
    return corrupt_data("{}: no tokenizer.ggml.model: the file holds no tokenizer", file.path());
  }
  TokenizerData data;
  CUPEL_TRY(data.model, file.get_string(key("model")));
  CUPEL_TRY(data.pre, file.get_string_or(key("pre"), ""));
  CUPEL_TRY_VOID(read_lists(file, data));
  CUPEL_TRY_VOID(read_ids(file, data));
  return data;
}

Result<std::unique_ptr<Tokenizer>> load_tokenizer(const Checkpoint& file,
                                                  const TokenizerOptions& options) {
  CUPEL_TRY(TokenizerData data, tokenizer_data(file));
  if (!options.pre.empty()) {
    data.pre = options.pre;
  }
  auto tokenizer = make_tokenizer(data);
  if (!tokenizer) {
    return in_file(std::move(tokenizer).error(), file.path());
  }
  return tokenizer;
}

}  // namespace cupel::engine
