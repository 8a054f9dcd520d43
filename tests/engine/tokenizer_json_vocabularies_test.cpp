// Published vocabularies rewritten as tokenizer.json, and the ids that the original tokenizers give
// (tests read them in place).
#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/tokenizer/from_gguf.h"
#include "engine/tokenizer/from_json.h"
#include "engine/tokenizer_fixtures.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

Json object(std::initializer_list<std::pair<std::string_view, Json>> members) {
  Json result = Json::object();
  for (const auto& [key, value] : members) {
    result.set(key, value);
  }
  return result;
}
Json type(std::string_view name) {
  return object({{"type", Json(name)}});
}
Json array(std::vector<Json> items) {
  return Json(Json::Array(std::move(items)));
}
Json split(std::string_view pattern) {
  return object({{"type", Json("Split")},
                 {"pattern", object({{"Regex", Json(pattern)}})},
                 {"behavior", Json("Isolated")},
                 {"invert", Json(false)}});
}
Json byte_level(bool use_regex) {
  return object({{"type", Json("ByteLevel")},
                 {"add_prefix_space", Json(false)},
                 {"use_regex", Json(use_regex)}});
}
Json sequence(std::vector<Json> steps) {
  return object({{"type", Json("Sequence")}, {"pretokenizers", array(std::move(steps))}});
}

Json splits_of(const std::string& name) {
  const Json digits = object({{"type", Json("Digits")}, {"individual_digits", Json(true)}});
  if (name == "gpt-2" || name == "mpt") {
    return byte_level(true);
  }
  if (name == "llama-bpe" || name == "qwen2") {
    return sequence({split(name == "qwen2" ? kQwen2 : kLlama3), byte_level(false)});
  }
  if (name == "starcoder") {
    return sequence({digits, byte_level(true)});
  }
  // As falcon's own file has it.
  return sequence({object({{"type", Json("Split")},
                           {"pattern", object({{"Regex", Json(R"([\p{P}$+<=>^~|`]+)")}})},
                           {"behavior", Json("Isolated")},
                           {"invert", Json(false)}}),
                   byte_level(true), split("[0-9][0-9][0-9]")});
}

struct Source {
  TokenizerData data;
  Json vocab = Json::object();
  Json added = Json::array();
};

/// `text_of` gives the text that the original has for a token.
Source source_of(const Checkpoint& file, std::string (*text_of)(std::string_view, int32_t)) {
  Source source{tokenizer_data(file).value()};
  Json::Object vocab;
  for (size_t i = 0; i < source.data.tokens.size(); ++i) {
    const int32_t kind = source.data.token_types.empty() ? 1 : source.data.token_types[i];
    const std::string text = text_of(source.data.tokens[i], kind);
    vocab.emplace_back(text, Json(i));
    if (kind == 3 || kind == 4) {
      source.added.push_back(object({{"id", Json(i)},
                                     {"content", Json(text)},
                                     {"special", Json(kind == 3)},
                                     {"normalized", Json(false)}}));
    }
  }
  source.vocab = Json(std::move(vocab));
  return source;
}

std::string as_it_is(std::string_view text, int32_t /*kind*/) {
  return std::string(text);
}

Json byte_bpe(const Checkpoint& file, const std::string& name) {
  const Source source = source_of(file, as_it_is);
  Json::Array merges;
  for (const std::string_view merge : source.data.merges) {
    merges.emplace_back(merge);
  }
  return object({{"added_tokens", source.added},
                 {"normalizer", name == "qwen2" ? type("NFC") : Json()},
                 {"pre_tokenizer", splits_of(name)},
                 {"decoder", byte_level(true)},
                 {"model", object({{"type", Json("BPE")},
                                   {"vocab", source.vocab},
                                   {"merges", Json(std::move(merges))},
                                   {"ignore_merges", Json(name == "llama-bpe")}})}});
}

