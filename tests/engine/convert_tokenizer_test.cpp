// Tokenizers between tokenizer.json and GGUF: which steps have a word in both, and what is refused.
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/convert/folder_tokenizer.h"
#include "engine/convert/gguf_tokenizer.h"
#include "engine/convert/merge_scores.h"
#include "engine/convert/tokenizer_steps.h"
#include "engine/tokenizer/byte_alphabet.h"
#include "engine/tokenizer/from_folder.h"
#include "engine/tokenizer/pre_tokenizer.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Every entry of the table is found again by its own patterns, under a name that does the same.
TEST(PreTokenizerOf, FindsEveryEntryByItsPatterns) {
  for (const std::string& name : pre_tokenizer_names()) {
    const auto rule = split_rule(name);
    ASSERT_TRUE(rule.has_value());
    const std::string_view found = pre_tokenizer_of(*rule);
    ASSERT_FALSE(found.empty()) << name;
    const auto same = split_rule(found);
    EXPECT_EQ(same->patterns, rule->patterns) << name << " " << found;
    EXPECT_EQ(same->ignore_merges, rule->ignore_merges) << name << " " << found;
  }
}

TEST(PreTokenizerOf, ReadsCharactersAsTheyAreWrittenAnywhere) {
  // Bloom's, as its tokenizer.json has it: with the characters themselves, or as \u escapes.
  EXPECT_EQ(pre_tokenizer_of({.patterns = {" ?[^(\\s|.,!?…。，、।۔،)]+"}}), "bloom");
  EXPECT_EQ(pre_tokenizer_of({.patterns = {" ?[^(\\s|.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4"
                                           "\\u060c)]+"}}),
            "bloom");
  EXPECT_EQ(pre_tokenizer_of({.patterns = {"\\d+"}}), "");
  EXPECT_EQ(pre_tokenizer_of({.patterns = {"\\u12"}}), "");
}

/// A tokenizer.json of byte-level BPE with all bytes and a few merges.
Json byte_level_json() {
  Json vocab = Json::object();
  for (int byte = 0; byte < 256; ++byte) {
    std::string text;
    append_utf8(text, byte_to_char(static_cast<uint8_t>(byte)));
    vocab.as_object().emplace_back(text, byte);
  }
  Json merges = Json::array();
  int64_t id = 256;
  for (const auto& [left, right] :
       {std::pair("h", "e"), std::pair("l", "l"), std::pair("he", "ll"), std::pair("hell", "o")}) {
    merges.push_back(Json::array().push_back(left).push_back(right));
    vocab.as_object().emplace_back(std::string(left) + right, id++);
  }
  const Json end = Json::object().set("id", id).set("content", "<end>").set("special", true);
  return Json::object()
      .set("added_tokens", Json::array().push_back(end))
      .set("normalizer", Json())
      .set("pre_tokenizer", Json::object().set("type", "ByteLevel").set("add_prefix_space", false))
      .set("post_processor", Json())
      .set("decoder", Json::object().set("type", "ByteLevel"))
      .set("model", Json::object()
                        .set("type", "BPE")
                        .set("vocab", std::move(vocab))
                        .set("merges", std::move(merges)));
}

class GgufTokenizerOf : public testing::Test {
 protected:
  void write(const Json& json) {
    ASSERT_TRUE(write_file_atomic(folder_.file("tokenizer.json"), dump_json(json)).has_value());
  }
  Result<GgufTokenizer> convert(const Json& json, uint64_t rows = 264) {
    write(json);
    return gguf_tokenizer(folder_.path(), rows);
  }
  Error error(const Json& json, uint64_t rows = 264) {
    const auto made = convert(json, rows);
    EXPECT_FALSE(made.has_value());
    return made ? Error{} : made.error();
  }
  /// As a file, which keeps what views point at.
  Checkpoint file_of(const GgufTokenizer& made) {
    GgufHeader header;
    header.set_string("general.architecture", "llama");
    header.set_all(made.keys);
    const std::string path = folder_.file("vocabulary.gguf");
    EXPECT_TRUE(write_file_atomic(path, header.encode()).has_value());
    return std::move(*Checkpoint::open(path));
  }

  test::TemporaryFolder folder_;
};

TEST_F(GgufTokenizerOf, StatesByteLevelBpe) {
  ASSERT_TRUE(write_file_atomic(folder_.file("tokenizer_config.json"),
                                R"({"eos_token": "<end>", "chat_template": "{{ messages }}"})")
                  .has_value());
  const auto made = convert(byte_level_json());
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const Checkpoint file = file_of(*made);
  EXPECT_EQ(file.get_string("tokenizer.ggml.model").value(), "gpt2");
  EXPECT_EQ(file.get_string("tokenizer.ggml.pre").value(), "gpt-2");
  EXPECT_EQ(file.get_u64("tokenizer.ggml.eos_token_id").value(), 260U);
  EXPECT_EQ(file.get_string("tokenizer.chat_template").value(), "{{ messages }}");
  EXPECT_THAT(file.get_string_array("tokenizer.ggml.merges").value(),
              ElementsAre("h e", "l l", "he ll", "hell o"));
  const auto types = file.get_i32_array("tokenizer.ggml.token_type").value();
  ASSERT_EQ(types.size(), 264U);  // the rows of the embedding
  EXPECT_EQ(types[259], static_cast<int32_t>(TokenType::kNormal));
  EXPECT_EQ(types[260], static_cast<int32_t>(TokenType::kControl));
  EXPECT_EQ(types[263], static_cast<int32_t>(TokenType::kUnused));
  EXPECT_EQ(file.get_string_array("tokenizer.ggml.tokens").value()[263], "[PAD263]");
}

