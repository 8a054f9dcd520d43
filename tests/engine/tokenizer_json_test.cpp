// Small tokenizer.json files and what tokenizers 0.23.3 makes of texts
// (bench/oracles/tokenizer_json_oracle.py).
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/tokenizer/from_json.h"
#include "engine/tokenizer/json/normalizer.h"
#include "engine/tokenizer/json/word_split.h"
#include "engine/tokenizer_fixtures.h"
#include "support/test_paths.h"

namespace cupel::engine {
namespace {

constexpr size_t kMostShown = 12;  // differences of one case

std::vector<TokenId> ids_of(const Json& list) {
  std::vector<TokenId> ids;
  for (const Json& id : list.as_array()) {
    ids.push_back(static_cast<TokenId>(id.as_int()));
  }
  return ids;
}

/// The fixture, or the larger file that the environment names.
const Json& document() {
  static const Json json = [] {
    const char* named = std::getenv("CUPEL_TOKENIZER_CASES");
    auto read =
        read_json_file(named != nullptr ? named : test::test_data("oracles/tokenizer_json.json"));
    EXPECT_TRUE(read.has_value()) << (read ? "" : read.error().message);
    return read ? std::move(read).value() : Json::object();
  }();
  return json;
}

std::unique_ptr<Tokenizer> make(const Json& test_case) {
  const std::string base = get_string(test_case, "base").value();
  Json file = *document().find("bases")->find(base);
  for (const auto& [key, value] : test_case.find("patch")->as_object()) {
    file.set(key, value);
  }
  auto tokenizer = tokenizer_from_json(dump_json(file));
  EXPECT_TRUE(tokenizer.has_value()) << (tokenizer ? "" : tokenizer.error().message);
  return tokenizer ? std::move(tokenizer).value() : nullptr;
}

void check_ids(const Tokenizer& tokenizer, const Json& expected, bool special, size_t& wrong) {
  const Json::Array& texts = document().find("texts")->as_array();
  ASSERT_EQ(texts.size(), expected.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string& text = texts[i].as_string();
    const auto found = tokenizer.encode(text, {.parse_special = special});
    const auto wanted = ids_of(expected.as_array()[i]);
    wrong += found != wanted ? 1 : 0;
    if (wrong < kMostShown) {
      EXPECT_EQ(test::dump_ids(found), test::dump_ids(wanted)) << "text " << i << ": " << text;
    }
  }
}

void check_decoded(const Tokenizer& tokenizer, const Json& expected, size_t& wrong) {
  for (const Json& item : expected.as_array()) {
    const auto ids = ids_of(item.as_array()[0]);
    for (const bool special : {true, false}) {
      const std::string found = tokenizer.decode(ids, special);
      const std::string& wanted = item.as_array()[special ? 1 : 2].as_string();
      // Bytes that are no UTF-8 stay as they are here; the original writes U+FFFD for them.
      const bool equal =
          is_valid_utf8(found) ? found == wanted : wanted.find("\uFFFD") != std::string::npos;
      wrong += equal ? 0 : 1;
      if (wrong < kMostShown) {
        EXPECT_TRUE(equal) << found << " != " << wanted << ", ids " << test::dump_ids(ids);
      }
    }
  }
}

TEST(TokenizerJson, GivesTheOriginalIdsAndTexts) {
  if (document().find("cases") == nullptr) {
    GTEST_SKIP() << "the file has no cases: ids not compared";
  }
  for (const Json& test_case : document().find("cases")->as_array()) {
    const std::string name = get_string(test_case, "name").value();
    SCOPED_TRACE(name);
    const auto tokenizer = make(test_case);
    if (tokenizer == nullptr) {
      continue;
    }
    size_t wrong = 0;
    const Json& ids = *test_case.find("ids");
    check_ids(*tokenizer, ids, true, wrong);
    check_ids(*tokenizer, test_case.contains("plain") ? *test_case.find("plain") : ids, false,
              wrong);
    if (const Json* framed = test_case.find("framed")) {
      const auto found = tokenizer->encode(document().find("texts")->as_array()[0].as_string(),
                                           {.add_special = true, .parse_special = true});
      EXPECT_EQ(test::dump_ids(found), test::dump_ids(ids_of(*framed)));
    }
    if (const Json* decoded = test_case.find("decoded")) {
      check_decoded(*tokenizer, *decoded, wrong);
    }
    EXPECT_EQ(wrong, 0U);
  }
}

TEST(TokenizerJson, NormalizesAsTheOriginal) {
  for (const Json& record : document().find("normalized")->as_array()) {
    const Json& spec = record.as_array()[0];
    SCOPED_TRACE(dump_json(spec));
    const auto normalizer = make_normalizer(JsonAt(spec, "normalizer"));
    ASSERT_TRUE(normalizer.has_value()) << normalizer.error().message;
    const Json::Array& texts = record.as_array()[1].as_array();
    size_t wrong = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      CharText text = to_chars(texts[i].as_string(), 0);
      (*normalizer)->apply(text);
      const std::string& wanted = record.as_array()[2].as_array()[i].as_string();
      const std::string found = to_utf8(text.chars);
      wrong += found != wanted ? 1 : 0;
      if (wrong < kMostShown) {
        EXPECT_EQ(found, wanted) << texts[i].as_string();
      }
    }
    EXPECT_EQ(wrong, 0U);
  }
}

TEST(TokenizerJson, SplitsWordsAsTheOriginal) {
  for (const Json& record : document().find("pieces")->as_array()) {
    const Json& spec = record.as_array()[0];
    SCOPED_TRACE(dump_json(spec));
    const auto splits = make_word_splits(JsonAt(spec, "pre_tokenizer"), false);
    ASSERT_TRUE(splits.has_value()) << splits.error().message;
    const Json::Array& texts = record.as_array()[1].as_array();
    size_t wrong = 0;
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string& text = texts[i].as_string();
      TextPieces pieces;
      pieces.list.push_back({text, text.empty() ? 0 : size_t{decode_utf8(text, 0).length}});
      for (const auto& step : splits->steps) {
        step->apply(pieces);
      }
      Json found = Json::array();
      for (const TextPiece& piece : pieces.list) {
        found.push_back(Json(piece.text));
      }
      const Json& wanted = record.as_array()[2].as_array()[i];
      wrong += found == wanted ? 0 : 1;
      if (wrong < kMostShown) {
        EXPECT_EQ(dump_json(found), dump_json(wanted)) << text;
      }
    }
    EXPECT_EQ(wrong, 0U);
  }
}

}  // namespace
}  // namespace cupel::engine
