#include "engine/tokenizer/from_json.h"

#include <algorithm>
#include <unordered_set>

#include "base/error.h"
#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/tokenizer/json/json_tokenizer.h"
#include "engine/tokenizer/vocabulary.h"

namespace cupel::engine {
namespace {

constexpr size_t kMaxFileBytes = size_t{512} << 20U;
// A vocabulary of a million tokens with as many merges has five million values; each takes up to
// 100 bytes.
constexpr size_t kMaxValues = size_t{6} << 20U;
// What the steps of a file may make of one character, together: forty steps that double a letter
// would make a terabyte of one. The largest of published files is about 1,000 (NFKD, lower case and
// a character map), and 4 on the way back, which already happens when a file is read.
constexpr double kMostGrowth = 4096;
constexpr double kMostDecoderGrowth = 16;
// Steps of one part; published files have up to ten. The decoder's run over the whole vocabulary
// when a file is read, the normaliser's over all added tokens: a million of each would take days.
constexpr size_t kMostSteps = 256;

/// Objects with a "type" in a part, at any depth: its steps and the sequences that hold them.
size_t count_steps(const Json& part) {
  size_t steps = 0;
  if (part.is_array()) {
    for (const Json& item : part.as_array()) {
      steps += count_steps(item);
    }
  } else if (part.is_object()) {
    for (const auto& [key, value] : part.as_object()) {
      steps += key == "type" ? 1 : count_steps(value);
    }
  }
  return steps;
}

Result<Ok> check_steps(const std::optional<JsonAt>& part) {
  if (part) {
    if (const size_t steps = count_steps(part->value()); steps > kMostSteps) {
      return unsupported("{} has {} steps; at most {} are supported", part->path(), steps,
                         kMostSteps);
    }
  }
  return Ok{};
}

Result<Ok> check_growth(std::string_view part, double growth, double most) {
  if (growth > most) {
    return unsupported("{}: its steps may make a text {} times as long; at most {} is supported",
                       part, growth, most);
  }
  return Ok{};
}

/// Puts the parts together; each stands on the ones before it.
class Assembly {
 public:
  Assembly(const JsonAt& root, const JsonTokenizerOptions& options)
      : root_(root), options_(options) {}

  Result<std::unique_ptr<Tokenizer>> make() {
    for (const std::string_view part : {"normalizer", "pre_tokenizer", "decoder"}) {
      CUPEL_TRY_VOID(check_steps(root_.find(part)));
    }
    CUPEL_TRY_VOID(read_model());
    CUPEL_TRY_VOID(read_added_tokens());
    CUPEL_TRY(parts_.decoder, make_decoder(root_.find("decoder")));
    CUPEL_TRY_VOID(check_growth("decoder", parts_.decoder->growth(), kMostDecoderGrowth));
    CUPEL_TRY(parts_.frame, read_frame(root_.find("post_processor"), parts_.ends.size()));
    CUPEL_TRY_VOID(set_special());
    return JsonTokenizer::create(std::move(parts_));
  }

 private:
  Result<Ok> read_model() {
    CUPEL_TRY(const JsonAt model, root_.member("model"));
    CUPEL_TRY(const std::string type, model_type(model));
    const bool list = type == "Unigram";
    if (!list && type != "BPE" && type != "WordPiece" && type != "WordLevel") {
      return model.unknown("model", type);
    }
    CUPEL_TRY(const JsonAt vocab, model.member("vocab"));
    CUPEL_TRY(ModelTokens tokens,
              list ? ModelTokens::from_list(vocab) : ModelTokens::from_map(vocab));
    parts_.tokens = std::make_unique<ModelTokens>(std::move(tokens));
    bool take_bytes = false;
    if (type == "BPE") {
      CUPEL_TRY(take_bytes, bpe_may_take_bytes(model));
    }
    if (const auto splits = root_.find("pre_tokenizer")) {
      CUPEL_TRY(parts_.splits, make_word_splits(*splits, take_bytes));
      CUPEL_TRY_VOID(check_growth("pre_tokenizer", parts_.splits.growth(), kMostGrowth));
    }
    CUPEL_TRY_VOID(read_normalizer());
    CUPEL_TRY(parts_.model, make_model(type, model));
    return Ok{};
  }

  Result<Ok> read_normalizer() {
    const auto own = root_.find("normalizer");
    if (options_.lowercase) {
      Json steps = Json::array();
      steps.push_back(Json::object().set("type", "Lowercase"));
      if (own) {
        steps.push_back(own->value());
      }
      const Json all = Json::object().set("type", "Sequence").set("normalizers", std::move(steps));
      CUPEL_TRY(parts_.normalizer, make_normalizer(JsonAt(all, "normalizer")));
    } else if (own) {
      CUPEL_TRY(parts_.normalizer, make_normalizer(*own));
    }
    return parts_.normalizer == nullptr
               ? Ok{}
               : check_growth("normalizer", parts_.normalizer->growth(), kMostGrowth);
  }