TEST_F(GgufTokenizerOf, RefusesStepsByTheirPath) {
  struct Case {
    std::string_view member;
    Json value;
    std::string_view message;
  };
  const Json byte_level = Json::object().set("type", "ByteLevel").set("add_prefix_space", false);
  const auto sequence = [&](Json first) {
    return Json::object()
        .set("type", "Sequence")
        .set("pretokenizers", Json::array().push_back(std::move(first)).push_back(byte_level));
  };
  const Json regex = Json::object().set("Regex", "\\d+");
  const Case cases[] = {
      {"normalizer", Json::object().set("type", "Lowercase"),
       "normalizer: GGUF has no word for the normalizer Lowercase"},
      {"pre_tokenizer", Json::object().set("type", "ByteLevel"),
       "pre_tokenizer: GGUF has no word for add_prefix_space"},
      {"pre_tokenizer", sequence(Json::object().set("type", "Punctuation")),
       "pre_tokenizer.pretokenizers[0]: GGUF has no word for the pre-tokenizer Punctuation"},
      {"pre_tokenizer",
       sequence(Json::object()
                    .set("type", "Split")
                    .set("pattern", regex)
                    .set("behavior", "MergedWithNext")
                    .set("invert", false)),
       "pre_tokenizer.pretokenizers[0]: GGUF has no word for a Split"},
      {"pre_tokenizer",
       sequence(Json::object()
                    .set("type", "Split")
                    .set("pattern", regex)
                    .set("behavior", "Isolated")
                    .set("invert", false)),
       "that GGUF knows by name cuts text by \"\\d+\""},
      {"post_processor",
       Json::object()
           .set("type", "BertProcessing")
           .set("sep", Json::array().push_back("<end>").push_back(260))
           .set("cls", Json::array().push_back("<end>").push_back(260)),
       "post_processor: puts 2 tokens around a text"},
  };
  for (const Case& each : cases) {
    Json json = byte_level_json();
    json.set(each.member, each.value);
    const Error refused = error(json);
    EXPECT_EQ(refused.code, Code::kUnsupported) << each.message;
    EXPECT_THAT(refused.message, HasSubstr(std::string(each.message)));
    EXPECT_THAT(refused.message, HasSubstr("tokenizer.json"));
  }
}

TEST_F(GgufTokenizerOf, RefusesOtherModelsAndTooManyTokens) {
  Json word_piece = byte_level_json();
  word_piece.set("model", Json::object()
                              .set("type", "WordPiece")
                              .set("unk_token", "[UNK]")
                              .set("vocab", Json::object().set("[UNK]", 0).set("a", 1)));
  word_piece.set("added_tokens", Json::array());
  EXPECT_THAT(error(word_piece).message, HasSubstr("a WordPiece model here"));
  const Error rows = error(byte_level_json(), 200);
  EXPECT_EQ(rows.code, Code::kCorruptData);
  EXPECT_THAT(rows.message, HasSubstr("but the model's embedding only 200 rows"));
  Json prefixed = byte_level_json();
  Json model = *prefixed.find("model");
  model.set("continuing_subword_prefix", "##");
  prefixed.set("model", model);
  EXPECT_EQ(
      error(prefixed).code == Code::kUnsupported || error(prefixed).code == Code::kCorruptData,
      true);
}

TEST_F(GgufTokenizerOf, NotesWhatGgufLeavesOut) {
  Json json = byte_level_json();
  json.set("normalizer", Json::object().set("type", "NFC"));
  Json added = *json.find("added_tokens");
  added.as_array()[0].set("rstrip", true);
  json.set("added_tokens", added);
  const auto made = convert(json);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_EQ(made->notes.size(), 2U);
  EXPECT_THAT(made->notes[0], HasSubstr("normalizer: NFC is left out"));
  EXPECT_THAT(made->notes[1], HasSubstr("takes white space along"));
}

