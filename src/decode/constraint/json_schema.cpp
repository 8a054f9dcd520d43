#include "decode/constraint/json_schema.h"

#include "base/error.h"
#include "base/text.h"
#include "decode/constraint/regex_parser.h"
#include "decode/constraint/schema_compiler.h"

namespace cupel::decode::constraint {
namespace {

constexpr size_t kLargestSchema = size_t{1} << 20;

}  // namespace

Result<Automaton> compile_parsed_schema(const Json& schema, size_t max_nodes) {
  return SchemaCompiler(schema, max_nodes).compile();
}

Result<Automaton> compile_json_schema(std::string_view text, size_t max_nodes) {
  if (text.size() > kLargestSchema) {
    return exhausted("the schema has {} bytes; at most {} are taken", text.size(), kLargestSchema);
  }
  CUPEL_TRY(const Json schema, parse_json(text, {.unique_keys = true, .exact_integers = true}));
  return compile_parsed_schema(schema, max_nodes);
}

Result<Automaton> compile_regex(std::string_view pattern, size_t max_nodes) {
  CUPEL_TRY(const RegexNode node, parse_regex(pattern));
  AutomatonBuilder builder(max_nodes);
  const RuleId root = builder.add_rule(format("pattern \"{}\"", printable(pattern, 60)));
  const NodeId end = add_regex(builder, node, Spelling::kPlain, builder.begin_of(root));
  builder.add_nothing(end, builder.end_of(root));
  return std::move(builder).finish();
}

}  // namespace cupel::decode::constraint