  Result<std::unique_ptr<WordModel>> make_model(std::string_view type, const JsonAt& json) const {
    const ModelTokens& tokens = *parts_.tokens;
    return type == "BPE"         ? make_bpe(json, tokens, parts_.splits.ends_in_bytes)
           : type == "Unigram"   ? make_unigram(json, tokens)
           : type == "WordPiece" ? make_word_piece(json, tokens)
                                 : make_word_level(json, tokens);
  }

  Result<Ok> read_added_tokens() {
    std::vector<AddedToken> tokens;
    if (const auto list = root_.find("added_tokens")) {
      CUPEL_TRY(const std::vector<JsonAt> items, list->items());
      for (const JsonAt& item : items) {
        CUPEL_TRY(AddedToken token, read_added_token(item, std::nullopt));
        tokens.push_back(std::move(token));
      }
    }
    std::unordered_set<std::string> known;
    for (const AddedToken& token : tokens) {
      known.insert(token.content);
    }
    for (const AddedToken& more : options_.more_tokens) {
      if (known.insert(more.content).second) {
        tokens.push_back(more);
      }
    }
    CUPEL_TRY(AddedTokens added,
              AddedTokens::create(std::move(tokens), *parts_.tokens, parts_.normalizer.get()));
    parts_.ends.assign(std::max(parts_.tokens->size(), added.id_end()), false);
    parts_.added = std::move(added);
    return Ok{};
  }

  Result<TokenId> named_token(std::string_view role, const std::string& text) const {
    if (text.empty()) {
      return TokenId{-1};
    }
    const TokenId added = parts_.added->find(text);
    const TokenId id = added >= 0 ? added : parts_.tokens->find(text);
    if (id < 0) {
      return corrupt_data("the {} \"{}\" of its configuration is no token", role, printable(text));
    }
    return id;
  }

  Result<Ok> set_special() {
    CUPEL_TRY(parts_.bos, named_token("bos_token", options_.bos));
    CUPEL_TRY(parts_.eos, named_token("eos_token", options_.eos));
    CUPEL_TRY_VOID(set_added(parts_.frame.before, parts_.bos, options_.add_bos, "add_bos_token"));
    CUPEL_TRY_VOID(set_added(parts_.frame.after, parts_.eos, options_.add_eos, "add_eos_token"));
    if (parts_.eos >= 0) {
      parts_.ends[static_cast<size_t>(parts_.eos)] = true;
    }
    for (const int64_t id : options_.end_ids) {
      if (id < 0 || id >= static_cast<int64_t>(parts_.ends.size())) {
        return corrupt_data("the eos_token_id {} of its configuration is no token; there are {}",
                            id, parts_.ends.size());
      }
      parts_.ends[static_cast<size_t>(id)] = true;
    }
    mark_end_texts(parts_.added->special_texts(), parts_.eos, parts_.ends);
    return Ok{};
  }

  /// What the configuration says of BOS and EOS counts more than the post-processor.
  static Result<Ok> set_added(std::vector<TokenId>& ids,
                              TokenId id,
                              std::optional<bool> wanted,
                              std::string_view key) {
    if (!wanted) {
      return Ok{};
    }
    if (*wanted && id < 0) {
      return corrupt_data("{} is true, but the configuration names no such token", key);
    }
    const bool there = std::ranges::find(ids, id) != ids.end();
    if (*wanted && !there) {
      ids.insert(ids.begin(), id);
    } else if (!*wanted) {
      std::erase(ids, id);
    }
    return Ok{};
  }

  const JsonAt& root_;
  const JsonTokenizerOptions& options_;
  JsonTokenizerParts parts_;
};

}  // namespace

Result<std::unique_ptr<Tokenizer>> tokenizer_from_json(std::string_view text,
                                                       const JsonTokenizerOptions& options) {
  if (text.size() > kMaxFileBytes) {
    return corrupt_data("has {} bytes; expected at most {}", text.size(), kMaxFileBytes);
  }
  CUPEL_TRY(const Json json, parse_json(text, {.unique_keys = true, .max_values = kMaxValues}));
  return tokenizer_from_json_value(json, options);
}

Result<std::unique_ptr<Tokenizer>> tokenizer_from_json_value(const Json& root,
                                                             const JsonTokenizerOptions& options) {
  const JsonAt at(root, "");
  return Assembly(at, options).make();
}

Result<std::unique_ptr<Tokenizer>> load_tokenizer_json(const std::string& path,
                                                       const JsonTokenizerOptions& options) {
  CUPEL_TRY(const MappedFile file, MappedFile::open(path));
  const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()),
                              file.bytes().size());
  auto tokenizer = tokenizer_from_json(text, options);
  if (!tokenizer) {
    return in_file(std::move(tokenizer).error(), path);
  }
  return tokenizer;
}

}  // namespace cupel::engine
