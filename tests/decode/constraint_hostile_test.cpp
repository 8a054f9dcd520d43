// Schemas and patterns as large, as deep and as circular as they come: each ends soon, in bounded
// memory, with one clear line or an automaton.
#include <functional>
#include <optional>

#include "base/format.h"
#include "base/process_usage.h"
#include "base/text.h"
#include "decode/constraint/machine.h"
#include "decode/constraint_support.h"
#include "support/process_memory.h"

namespace cupel::decode::constraint {
namespace {

constexpr double kSeconds = 20;               // of the processor; a sanitizer takes tenfold
constexpr size_t kMemory = size_t{1} << 30U;  // that one may add at its peak

std::string joined(int count, const std::function<std::string(int)>& part) {
  std::string all;
  for (int i = 0; i < count; ++i) {
    all += (i == 0 ? "" : ",") + part(i);
  }
  return all;
}

/// The code of the error, or nothing where it compiles; checks time, memory and the message.
std::optional<Code> end_of(const std::string& text, bool pattern = false) {
  const std::string what = text.substr(0, 80);
  cupel::test::reset_memory_peak();
  const size_t before = cupel::test::memory_status("VmHWM").value_or(0);
  const double begin = thread_cpu_seconds();
  const auto automaton = pattern ? compile_regex(text) : compile_json_schema(text);
  EXPECT_LT(thread_cpu_seconds() - begin, kSeconds) << what;
  EXPECT_LT(cupel::test::memory_status("VmHWM").value_or(0), before + kMemory) << what;
  if (automaton) {
    return std::nullopt;
  }
  EXPECT_EQ(automaton.error().message.find('\n'), std::string::npos) << automaton.error().message;
  EXPECT_LT(automaton.error().message.size(), 1000U) << what;
  return automaton.error().code;
}

TEST(ConstraintHostile, ObjectsOfManyProperties) {
  const auto properties = [](int count) {
    return "{\"properties\":{" +
           joined(count, [](int i) { return format("\"p{}\":{{\"type\":\"integer\"}}", i); }) +
           "}}";
  };
  EXPECT_EQ(end_of(properties(100)), std::nullopt);
  EXPECT_EQ(end_of(properties(100'000)), Code::kExhausted);
  // All of them required, beside others that are free: the order and the names are all checked.
  const std::string required =
      "{\"required\":[" + joined(30'000, [](int i) { return format("\"p{}\"", i); }) + "]}";
  EXPECT_EQ(end_of(required), Code::kExhausted);
}

TEST(ConstraintHostile, ValuesInLargeNumbers) {
  const auto values = [](int count) {
    return "{\"enum\":[" + joined(count, [](int i) { return format("\"value {}\"", i); }) + "]}";
  };
  EXPECT_EQ(end_of(values(5'000)), std::nullopt);
  EXPECT_EQ(end_of(values(60'000)), Code::kExhausted);
}

TEST(ConstraintHostile, CountsWithoutBounds) {
  for (const char* schema :
       {R"({"type":"array","minItems":1000000000})",
        R"({"type":"array","items":{"type":"integer"},"minItems":9223372036854775807})",
        R"({"type":"array","items":{"const":1},"minItems":1000000000,"maxItems":1000000000})",
        R"({"type":"string","minLength":9223372036854775807})"}) {
    EXPECT_EQ(end_of(schema), Code::kExhausted) << schema;
  }
  for (const char* schema : {R"({"type":"array","minItems":5,"maxItems":4})",
                             R"({"type":"string","minLength":5,"maxLength":4})",
                             R"({"minimum":9223372036854775807,"maximum":-9223372036854775808})"}) {
    EXPECT_EQ(end_of(schema).value_or(Code::kInvalidArgument), Code::kInvalidArgument) << schema;
  }
}

TEST(ConstraintHostile, CirclesOfReferences) {
  const auto ring = [](int size, const char* link) {
    const auto rule = [&](int i) {
      return format(R"("d{}":{{"{}":[{{"$ref":"#/$defs/d{}"}}]}})", i, link, (i + 1) % size);
    };
    return "{\"$defs\":{" + joined(size, rule) + "},\"$ref\":\"#/$defs/d0\"}";
  };
  for (const char* link : {"allOf", "anyOf", "oneOf"}) {
    for (const int size : {1, 2, 50, 5'000}) {
      EXPECT_TRUE(end_of(ring(size, link)).has_value()) << link << " " << size;
    }
  }
  // Rules that call each other behind a byte are no circle, but nest at most 64 deep.
  EXPECT_EQ(
      end_of(R"({"$defs":{"a":{"items":{"$ref":"#/$defs/b"}},"b":{"items":{"$ref":"#/$defs/a"}}},)"
             R"("$ref":"#/$defs/a"})"),
      std::nullopt);
}

TEST(ConstraintHostile, ProductsOfAlternatives) {
  for (const int factors : {4, 12, 200}) {
    const std::string choice = R"({"anyOf":[{"minimum":1},{"maximum":9},{"type":"string"}]})";
    (void)end_of("{\"allOf\":[" + joined(factors, [&](int) { return choice; }) + "]}");
  }
  std::string nested = "{}";
  for (int depth = 0; depth < 60; ++depth) {
    nested = "{\"anyOf\":[" + nested + ",{\"type\":\"null\"}],\"type\":[\"null\",\"integer\"]}";
  }
  (void)end_of(nested);
  // Each of a thousand properties refers to all of them again.
  const std::string wide =
      "{\"properties\":{" +
      joined(1'000, [](int i) { return format("\"p{}\":{{\"$ref\":\"#\"}}", i); }) + "}}";
  (void)end_of(wide);
}

TEST(ConstraintHostile, NestedQuantifiers) {
  std::string nested = "a";
  for (int depth = 0; depth < 40; ++depth) {
    nested = "(" + nested + "{0,9})*";
  }
  (void)end_of(nested, true);
  for (const char* pattern : {"(((a*)*)*)*", "((a{1,99}){1,99}){1,99}", "(a|a|a|a|a|a){1000}",
                              "(.{0,999}){0,999}", "(([^a]{3}){3}){30000}"}) {
    (void)end_of(pattern, true);
    (void)end_of(format(R"({{"type":"string","pattern":"{}"}})", pattern));
  }
  EXPECT_EQ(end_of("(((a{999}){999}){999}){999}", true), Code::kExhausted);
  EXPECT_EQ(end_of("((((((((a{999999999}){999999999}){999999999}){999999999}){999999999}))))", true)
                .has_value(),
            true);
}

// Forty places, but a hundred thousand edges to look at for each byte.
TEST(ConstraintHostile, EdgesOfLargeClassesAreWork) {
  std::string letters;
  for (uint32_t c = 0x3400; c < 0x4E00; c += 2) {
    append_utf8(letters, c);
  }
  auto automaton = compile_regex("(?:[" + letters + "]?){40}");
  ASSERT_TRUE(automaton.has_value()) << automaton.error().message;
  Machine machine(std::make_shared<const Automaton>(std::move(*automaton)));
  machine.allow_work(1'000);
  EXPECT_EQ(machine.start(), Machine::kDead);
  EXPECT_TRUE(machine.tired());
  machine.clear();
  machine.allow_work(1'000'000);
  EXPECT_TRUE(machine.accepts(machine.start()));
  EXPECT_FALSE(machine.tired());
}

TEST(ConstraintHostile, DeepSchemas) {
  for (const int depth : {500, 100'000}) {
    std::string schema;
    for (int i = 0; i < depth; ++i) {
      schema += "{\"items\":";
    }
    schema += "{}" + std::string(static_cast<size_t>(depth), '}');
    EXPECT_TRUE(end_of(schema).has_value()) << depth;
  }
}

}  // namespace
}  // namespace cupel::decode::constraint
