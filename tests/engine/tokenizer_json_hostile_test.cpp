// What a tokenizer.json may not do, and how it is told.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/format.h"
#include "base/io.h"
#include "base/json.h"
#include "base/rng.h"
#include "engine/tokenizer/from_json.h"
#include "engine/tokenizer/json/char_map.h"
#include "engine/tokenizer/json/split_regex.h"
#include "engine/tokenizer_fixtures.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

using testing::HasSubstr;

/// A file with this model and these other members (JSON, with a comma before).
std::string with_model(const std::string& model, const std::string& others = "") {
  return "{\"model\":" + model + others + "}";
}
std::string small(const std::string& others) {
  return with_model(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})", others);
}

Error error_of(std::string_view text) {
  const auto tokenizer = tokenizer_from_json(text);
  if (tokenizer) {
    ADD_FAILURE() << "accepted: " << text.substr(0, 300);
    return {};
  }
  EXPECT_EQ(tokenizer.error().message.find('\n'), std::string::npos);
  return tokenizer.error();
}

#define EXPECT_REFUSED(text, kind, words)               \
  do {                                                  \
    const Error error = error_of(text);                 \
    EXPECT_EQ(error.code, Code::kind) << error.message; \
    EXPECT_THAT(error.message, HasSubstr(words));       \
  } while (false)

TEST(TokenizerJsonHostile, MergesByHand) {
  const auto tokenizer = tokenizer_from_json(small(""));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_EQ((*tokenizer)->encode("abxba", {}), (std::vector<TokenId>{2, 1, 0}));
  EXPECT_EQ((*tokenizer)->vocabulary_size(), 3U);
  EXPECT_EQ((*tokenizer)->find("ab"), 2);
  EXPECT_EQ((*tokenizer)->decode(std::vector<TokenId>{2, 99, -1}), "ab");
}

TEST(TokenizerJsonHostile, NamesThePathOfWhatItDoesNotKnow) {
  EXPECT_REFUSED(small(R"(,"normalizer":{"type":"Foo"})"), kUnsupported,
                 "normalizer: the normalizer \"Foo\" is not supported");
  EXPECT_REFUSED(
      small(
          R"(,"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"Syllables"}]})"),
      kUnsupported, "pre_tokenizer.pretokenizers[1]: the pre-tokenizer \"Syllables\"");
  EXPECT_REFUSED(small(R"(,"decoder":{"type":"Odd"})"), kUnsupported,
                 "decoder: the decoder \"Odd\"");
  EXPECT_REFUSED(small(R"(,"post_processor":{"type":"Foo"})"), kUnsupported, "post_processor");
  EXPECT_REFUSED(with_model(R"({"type":"Foo"})"), kUnsupported, "model: the model \"Foo\"");
  EXPECT_REFUSED(with_model(R"({"type":"BPE","vocab":{"a":0},"merges":[],"dropout":0.1})"),
                 kUnsupported, "model.dropout");
}

TEST(TokenizerJsonHostile, RefusesBrokenJson) {
  EXPECT_REFUSED("", kCorruptData, "json error");
  EXPECT_REFUSED("[]", kCorruptData, "the file is array");
  EXPECT_REFUSED("{}", kCorruptData, "model is absent");
  EXPECT_REFUSED(with_model("3"), kCorruptData, "model");
  EXPECT_REFUSED(std::string(100000, '['), kCorruptData, "nested deeper");
  EXPECT_REFUSED(R"({"model":{},"model":{}})", kCorruptData, "\"model\" twice");
}

