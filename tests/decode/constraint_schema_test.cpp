// Schemas: what their automata accept. Random texts of each automaton are held against a validator
// of its own (schema_validator.h); what must and must not be accepted otherwise is by hand from the
// specification.
#include "base/format.h"
#include "base/process_usage.h"
#include "base/rng.h"
#include "base/text.h"
#include "decode/constraint_schemas.h"
#include "decode/constraint_support.h"
#include "decode/schema_validator.h"

namespace cupel::decode::constraint {
namespace {

using test::accepts;
using test::schema_machine;

// A random way through the automaton; beyond 200 bytes it takes what closes something.
std::string random_text(Machine& machine, Rng& rng) {
  machine.allow_work(1 << 30);
  std::string text;
  Machine::State state = machine.start();
  while (!machine.complete(state)) {
    if (machine.accepts(state) && rng.below(4) == 0) {
      break;
    }
    std::vector<uint8_t> next;
    for (int byte = 0; byte < 256; ++byte) {
      if (machine.next(state, static_cast<uint8_t>(byte)) != Machine::kDead) {
        next.push_back(static_cast<uint8_t>(byte));
      }
    }
    CUPEL_CHECK(!next.empty(), text);  // what is entered can be ended
    uint8_t chosen = next[rng.below(next.size())];
    for (const char closing : {'"', ']', '}'}) {
      const bool can =
          std::find(next.begin(), next.end(), static_cast<uint8_t>(closing)) != next.end();
      if (can && rng.below(text.size() > 200 ? 1 : 8) == 0) {
        chosen = static_cast<uint8_t>(closing);
      }
    }
    text += static_cast<char>(chosen);
    state = machine.next(state, chosen);
  }
  return text;
}

TEST(ConstraintSchema, WhateverItAcceptsSatisfiesTheSchema) {
  Rng rng(3);
  for (const std::string_view text : test::sample_schemas()) {
    const auto schema = parse_json(text);
    ASSERT_TRUE(schema.has_value()) << text;
    const test::SchemaValidator validator(*schema);
    Machine machine = schema_machine(text);
    for (int i = 0; i < 60; ++i) {
      const std::string found = random_text(machine, rng);
      const auto value = parse_json(found);
      ASSERT_TRUE(value.has_value()) << text << "\n" << found << "\n" << value.error().message;
      ASSERT_TRUE(validator.valid(*value)) << text << "\n" << found;
    }
  }
}

TEST(ConstraintSchema, AnyValueIsAnyJson) {
  Rng rng(4);
  for (const char* text : {"true", "{}", R"({"type":"object"})", R"({"type":"array"})"}) {
    Machine machine = schema_machine(text);
    for (int i = 0; i < 200; ++i) {
      const std::string found = random_text(machine, rng);
      ASSERT_TRUE(parse_json(found).has_value()) << found;
    }
  }
}

struct Verdicts {
  const char* schema;
  std::vector<const char*> yes;
  std::vector<const char*> no;
};

void check(const Verdicts& v) {
  Machine machine = schema_machine(v.schema);
  for (const char* text : v.yes) {
    EXPECT_TRUE(accepts(machine, text)) << v.schema << " should accept " << text;
  }
  for (const char* text : v.no) {
    EXPECT_FALSE(accepts(machine, text)) << v.schema << " should not accept " << text;
  }
}

TEST(ConstraintSchema, ObjectsHaveTheirPropertiesInOrder) {
  check(
      {R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2},"c":{"const":3}},"required":["b"]})",
       {R"({"b":2})", R"({"a":1,"b":2})", R"({"b":2,"c":3})", R"({"a":1,"b":2,"c":3})",
        "{ \"a\" : 1 ,\n\t\"b\" : 2 }"},
       {"{}", R"({"a":1})", R"({"b":2,"a":1})", R"({"a":1,"c":3})", R"({"b":2,"b":2})",
        R"({"b":2,})", R"({,"b":2})", R"({"b":2 "c":3})", R"({"b":2,"d":4})", R"(  {"b":2})",
        R"({"b":2} )"}});
  check({R"({"type":"object","properties":{"a":{"const":1},"b":{"const":2}}})",
         {"{}", "{ }", R"({"a":1})", R"({"b":2})", R"({"a":1,"b":2})"},
         {R"({"b":2,"a":1})", R"({"a":1,"a":1})", "{,}"}});
}

