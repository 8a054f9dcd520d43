#include "engine/convert/reward_padding.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kConfig = "config.json";
constexpr std::array<std::string_view, 2> kNaming = {"tokenizer_config.json",
                                                     "special_tokens_map.json"};

struct SpecialToken {
  int64_t id = -1;
  std::string text;
};

/// A file of the folder; null where it has none.
Result<Json> read_if_there(const PartialFolder& folder, std::string_view name) {
  const std::string path = format("{}/{}", folder.path(), name);
  CUPEL_TRY(const bool there, path_exists(path));
  if (!there) {
    return Json();
  }
  CUPEL_TRY(Json json, read_json_file(path));
  if (!json.is_object()) {
    return corrupt_data("{}: is {}; expected an object", path, json.type_name());
  }
  return json;
}

/// The special tokens of a tokenizer.json that have a row among `rows`.
std::vector<SpecialToken> special_tokens(const Json& tokenizer, int64_t rows) {
  std::vector<SpecialToken> tokens;
  const Json* const added = tokenizer.find("added_tokens");
  if (added == nullptr || !added->is_array()) {
    return tokens;
  }
  for (const Json& one : added->as_array()) {
    const Json* const id = one.find("id");
    const Json* const text = one.find("content");
    const Json* const special = one.find("special");
    if (id != nullptr && id->is_int() && text != nullptr && text->is_string() &&
        special != nullptr && special->is_bool() && special->as_bool() && id->as_int() >= 0 &&
        id->as_int() < rows) {
      tokens.push_back({.id = id->as_int(), .text = text->as_string()});
    }
  }
  return tokens;
}

/// A token that the tokenizer's files name: a text, or an object with it; empty: none.
std::string named(std::span<const Json> files, std::string_view key) {
  for (const Json& file : files) {
    const Json* found = file.find(key);
    if (found != nullptr && found->is_object()) {
      found = found->find("content");
    }
    if (found != nullptr && found->is_string()) {
      return found->as_string();
    }
  }
  return std::string();
}

/// "eos_token_id" and the like: an id, a list of them, or null.
std::set<int64_t> ids_of(const Json& config, std::string_view key) {
  std::set<int64_t> ids;
  const Json* const found = config.find(key);
  if (found == nullptr) {
    return ids;
  }
  for (const Json& one : found->is_array() ? found->as_array() : Json::Array{*found}) {
    if (one.is_int()) {
      ids.insert(one.as_int());
    }
  }
  return ids;
}

/// How well a token pads, less is better. Any special one does: rewards are read at the last token
/// of a text that is not padding, and a text ends with an end token.
ptrdiff_t rank_of(const SpecialToken& token,
                  const std::string& padding,
                  const std::string& unknown) {
  const std::string text = to_lower_ascii(token.text);
  const auto says = [&](std::string_view word) { return text.find(word) != std::string::npos; };
  const std::array ranks = {token.text == padding, says("pad"),      token.text == unknown,
                            says("unk"),           says("reserved"), says("unused")};
  return std::ranges::find(ranks, true) - ranks.begin();
}

/// The one that pads best among those that neither begin nor end texts.
std::optional<SpecialToken> choose(std::span<const SpecialToken> tokens,
                                   const std::set<int64_t>& edges,
                                   std::span<const Json> naming,
                                   const std::string& padding) {
  const std::string unknown = named(naming, "unk_token");
  const std::array edge_texts = {named(naming, "bos_token"), named(naming, "eos_token")};
  std::optional<SpecialToken> best;
  ptrdiff_t best_rank = 0;
  for (const SpecialToken& token : tokens) {
    const ptrdiff_t rank = rank_of(token, padding, unknown);
    const bool edge =
        edges.contains(token.id) || std::ranges::find(edge_texts, token.text) != edge_texts.end();
    if (!edge && (!best || rank < best_rank)) {
      best = token;
      best_rank = rank;
    }
  }
  return best;
}

/// Tells the tokenizer's files of it.
Result<Ok> name_padding(const PartialFolder& folder,
                        std::vector<Json> naming,
                        const std::string& padding) {
  for (size_t i = 0; i < kNaming.size(); ++i) {
    if (naming[i].is_object()) {
      naming[i].set("pad_token", padding);
      CUPEL_TRY_VOID(folder.write_json(kNaming[i], naming[i], 2));
    }
  }
  return Ok{};
}

}  // namespace

Result<std::string> settle_padding(const PartialFolder& folder, int64_t rows) {
  CUPEL_TRY(Json config, read_if_there(folder, kConfig));
  CUPEL_TRY(const Json tokenizer, read_if_there(folder, "tokenizer.json"));
  CUPEL_TRY(const Json generation, read_if_there(folder, "generation_config.json"));
  std::vector<Json> naming;
  for (const std::string_view name : kNaming) {
    CUPEL_TRY(Json file, read_if_there(folder, name));
    naming.push_back(std::move(file));
  }
  std::set<int64_t> edges = ids_of(config, "eos_token_id");
  edges.merge(ids_of(generation, "eos_token_id"));
  const std::vector<SpecialToken> tokens = special_tokens(tokenizer, rows);
  std::string padding = named(naming, "pad_token");
  const std::set<int64_t> now = ids_of(config, "pad_token_id");
  if (!now.empty() && !edges.contains(*now.begin())) {
    const auto same = std::ranges::find(tokens, *now.begin(), &SpecialToken::id);
    if (same == tokens.end() || same->text == padding) {
      return std::string();
    }
    padding = same->text;  // the files differ, and this one is no end token
  }
  edges.merge(ids_of(config, "bos_token_id"));
  const auto found = choose(tokens, edges, naming, padding);
  config.set("pad_token_id", found ? Json(found->id) : Json());
  CUPEL_TRY_VOID(folder.write_json(kConfig, config, 2));
  if (found) {
    CUPEL_TRY_VOID(name_padding(folder, std::move(naming), found->text));
    return std::string();
  }
  return std::string(
      "no special token can be padding beside the end token: pad_token_id is null, so that "
      "transformers takes one text at a time");
}

}  // namespace cupel::engine