TEST(TokenizerJsonHostile, RefusesBrokenVocabularies) {
  const auto bpe = [](const std::string& vocab, const std::string& merges) {
    return with_model(R"({"type":"BPE","vocab":)" + vocab + ",\"merges\":" + merges + "}");
  };
  EXPECT_REFUSED(bpe("{}", "[]"), kCorruptData, "model.vocab is empty");
  EXPECT_REFUSED(bpe(R"({"a":-1})", "[]"), kCorruptData, "model.vocab.\"a\" is -1");
  EXPECT_REFUSED(bpe(R"({"a":4294967296})", "[]"), kCorruptData, "expected an id from 0");
  EXPECT_REFUSED(bpe(R"({"a":1.5})", "[]"), kCorruptData, "is number");
  EXPECT_REFUSED(bpe(R"({"a":0,"b":0})", "[]"), kCorruptData, "have the same id 0");
  EXPECT_REFUSED(bpe(R"({"a":0,"a":1})", "[]"), kCorruptData, "\"a\" twice");
  EXPECT_REFUSED(bpe("[]", "[]"), kCorruptData, "model.vocab is array");
  EXPECT_REFUSED(bpe(R"({"a":0})", R"(["a a"])"), kCorruptData, "needs the token \"aa\"");
  EXPECT_REFUSED(bpe(R"({"a":0})", R"(["a"])"), kCorruptData, "model.merges[0] is \"a\"");
  EXPECT_REFUSED(bpe(R"({"a":0})", R"([["a"]])"), kCorruptData, "model.merges[0] is array");
  EXPECT_REFUSED(bpe(R"({"a":0})", "{}"), kCorruptData, "model.merges is object");
  EXPECT_REFUSED(with_model(R"({"type":"BPE","vocab":{"a":0},"merges":[],"unk_token":"u"})"),
                 kCorruptData, "unk_token is \"u\", which is no token");
  EXPECT_REFUSED(with_model(R"({"type":"Unigram","vocab":[["a",0.0]]})"), kCorruptData, "unk_id");
  EXPECT_REFUSED(with_model(R"({"type":"Unigram","unk_id":1,"vocab":[["a",0.0]]})"), kCorruptData,
                 "model.unk_id is 1");
  EXPECT_REFUSED(with_model(R"({"type":"Unigram","unk_id":0,"vocab":[["a","b"]]})"), kCorruptData,
                 "model.vocab[0]");
  EXPECT_REFUSED(with_model(R"({"type":"WordPiece","vocab":{"a":0}})"), kCorruptData, "[UNK]");
  EXPECT_REFUSED(with_model(R"({"type":"WordLevel","vocab":{"a":0},"unk_token":"z"})"),
                 kCorruptData, "\"z\"");
}

TEST(TokenizerJsonHostile, RefusesBrokenAddedTokens) {
  const auto added = [](const std::string& entries) {
    return small(",\"added_tokens\":[" + entries + "]");
  };
  EXPECT_REFUSED(added("3"), kCorruptData, "added_tokens[0] is integer");
  EXPECT_REFUSED(added(R"({"content":"x"})"), kCorruptData, "added_tokens[0].id is absent");
  EXPECT_REFUSED(added(R"({"id":-3,"content":"x"})"), kCorruptData, "the id -3");
  EXPECT_REFUSED(added(R"({"id":99999999999,"content":"x"})"), kCorruptData, "the id 99999999999");
  EXPECT_REFUSED(added(R"({"id":0,"content":"x"})"), kCorruptData, "which is \"a\" in model.vocab");
  EXPECT_REFUSED(added(R"({"id":7,"content":"a"})"), kCorruptData, "but 0 in model.vocab");
  EXPECT_REFUSED(added(R"({"id":7,"content":"x"},{"id":8,"content":"x"})"), kCorruptData,
                 "7 and 8");
  EXPECT_REFUSED(added(R"({"id":7,"content":"x"},{"id":7,"content":"y"})"), kCorruptData,
                 "same id 7");
  EXPECT_REFUSED(added(R"({"id":7,"content":"x","special":1})"), kCorruptData,
                 "added_tokens[0].special is integer");
}

TEST(TokenizerJsonHostile, RefusesBrokenSteps) {
  EXPECT_REFUSED(
      small(R"(,"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"("}})"),
      kCorruptData, "pre_tokenizer.pattern");
  EXPECT_REFUSED(
      small(R"(,"pre_tokenizer":{"type":"Split","behavior":"Foo","pattern":{"String":"a"}})"),
      kUnsupported, "behavior \"Foo\"");
  EXPECT_REFUSED(small(R"(,"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":3})"),
                 kCorruptData, "pre_tokenizer.pattern is integer");
  EXPECT_REFUSED(small(R"(,"pre_tokenizer":{"type":"Metaspace","replacement":"ab"})"), kCorruptData,
                 "expected one character");
  EXPECT_REFUSED(small(R"(,"normalizer":{"type":"Precompiled","precompiled_charsmap":"!!"})"),
                 kCorruptData, "is no base64");
  EXPECT_REFUSED(small(R"(,"normalizer":{"type":"Precompiled","precompiled_charsmap":"/////w=="})"),
                 kCorruptData, "claims a trie of 4294967295 bytes");
  EXPECT_REFUSED(
      small(R"(,"post_processor":{"type":"TemplateProcessing","single":[],"special_tokens":{}})"),
      kUnsupported, "exactly once");
  EXPECT_REFUSED(
      small(R"(,"post_processor":{"type":"BertProcessing","cls":["a",0],"sep":["b",77]})"),
      kCorruptData, "post_processor.sep[1] is 77");
  std::string nested = R"({"type":"NFC"})";
  for (int depth = 0; depth < 300; ++depth) {
    nested = R"({"type":"Sequence","normalizers":[)" + nested + "]}";
  }
  EXPECT_REFUSED(small(",\"normalizer\":" + nested), kCorruptData, "nested deeper");
}