TEST(ConstraintSchema, OtherPropertiesAreOtherThanTheDescribedOnes) {
  const char* schema =
      R"({"type":"object","properties":{"ab":{"const":1},"a":{"const":2}},"additionalProperties":{"const":3}})";
  check(
      {schema,
       {R"({"ab":1,"x":3})", R"({"x":3,"y":3})", R"({"a":2,"abc":3})", R"({"":3})", R"({"b\n":3})"},
       {R"({"x":3,"ab":1})", R"({"x":1})", R"({"a":3})", R"({"ab":3})", R"({"\u0061b":3})",
        R"({"\u00e4":3})"}});
}

TEST(ConstraintSchema, RequiredWithoutADescription) {
  check({R"({"type":"object","properties":{"a":{"const":1}},"required":["z","a"]})",
         {R"({"a":1,"z":[null]})"},
         {R"({"a":1})", R"({"z":1})"}});
}

TEST(ConstraintSchema, Arrays) {
  check({R"({"type":"array","items":{"const":0}})",
         {"[]", "[ ]", "[0]", "[0, 0,0]"},
         {"[0,]", "[,0]", "[1]", "[0"}});
  check({R"({"type":"array","items":{"const":0},"minItems":1})", {"[0]", "[0,0,0]"}, {"[]"}});
  check({R"({"type":"array","items":{"const":0},"minItems":3})",
         {"[0,0,0]", "[0,0,0,0]"},
         {"[0,0]"}});
  check({R"({"type":"array","items":{"const":0},"maxItems":2})", {"[]", "[0,0]"}, {"[0,0,0]"}});
  check({R"({"type":"array","maxItems":0})", {"[]"}, {"[0]"}});
  check({R"({"type":"array","prefixItems":[{"const":1},{"const":2}]})",
         {"[]", "[1]", "[1,2]"},
         {"[2]", "[1,2,3]"}});
  check(
      {R"({"type":"array","prefixItems":[{"const":1}],"items":{"const":0},"minItems":2,"maxItems":3})",
       {"[1,0]", "[1,0,0]"},
       {"[1]", "[1,0,0,0]", "[0]"}});
}

TEST(ConstraintSchema, StringsCountCodePoints) {
  check({R"({"type":"string","minLength":2,"maxLength":3})",
         {R"("ab")", R"("abc")", R"("äö")", R"("😀😀😀")", R"("\n\"")"},
         {R"("a")", R"("abcd")", R"("ä")", "\"a\nb\"", R"("\u0061b")"}});
  check({R"({"type":"string","minLength":2})", {R"("ab")", R"("ab\u0041")"}, {R"("a")", R"("")"}});
  check({R"({"type":"string","maxLength":0})", {R"("")"}, {R"("a")"}});
  check({R"({"type":"string"})",
         {R"("")", R"("\u0041\ud83d\ude00")", "\"\x7F\"", R"("\/")"},
         {R"("\ud83d")", R"("\ude00")", R"("\x")", "\"\x01\"", "\"\xC3\"", "\"", "a"}});
}

