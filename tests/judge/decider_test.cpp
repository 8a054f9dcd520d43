// Deciders against the cases of the benchmark folder, which scripts/check_touchstone.py decides
// too.
#include "judge/decider.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::judge {
namespace {

TEST(Decider, AgreesWithTheIndependentOracleOnEveryCase) {
  size_t cases = 0;
  const std::string path = test::test_data("../../benchmarks/touchstone/program_cases.jsonl");
  const auto done = for_each_jsonl_file(path, [&](Json&& row, size_t line) -> Result<Ok> {
    CUPEL_TRY(const Json* program, get_object(row, "program"));
    CUPEL_TRY(const std::string text, get_string(row, "text"));
    CUPEL_TRY(const bool pass, get_bool(row, "pass"));
    CUPEL_TRY(const auto decider, parse_decider(*program));
    EXPECT_EQ(decider->decide(text), pass) << "line " << line << ": " << dump_json(row);
    ++cases;
    return Ok{};
  });
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_GE(cases, 100U);
}

TEST(Decider, NamesUnknownKindsAndFieldsWithAHint) {
  const auto kind = parse_decider(Json::object().set("kind", "contain"));
  ASSERT_FALSE(kind.has_value());
  EXPECT_NE(kind.error().message.find("did you mean \"contains\""), std::string::npos);
  const auto field = parse_decider(Json::object().set("kind", "words").set("maximum", 3));
  ASSERT_FALSE(field.has_value());
  EXPECT_EQ(field.error().code, Code::kCorruptData);
}

TEST(Decider, RefusesKeysOfAnArray) {
  Json keys = Json::array();
  keys.push_back("name");
  Json program = Json::object().set("kind", "json").set("type", "array");
  EXPECT_TRUE(parse_decider(program).has_value());
  const auto required = parse_decider(Json(program).set("required", keys));
  ASSERT_FALSE(required.has_value()) << "it could only ever say No";
  EXPECT_EQ(required.error().code, Code::kCorruptData);
  EXPECT_NE(required.error().message.find("\"required\""), std::string::npos);
  const Json equals = Json::object().set("name", "x");
  EXPECT_FALSE(parse_decider(Json(program).set("equals", equals)).has_value());
}

TEST(Decider, RefusesDeepNesting) {
  Json program = Json::object().set("kind", "words");
  for (int i = 0; i < 100; ++i) {
    program = Json::object().set("kind", "not").set("of", program);
  }
  EXPECT_FALSE(parse_decider(program).has_value());
}

}  // namespace
}  // namespace cupel::judge