// Tables are made by id: a file of a hundred bytes took 700 MB.
TEST(TokenizerJsonHostile, IdsMayHaveNoLargeGaps) {
  const auto model = [](const std::string& vocab, const std::string& others = "") {
    return with_model(R"({"type":"BPE","merges":[],"vocab":)" + vocab + "}", others);
  };
  EXPECT_REFUSED(model(R"({"a":16777215})"), kCorruptData, "is 16777215; expected an id from 0");
  EXPECT_REFUSED(model(R"({"a":0})", R"(,"added_tokens":[{"id":16777215,"content":"x"}])"),
                 kCorruptData, "has the id 16777215; expected 0 to");
  const auto near = tokenizer_from_json(
      model(R"({"a":60000})", R"(,"added_tokens":[{"id":100000,"content":"x"}])"));
  ASSERT_TRUE(near.has_value()) << near.error().message;
  EXPECT_EQ((*near)->encode("xa", {}), (std::vector<TokenId>{100000, 60000}));
}

/// A step of this type that makes two letters of one, forty times.
std::string forty_times(const std::string& list, const std::string& step) {
  std::string steps = step;
  for (int i = 1; i < 40; ++i) {
    steps += "," + step;
  }
  return R"({"type":"Sequence",")" + list + "\":[" + steps + "]}";
}

// 2^40 letters of one, some of them while the file is read.
TEST(TokenizerJsonHostile, StepsThatBlowTextUpAreRefused) {
  const std::string doubled = R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
  const std::string matched = R"({"type":"Replace","pattern":{"Regex":"."},"content":"aa"})";
  const std::string bytes = R"({"type":"ByteLevel","add_prefix_space":false})";
  const std::string mark = R"({"type":"Metaspace","replacement":"_","split":false})";
  for (const std::string& step : {doubled, matched}) {
    EXPECT_REFUSED(small(",\"normalizer\":" + forty_times("normalizers", step)), kUnsupported,
                   "normalizer: its steps may make a text");
    EXPECT_REFUSED(small(",\"decoder\":" + forty_times("decoders", step)), kUnsupported,
                   "decoder: its steps may make a text");
  }
  for (const std::string& step : {bytes, mark}) {
    EXPECT_REFUSED(small(",\"pre_tokenizer\":" + forty_times("pretokenizers", step)), kUnsupported,
                   "pre_tokenizer: its steps may make a text");
  }
  // What published files do: T5, XLM-R and ALBERT.
  const auto albert = tokenizer_from_json(small(
      R"(,"normalizer":{"type":"Sequence","normalizers":[{"type":"Replace","pattern":{"String":"``"},"content":"\""},)"
      R"({"type":"NFKD"},{"type":"StripAccents"},{"type":"Lowercase"},{"type":"Precompiled","precompiled_charsmap":"CAAAAAEAAAACAAAAYQA="}]})"));
  EXPECT_TRUE(albert.has_value()) << albert.error().message;
}

TEST(TokenizerJsonHostile, CharacterMapsNeverReadOutside) {
  // A trie whose only unit points far outside itself.
  const auto map = CharMap::decode("BAAAAP////8=");
  ASSERT_TRUE(map.has_value()) << map.error().message;
  EXPECT_FALSE(map->find("a").has_value());
  EXPECT_FALSE(map->find("").has_value());
  Rng rng(3);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (int round = 0; round < 3000; ++round) {
    std::string blob = "QAAA";  // 64 bytes of trie
    while (blob.size() < 100) {
      blob += kAlphabet[rng.below(64)];
    }
    const auto random = CharMap::decode(blob);
    if (random) {
      for (const char* text : {"a", "b", "\xC3\xA9", "zzzz"}) {
        (void)random->find(text);
      }
    }
  }
}

TEST(TokenizerJsonHostile, PatternsThatExplodeEnd) {
  const auto tokenizer = tokenizer_from_json(small(
      R"(,"pre_tokenizer":{"type":"Split","behavior":"Isolated","pattern":{"Regex":"(a+)+$x"}})"));
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  const std::string text(3000, 'a');
  EXPECT_EQ((*tokenizer)->encode(text + "b", {}).size(), 3000U);  // "ab" merges once
}

TEST(TokenizerJsonHostile, PatternsOfOtherEnginesAreRefusedByName) {
  for (const char* pattern :
       {"(?<n>a)\\k<n>", "[[:alpha:]]", "(?a)x", "\\Qx\\E", "(?(1)a|b)", "a\\"}) {
    EXPECT_FALSE(compile_oniguruma(pattern).has_value()) << pattern;
  }
  EXPECT_EQ(oniguruma_to_pcre("a{,3}b").value(), "a{0,3}b");
  EXPECT_EQ(oniguruma_to_pcre("(x|y){1,3}+").value(), "(?:(x|y){1,3})+");
}