/// The merges that a vocabulary with scores implies, best first.
Json implied_merges(const TokenizerData& data) {
  std::unordered_map<std::string_view, size_t> ids;
  const auto mergeable = [&](size_t i) {
    return data.token_types[i] != 3 && data.token_types[i] != 4 && data.token_types[i] != 6;
  };
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    if (mergeable(i)) {
      ids.emplace(data.tokens[i], i);
    }
  }
  std::vector<std::tuple<float, size_t, size_t, size_t>> ranked;
  for (size_t i = 0; i < data.tokens.size(); ++i) {
    const std::string_view text = data.tokens[i];
    for (size_t cut = 1; mergeable(i) && cut < text.size(); ++cut) {
      const auto left = ids.find(text.substr(0, cut));
      const auto right = ids.find(text.substr(cut));
      if (left != ids.end() && right != ids.end()) {
        ranked.emplace_back(-data.scores[i], i, left->second, right->second);
      }
    }
  }
  std::ranges::sort(ranked);
  Json::Array merges;
  for (const auto& [score, index, left, right] : ranked) {
    merges.push_back(array({Json(data.tokens[left]), Json(data.tokens[right])}));
  }
  return Json(std::move(merges));
}

Json sentencepiece(const Checkpoint& file) {
  const Source source = source_of(file, as_it_is);
  const Json blank = object({{"String", Json("\u2581")}});
  return object({{"added_tokens", source.added},
                 {"normalizer",
                  object({{"type", Json("Sequence")},
                          {"normalizers",
                           array({object({{"type", Json("Prepend")}, {"prepend", Json("\u2581")}}),
                                  object({{"type", Json("Replace")},
                                          {"pattern", object({{"String", Json(" ")}})},
                                          {"content", Json("\u2581")}})})}})},
                 {"decoder", object({{"type", Json("Sequence")},
                                     {"decoders", array({object({{"type", Json("Replace")},
                                                                 {"pattern", blank},
                                                                 {"content", Json(" ")}}),
                                                         type("ByteFallback"), type("Fuse"),
                                                         object({{"type", Json("Strip")},
                                                                 {"content", Json(" ")},
                                                                 {"start", Json(1)},
                                                                 {"stop", Json(0)}})})}})},
                 {"model", object({{"type", Json("BPE")},
                                   {"vocab", source.vocab},
                                   {"merges", implied_merges(source.data)},
                                   {"unk_token", Json("<unk>")},
                                   {"fuse_unk", Json(true)},
                                   {"byte_fallback", Json(true)}})}});
}

/// GGUF marks the beginning of words, the original the tokens that go on.
std::string word_piece_text(std::string_view text, int32_t kind) {
  if (text.starts_with("\u2581")) {
    return std::string(text.substr(3));
  }
  return (kind == 1 ? "##" : "") + std::string(text);
}

Json word_piece(const Checkpoint& file) {
  const Source source = source_of(file, word_piece_text);
  return object({{"added_tokens", source.added},
                 {"normalizer", type("BertNormalizer")},
                 {"pre_tokenizer", type("BertPreTokenizer")},
                 {"decoder", object({{"type", Json("WordPiece")}, {"cleanup", Json(false)}})},
                 {"model", object({{"type", Json("WordPiece")}, {"vocab", source.vocab}})}});
}

class PublishedAsJson : public testing::TestWithParam<const char*> {
 protected:
  [[nodiscard]] static std::string path(const std::string& end) {
    return test::shared_data(std::string("tokenizers/") + GetParam() + end);
  }
};

TEST_P(PublishedAsJson, GivesTheOriginalIds) {
  const std::string name = GetParam();
  CUPEL_SKIP_UNLESS(path(".gguf"), "no tokenizers in the shared test data: ids not compared");
  const auto file = Checkpoint::open(path(".gguf"));
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const bool scored = name == "llama-spm" || name == "phi-3";
  const Json json = name == "bert-bge" ? word_piece(*file)
                    : scored           ? sentencepiece(*file)
                                       : byte_bpe(*file, name);
  const auto tokenizer = tokenizer_from_json(dump_json(json));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_GE(test::check_ids(**tokenizer, path(".jsonl")), 46U);
}

INSTANTIATE_TEST_SUITE_P(All,
                         PublishedAsJson,
                         testing::Values("bert-bge",
                                         "falcon",
                                         "gpt-2",
                                         "llama-bpe",
                                         "llama-spm",
                                         "mpt",
                                         "phi-3",
                                         "qwen2",
                                         "starcoder"),
                         [](const auto& instance) {
                           std::string name = instance.param;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace cupel::engine