TEST(ConstraintSchema, PatternsAreOfTheTextNotOfItsSpelling) {
  check({R"({"type":"string","pattern":"^[\"\\\\\n/]{2}$"})",
         {R"("\"\\")", R"("\n/")"},
         {R"("""")", R"("\\")", R"("\/\/")"}});
  check({R"({"type":"string","pattern":"[^a]"})",
         {R"("b")", R"("\t")", R"("\u0001")"},
         {R"("a")", R"("bb")"}});
  check({R"({"type":"string","pattern":"[a-z]{2,4}","minLength":1,"maxLength":4})",
         {R"("ab")"},
         {R"("a")"}});
  check({R"({"type":"string","pattern":"^[A-Z][a-z]*$","minLength":2,"maxLength":4})",
         {R"("Ab")", R"("Abcd")"},
         {R"("A")", R"("Abcde")", R"("ab")"}});
}

// What pydantic's model_json_schema writes for Decimal and for discriminated unions.
TEST(ConstraintSchema, SchemasOfPydantic) {
  check({R"x({"type":"string","pattern":"^(?!^[-+.]*$)[+-]?0*\\d*\\.?\\d*$"})x",
         {R"("1")", R"("-0.5")", R"("+12.")", R"(".5")", R"("007")"},
         {R"("")", R"("-")", R"(".")", R"("+.")", R"("1e3")"}});
  check(
      {R"({"discriminator":{"mapping":{"cat":"#/$defs/Cat","dog":"#/$defs/Dog"},"propertyName":"t"},
             "$defs":{"Cat":{"properties":{"t":{"const":"cat","type":"string"},"m":{"type":"integer"}},
                             "required":["t","m"],"type":"object"},
                      "Dog":{"properties":{"t":{"const":"dog","type":"string"},"b":{"type":"boolean"}},
                             "required":["t","b"],"type":"object"}},
             "oneOf":[{"$ref":"#/$defs/Cat"},{"$ref":"#/$defs/Dog"}]})",
       {R"({"t":"cat","m":1})", R"({"t":"dog","b":true})"},
       {R"({"t":"cat","b":true})", R"({"t":"cow"})"}});
}

// RFC 3339: days of months, leap years; RFC 9562; RFC 5321.
TEST(ConstraintSchema, Formats) {
  check({R"({"type":"string","format":"date"})",
         {R"("2024-02-29")", R"("2000-02-29")", R"("1999-12-31")", R"("2023-04-30")"},
         {R"("2023-02-29")", R"("1900-02-29")", R"("2023-04-31")", R"("2023-13-01")",
          R"("2023-00-10")"}});
  check({R"({"type":"string","format":"date-time"})",
         {R"("2024-02-29T23:59:59Z")", R"("2024-01-01T00:00:00.123+02:00")"},
         {R"("2024-01-01")", R"("2024-01-01T24:00:00Z")", R"("2024-01-01T00:00:00")"}});
  check({R"({"type":"string","format":"time"})",
         {R"("12:34:56Z")"},
         {R"("12:34")", R"("12:60:00Z")"}});
  check({R"({"type":"string","format":"uuid"})",
         {R"("123e4567-e89b-12d3-a456-426614174000")"},
         {R"("123e4567-e89b-12d3-a456-42661417400")", R"("123e4567e89b12d3a456426614174000")"}});
  check({R"({"type":"string","format":"email"})",
         {R"("a.b+c@d-e.org")"},
         {R"("a@b")", R"("@b.org")", R"("a..b@c.org")"}});
  check({R"({"type":"string","format":"ipv4"})",
         {R"("255.0.10.1")"},
         {R"("256.0.0.1")", R"("1.2.3")", R"("01.2.3.4")"}});
  check({R"({"type":"string","format":"ipv6"})",
         {R"("::")", R"("::1")", R"("fe80::")", R"("2001:db8::8a2e:370:7334")",
          R"("1:2:3:4:5:6:7:8")", R"("1:2:3:4:5:6:7::")", R"("1::8")"},
         {R"("1:2:3:4:5:6:7")", R"("1::2::3")", R"(":1")", R"("12345::")", R"("1:2:3:4:5:6:7:8:9")",
          R"("1:2:3:4:5:6:7::8")"}});
  check({R"({"type":"string","format":"hostname"})",
         {R"("localhost")", R"("a-b.example.org")"},
         {R"("-a.org")", R"("a..b")", R"("a_b")", R"("")"}});
  check({R"({"type":"string","format":"duration"})",
         {R"("P3W")", R"("P1Y2M3D")", R"("PT36H")", R"("P1DT2H3M4S")", R"("PT5S")"},
         {R"("P")", R"("P1DT")", R"("PT")", R"("P1H")", R"("1D")", R"("P1Y3D")"}});
  check({R"({"type":"string","format":"uri","minLength":1,"maxLength":2083})",
         {R"("https://example.org")", R"("http://localhost:8080/a/b%20c?q=1&r=2#top")",
          R"("ftp://1.2.3.4/")"},
         {R"("example.org")", R"("https://")", R"("https://a b")", R"("https://a/%2")"}});
  check({R"({"type":"string","format":"password","maxLength":2})",
         {R"("ab")", R"("")"},
         {R"("abc")"}});
}

TEST(ConstraintSchema, AlternativesAndMerges) {
  check({R"({"anyOf":[{"type":"integer"},{"type":"null"}]})", {"1", "null"}, {"\"a\"", "1.5"}});
  check(
      {R"({"type":"object","properties":{"k":{"const":1},"v":true},"anyOf":[{"required":["k"]},{"required":["v"]}]})",
       {R"({"k":1})", R"({"v":[]})", R"({"k":1,"v":2})"},
       {"{}", R"({"k":2})"}});
  check({R"({"allOf":[{"type":"integer","minimum":3},{"maximum":5}]})", {"3", "5"}, {"2", "6"}});
  check(
      {R"({"$defs":{"p":{"type":"object","properties":{"a":{"const":1}},"required":["a"]},"q":{"properties":{"b":{"const":2}}}},"allOf":[{"$ref":"#/$defs/p"},{"$ref":"#/$defs/q"}]})",
       {R"({"a":1})", R"({"a":1,"b":2})"},
       {"{}", R"({"b":2})"}});
  check(
      {R"({"$defs":{"n":{"type":"integer"}},"type":"array","items":{"$ref":"#/$defs/n","minimum":7}})",
       {"[7]"},
       {"[6]"}});
  check({R"({"type":"integer","enum":[1,"a",2.0,null]})", {"1", "2.0"}, {"\"a\"", "null"}});
  check({R"({"enum":[1,2],"const":2})", {"2"}, {"1"}});
}

// What stands beside an alternative may rule it out; the others remain.
TEST(ConstraintSchema, AlternativesThatNothingSatisfiesAreLeftOut) {
  check({R"({"type":"string","anyOf":[{"type":"null"},{"type":"string","maxLength":1}]})",
         {R"("a")"},
         {"null", R"("ab")"}});
  check({R"({"enum":[1,2],"oneOf":[{"enum":[2]},{"enum":[3]}]})", {"2"}, {"1", "3"}});
  check(
      {R"({"type":"object","allOf":[{"properties":{"a":{"type":"null"},"b":{"const":1}}},{"properties":{"a":{"type":"string"}}}]})",
       {"{}", R"({"b":1})"},
       {R"({"a":null})", R"({"a":"x"})"}});
}

TEST(ConstraintSchema, ReferencesFollowPointers) {
  check(
      {R"({"type":"object","properties":{"a/b":{"const":1},"c":{"$ref":"#/properties/a~1b"},"d":{"$ref":"#/properties/%63"}}})",
       {R"({"c":1})", R"({"d":1})"},
       {R"({"c":2})"}});
  check({R"({"type":"array","items":{"$ref":"#"}})", {"[]", "[[],[[]]]"}, {"[0]", "[[]"}});
}

struct Refusal {
  std::string schema;
  Code code;
  const char* says;
};

void check(const Refusal& r) {
  const auto compiled = compile_json_schema(std::string_view(r.schema));
  ASSERT_FALSE(compiled.has_value()) << excerpt(r.schema, 200);
  const Error& error = compiled.error();
  EXPECT_EQ(error.code, r.code) << excerpt(r.schema, 200) << ": " << error.message;
  EXPECT_NE(error.message.find(r.says), std::string::npos) << error.message;
  EXPECT_EQ(error.message.find('\n'), std::string::npos) << error.message;
}

TEST(ConstraintSchema, RefusesUnsupportedKeywordsByNameAndPlace) {
  for (const char* keyword : {"not",
                              "if",
                              "then",
                              "else",
                              "patternProperties",
                              "propertyNames",
                              "minProperties",
                              "maxProperties",
                              "dependentRequired",
                              "dependentSchemas",
                              "contains",
                              "uniqueItems",
                              "multipleOf",
                              "unevaluatedProperties",
                              "unevaluatedItems",
                              "$anchor",
                              "$dynamicRef",
                              "additionalItems",
                              "contentEncoding",
                              "nullable",
                              "nonsense"}) {
    check(Refusal{format(R"({{"properties":{{"a/b":{{"{}":{{}}}}}}}})", keyword),
                  Code::kUnsupported, keyword});
    check(Refusal{format(R"({{"properties":{{"a/b":{{"{}":{{}}}}}}}})", keyword),
                  Code::kUnsupported, "#/properties/a~1b/"});
  }
  check(Refusal{R"({"type":"string","maxLenght":3})", Code::kUnsupported,
                "did you mean \"maxLength\""});
}

TEST(ConstraintSchema, RefusesWhatIsMalformed) {
  const std::vector<Refusal> refusals = {
      {"{", Code::kCorruptData, "line"},
      {"3", Code::kInvalidArgument, "expected a schema"},
      {R"({"type":"integer","maximum":18446744073709551615})", Code::kUnsupported,
       "18446744073709551615"},
      {R"({"const":12345678901234567890})", Code::kUnsupported, "12345678901234567890"},
      {R"({"properties":{"a":[]}})", Code::kInvalidArgument, "#/properties/a"},
      {R"({"type":"strin"})", Code::kInvalidArgument, "did you mean \"string\""},
      {R"({"type":3})", Code::kInvalidArgument, "#/type"},
      {R"({"type":"string","minLength":-1})", Code::kInvalidArgument, "#/minLength"},
      {R"({"minItems":1.5})", Code::kInvalidArgument, "#/minItems"},
      {R"({"enum":[]})", Code::kInvalidArgument, "#/enum"},
      {R"({"anyOf":{}})", Code::kInvalidArgument, "#/anyOf"},
      {R"({"exclusiveMinimum":true})", Code::kInvalidArgument, "expected a number"},
      {R"({"items":[{}]})", Code::kInvalidArgument, "#/items"},
      {R"({"$ref":"#/$defs/x"})", Code::kNotFound, "#/$defs/x"},
      {R"({"$ref":"other.json"})", Code::kUnsupported, "into the schema itself"},
      {R"({"$ref":"#anchor"})", Code::kUnsupported, "into the schema itself"},
      {R"({"type":"string","format":"iri"})", Code::kUnsupported, "hostname"},
      {R"x({"type":"string","pattern":"a(?=b)"})x", Code::kUnsupported, "#/pattern"},
      {R"({"type":"string","pattern":"a+","minLength":3,"maxLength":2})", Code::kUnsupported,
       "minLength or maxLength"},
      {R"({"type":"string","pattern":"a+b+","maxLength":3})", Code::kUnsupported,
       "minLength or maxLength"},
      {R"({"enum":[1],"minimum":3})", Code::kUnsupported, "#/minimum"},
      {R"({"minimum":3,"maxLength":3})", Code::kUnsupported, "\"type\""},
      {R"({"oneOf":[{"type":"integer"},{"type":"number"}]})", Code::kUnsupported,
       "alternatives 0 and 1"},
      {R"({"oneOf":[{"enum":[1,2]},{"enum":[2.0]}]})", Code::kUnsupported, "alternatives 0 and 1"},
      {R"({"allOf":[{"pattern":"a"},{"pattern":"b"}]})", Code::kUnsupported, "pattern"},
      {R"({"allOf":[{"properties":{"a":true},"additionalProperties":false},{"properties":{"b":true}}]})",
       Code::kUnsupported, "additionalProperties"},
      {"false", Code::kInvalidArgument, "no text satisfies"},
      {R"({"properties":{"a":false},"required":["a"]})", Code::kInvalidArgument,
       "no text satisfies"},
      {R"({"type":"array","items":false,"minItems":1})", Code::kInvalidArgument,
       "no text satisfies"},
      {R"({"allOf":[{"type":"string"},{"type":"integer"}]})", Code::kInvalidArgument,
       "no text satisfies"},
      {R"({"allOf":[{"enum":[1]},{"enum":[2]}]})", Code::kInvalidArgument, "no text satisfies"},
      {R"({"type":"string","minLength":3,"maxLength":2})", Code::kInvalidArgument,
       "no text satisfies"}};
  for (const Refusal& refusal : refusals) {
    check(refusal);
  }
}

TEST(ConstraintSchema, CirclesThatReadNothingAreRefused) {
  check(Refusal{R"({"$ref":"#"})", Code::kInvalidArgument, "refers to itself"});
  check(Refusal{
      R"({"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}},"$ref":"#/$defs/a"})",
      Code::kInvalidArgument, "refers to itself"});
  check(Refusal{R"({"$ref":"#","type":"object"})", Code::kExhausted, "nested more than"});
  check(Refusal{R"({"allOf":[{"$ref":"#"}]})", Code::kExhausted, "nested more than"});
  // Nothing finite satisfies it.
  check(Refusal{R"({"properties":{"a":{"$ref":"#"}},"required":["a"]})", Code::kInvalidArgument,
                "no text satisfies"});
}

std::string repeated(const std::string& piece, int count) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += piece;
  }
  return all;
}

TEST(ConstraintSchema, HostileSchemasEndInAnErrorSoon) {
  const double begin = thread_cpu_seconds();
  check(Refusal{std::string(10 << 20, ' ') + "{}", Code::kExhausted, "bytes"});
  check(Refusal{repeated(R"({"items":)", 400) + "{}" + repeated("}", 400), Code::kExhausted,
                "nested"});
  check(Refusal{repeated("[", 100000), Code::kCorruptData, ""});
  check(Refusal{R"({"type":"string","maxLength":1000000000})", Code::kExhausted, "#"});
  check(Refusal{
      R"({"type":"array","items":{"type":"array","items":{"type":"integer"},"minItems":1000},"maxItems":1000000000})",
      Code::kExhausted, "#"});
  check(Refusal{R"({"type":"string","pattern":"((a{1000}){1000}){1000}"})", Code::kExhausted, "#"});
  check(Refusal{"{\"properties\":{\"" + std::string(2000, 'a') + "\":true}}", Code::kExhausted,
                "name"});
  // Alternatives of alternatives of …, each merged with what stands beside them.
  std::string schema = R"({"type":"integer"})";
  for (int i = 0; i < 20; ++i) {
    schema = format(R"({{"minimum":{},"anyOf":[{},{}]}})", i, schema, schema);
    if (schema.size() > 500000) {
      break;
    }
  }
  EXPECT_FALSE(compile_json_schema(std::string_view(schema)).has_value());
  EXPECT_LT(thread_cpu_seconds() - begin, 30);
}

TEST(ConstraintSchema, EveryTruncationEnds) {
  for (const std::string_view text : test::sample_schemas()) {
    for (size_t i = 0; i < text.size(); i += 3) {
      EXPECT_FALSE(compile_json_schema(text.substr(0, i)).has_value());
    }
  }
}

TEST(ConstraintSchema, LongChainsOfReferencesAreRefused) {
  std::string definitions;
  for (int i = 0; i < 100; ++i) {
    definitions += format(
        R"("d{}":{{"type":"array","items":{{"$ref":"#/$defs/d{}"}},"minItems":1}},)", i, i + 1);
  }
  check(Refusal{"{\"$defs\":{" + definitions + R"("d100":true},"$ref":"#/$defs/d0"})",
                Code::kExhausted, "references are nested"});
}

// Calls are bounded, and what is entered can always be ended: the last level allows no more.
TEST(ConstraintSchema, NestingIsBoundedWithoutDeadEnds) {
  Machine machine = schema_machine(
      R"({"$defs":{"e":{"anyOf":[{"type":"integer"},{"type":"object","properties":{"l":{"$ref":"#/$defs/e"},"r":{"$ref":"#/$defs/e"}},"required":["l","r"]}]}},"$ref":"#/$defs/e"})");
  machine.allow_work(1 << 30);
  std::string text;
  int depth = 0;
  while (test::read(machine, text + "{\"l\":") != Machine::kDead) {
    text += "{\"l\":";
    ++depth;
  }
  EXPECT_GE(depth, Machine::kMaxDepth / 2);
  EXPECT_LE(depth, Machine::kMaxDepth);
  text += "1" + repeated(",\"r\":2}", depth);
  EXPECT_TRUE(accepts(machine, text));
}

}  // namespace
}  // namespace cupel::decode::constraint