/// BPE over "▁" with byte fallback, as converters write SentencePiece's.
Json fallback_json(const std::vector<std::pair<std::string, std::string>>& merges) {
  Json vocab = Json::object();
  int64_t id = 0;
  vocab.as_object().emplace_back("<unk>", id++);
  vocab.as_object().emplace_back("<s>", id++);
  for (int byte = 0; byte < 256; ++byte) {
    vocab.as_object().emplace_back(format("<0x{:02X}>", byte), id++);
  }
  for (const std::string text : {"\u2581", "a", "b", "c", "ab", "bc", "abc", "\u2581a"}) {
    vocab.as_object().emplace_back(text, id++);
  }
  Json list = Json::array();
  for (const auto& [left, right] : merges) {
    list.push_back(Json::array().push_back(left).push_back(right));
  }
  const auto special = [](int64_t at, std::string_view text) {
    return Json::object().set("id", at).set("content", text).set("special", true);
  };
  const Json blank = Json::object()
                         .set("type", "Replace")
                         .set("pattern", Json::object().set("String", " "))
                         .set("content", "\u2581");
  return Json::object()
      .set("added_tokens",
           Json::array().push_back(special(0, "<unk>")).push_back(special(1, "<s>")))
      .set("normalizer",
           Json::object()
               .set("type", "Sequence")
               .set("normalizers",
                    Json::array()
                        .push_back(Json::object().set("type", "Prepend").set("prepend", "\u2581"))
                        .push_back(blank)))
      .set("decoder", Json::object().set("type", "ByteFallback"))
      .set("model", Json::object()
                        .set("type", "BPE")
                        .set("unk_token", "<unk>")
                        .set("byte_fallback", true)
                        .set("fuse_unk", true)
                        .set("vocab", std::move(vocab))
                        .set("merges", std::move(list)));
}

TEST_F(GgufTokenizerOf, StatesByteFallbackWithScoresInTheOrderOfMerges) {
  const auto made = convert(
      fallback_json({{"b", "c"}, {"a", "b"}, {"a", "bc"}, {"ab", "c"}, {"\u2581", "a"}}), 266);
  ASSERT_TRUE(made.has_value()) << made.error().message;
  const Checkpoint file = file_of(*made);
  EXPECT_EQ(file.get_string("tokenizer.ggml.model").value(), "llama");
  EXPECT_TRUE(file.get_bool("tokenizer.ggml.add_space_prefix").value());
  const auto scores = file.get_f32_array("tokenizer.ggml.scores").value();
  // ids: ▁ 258, a 259, b 260, c 261, ab 262, bc 263, abc 264, ▁a 265
  EXPECT_EQ(std::vector<float>(scores.begin() + 258, scores.end()),
            (std::vector<float>{0, 0, 0, 0, -2, -1, -3, -4}));
  const auto again = folder_tokenizer(file);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  const Json* merges = again->tokenizer.find("model")->find("merges");
  ASSERT_EQ(merges->size(), 5U);
  EXPECT_EQ(dump_json(merges->as_array()[0]), R"(["b","c"])");
  EXPECT_EQ(dump_json(merges->as_array()[4]), "[\"\u2581\",\"a\"]");
}

TEST_F(GgufTokenizerOf, RefusesMergesThatNoScoresOrder) {
  const Error apart = error(
      fallback_json({{"a", "bc"}, {"b", "c"}, {"a", "b"}, {"ab", "c"}, {"\u2581", "a"}}), 266);
  EXPECT_THAT(apart.message, HasSubstr("the ways to make a piece do not stand together"));
  const Error missing =
      error(fallback_json({{"b", "c"}, {"a", "b"}, {"a", "bc"}, {"\u2581", "a"}}), 266);
  EXPECT_THAT(missing.message, HasSubstr("lists 1 of 2 ways to make \"abc\""));
}

// A piece of a megabyte must not cost the square of its length.
TEST(MergeScores, LongPiecesAreRefusedAtOnce) {
  const std::vector<std::string> tokens{std::string(1 << 20, 'a'), "a"};
  const auto scores = scores_of_merges(tokens, {true, true}, {});
  EXPECT_EQ(scores.error().code, Code::kUnsupported);
  EXPECT_TRUE(merges_of_scores(tokens, {true, true}, std::vector<float>{0, 0}).empty());
}

TEST_F(GgufTokenizerOf, ModelsOfTheWorldGoThereAndBack) {
  for (const std::string name : {"SmolLM2-135M-Instruct.Q4_1.gguf", "gemma-3-270m.Q4_K_M.gguf"}) {
    const std::string path = test::model_file(name);
    CUPEL_SKIP_UNLESS(path, name + " was not fetched: its tokenizer's way is not shown");
    const auto file = Checkpoint::open(path);
    ASSERT_TRUE(file.has_value());
    const auto made = folder_tokenizer(*file);
    ASSERT_TRUE(made.has_value()) << made.error().message;
    write(made->tokenizer);
    ASSERT_TRUE(write_file_atomic(folder_.file("tokenizer_config.json"), dump_json(made->config))
                    .has_value());
    const auto rows = file->get_tensor("token_embd.weight").value()->rows();
    const auto back = gguf_tokenizer(folder_.path(), rows);
    ASSERT_TRUE(back.has_value()) << back.error().message;
    const Checkpoint again = file_of(*back);
    for (const std::string_view key :
         {"tokenizer.ggml.model", "tokenizer.ggml.tokens", "tokenizer.ggml.merges",
          "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"}) {
      const GgufValue* a = file->find(key);
      const GgufValue* b = again.find(key);
      ASSERT_EQ(a == nullptr, b == nullptr) << key;
      EXPECT_TRUE(a == nullptr || std::ranges::equal(a->bytes, b->bytes)) << name << " " << key;
    }
  }
}

}  // namespace
}  // namespace cupel::engine
