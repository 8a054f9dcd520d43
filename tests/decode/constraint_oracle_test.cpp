// The verdicts of xgrammar (bench/oracles/constraint_oracle.py; the fixture names its version):
// the same on every schema, pattern and text, but for those that the fixture lists as different on
// purpose, each with the reason; docs/constrained.md says the same in words.
#include "base/io.h"
#include "decode/constraint_support.h"
#include "support/test_paths.h"

namespace cupel::decode::constraint {
namespace {

using test::accepts;

struct Counts {
  size_t texts = 0;
  size_t different = 0;
};

Result<Ok> check_record(const Json& record, Counts& counts) {
  const Json* pattern = record.find("regex");
  const std::string what = dump_json(pattern != nullptr ? *pattern : *record.find("schema"));
  auto automaton = pattern != nullptr ? compile_regex(pattern->as_string())
                                      : compile_parsed_schema(*record.find("schema"));
  EXPECT_TRUE(automaton.has_value()) << what << ": " << automaton.error().message;
  if (!automaton) {
    return Ok{};
  }
  Machine machine = test::machine_of(std::move(automaton));
  for (const bool accepted : {true, false}) {
    for (const Json& text : record.find(accepted ? "accept" : "reject")->as_array()) {
      EXPECT_EQ(accepts(machine, text.as_string()), accepted) << what << "\n" << text.as_string();
      ++counts.texts;
    }
  }
  for (const Json& one : record.find("differs")->as_array()) {
    EXPECT_NE(accepts(machine, one.find("text")->as_string()), one.find("xgrammar")->as_bool())
        << what << "\n"
        << dump_json(one) << " is no difference any more";
    ++counts.different;
  }
  return Ok{};
}

TEST(ConstraintOracle, AgreesWithXgrammar) {
  Counts counts;
  const auto read = for_each_jsonl_file(
      cupel::test::test_data("oracles/constraints.jsonl"),
      [&](Json&& record, size_t) -> Result<Ok> {
        return record.contains("versions") ? Result<Ok>(Ok{}) : check_record(record, counts);
      });
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_GE(counts.texts, 200U);
  EXPECT_LE(counts.different, 15U);
}

}  // namespace
}  // namespace cupel::decode::constraint