TEST(TokenizerJsonHostile, SurvivesMutationsAndRandomText) {
  const auto read = read_json_file(test::test_data("oracles/tokenizer_json.json"));
  ASSERT_TRUE(read.has_value()) << read.error().message;
  Rng rng(9);
  size_t accepted = 0;
  for (const auto& [name, base] : read->find("bases")->as_object()) {
    const std::string whole = dump_json(base);
    for (int round = 0; round < 150; ++round) {
      std::string text = whole;
      for (uint64_t i = 0; i < 1 + rng.below(3); ++i) {
        text[rng.below(text.size())] = static_cast<char>(32 + rng.below(96));
      }
      const auto tokenizer = tokenizer_from_json(text);
      if (tokenizer) {
        ++accepted;
        const auto ids = (*tokenizer)
                             ->encode(test::random_text(rng.below(1000), 60),
                                      {.add_special = true, .parse_special = true});
        (void)(*tokenizer)->decode(ids);
      }
    }
    for (size_t length = 0; length < whole.size(); length += 1 + length / 50) {
      ASSERT_FALSE(tokenizer_from_json(std::string_view(whole).substr(0, length)).has_value());
    }
  }
  EXPECT_GT(accepted, 0U);
}

TEST(TokenizerJsonHostile, EncodesBytesThatAreNoText) {
  const auto read = read_json_file(test::test_data("oracles/tokenizer_json.json"));
  ASSERT_TRUE(read.has_value());
  for (const auto& [name, base] : read->find("bases")->as_object()) {
    Json file = base;
    if (name == "bytes") {
      file.set("decoder", parse_json(R"({"type":"ByteLevel"})").value());
    }
    const auto tokenizer = tokenizer_from_json(dump_json(file));
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
    Rng rng(4);
    for (int round = 0; round < 200; ++round) {
      std::string bytes(rng.below(30), '\0');
      for (char& c : bytes) {
        c = static_cast<char>(rng.below(256));
      }
      const auto ids = (*tokenizer)->encode(bytes, {});
      if (name == "bytes") {
        EXPECT_EQ((*tokenizer)->decode(ids), bytes);
      }
    }
    // A megabyte of one letter, of marks and of blanks.
    for (const char* unit : {"a", "\xCC\x81", " "}) {
      std::string text;
      while (text.size() < (1U << 20U)) {
        text += unit;
      }
      EXPECT_FALSE((*tokenizer)->encode(text, {}).empty() && name == "bytes");
    }
  }
}

TEST(TokenizerJsonHostile, TokensOfWhiteSpaceAreTakenOnce) {
  // By tokenizers 0.23.3: what a token took along is no further token where that one looks left.
  const auto ids = [](const std::string& strips) {
    const auto tokenizer = tokenizer_from_json(
        small(R"(,"added_tokens":[{"id":9,"content":" ","rstrip":true)" + strips + "}]"));
    EXPECT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
    return (*tokenizer)->encode("a   b", {});
  };
  EXPECT_EQ(ids(R"(,"lstrip":true)"), (std::vector<TokenId>{0, 9, 1}));
  EXPECT_EQ(ids(""), (std::vector<TokenId>{0, 9, 9, 9, 1}));
}

TEST(TokenizerJsonHostile, ReadsNoControlTokenWherePlainTextIsMeant) {
  for (const bool normalized : {false, true}) {
    const std::string entry = format(R"({{"id":9,"content":"<s>","special":true,"normalized":{}}})",
                                     normalized ? "true" : "false");
    const auto tokenizer = tokenizer_from_json(
        with_model(R"({"type":"BPE","vocab":{"<":0,"s":1,">":2,"a":3},"merges":[]})",
                   ",\"normalizer\":{\"type\":\"Lowercase\"},\"added_tokens\":[" + entry + "]"));
    ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
    const std::string text = "a<s>a<s>";
    EXPECT_EQ((*tokenizer)->control_places(text), (std::vector<size_t>{1, 5}));
    const std::vector<size_t> plain{1};
    EXPECT_EQ((*tokenizer)->encode(text, {.parse_special = true, .plain_at = plain}),
              (std::vector<TokenId>{3, 0, 1, 2, 3, 9}));
    EXPECT_EQ((*tokenizer)->encode(text, {.parse_special = true}),
              (std::vector<TokenId>{3, 9, 3, 9}));
    EXPECT_EQ((*tokenizer)->encode("<s>", {}), (std::vector<TokenId>{0, 1, 2}));
    EXPECT_EQ((*tokenizer)->decode(std::vector<TokenId>{3, 9}, false), "a");
    EXPECT_TRUE((*tokenizer)->is_control(9));
    EXPECT_EQ((*tokenizer)->token_bytes(9, true), "<s>");
    EXPECT_EQ((*tokenizer)->token_bytes(9, false), "");
  }
}

}  // namespace
}  // namespace cupel::engine
