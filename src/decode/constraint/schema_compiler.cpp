#include "decode/constraint/schema_compiler.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/text.h"
#include "decode/constraint/schema_document.h"

namespace cupel::decode::constraint {
namespace {

constexpr int kDeepestSchema = 256;
constexpr int64_t kMostSchemas = 200'000;         // visited, merged ones included
constexpr int64_t kMostMergedValues = 2'000'000;  // copied into merged schemas
constexpr size_t kMostAlternatives = 256;         // of oneOf: all pairs are looked at

bool has_type(const Json& value, const std::vector<std::string>& types) {
  const auto listed = [&](std::string_view type) {
    return std::find(types.begin(), types.end(), type) != types.end();
  };
  if (!value.is_number()) {
    return listed(value.type_name());
  }
  const bool whole = value.is_int() || value.as_double() == std::floor(value.as_double());
  return listed("number") || (whole && listed("integer"));
}

Error too_large(const std::string& place) {
  return exhausted("{}: the schema is too large once its references and alternatives are put in",
                   excerpt(place, 120));
}

}  // namespace

Result<Automaton> SchemaCompiler::compile() {
  (void)rule_of(root_, "#", 0);
  while (!open_.empty()) {
    const Open next = std::move(open_.front());
    open_.pop_front();
    CUPEL_TRY(const NodeId end,
              add(*next.schema, next.place, builder_.begin_of(next.rule), next.depth));
    builder_.add_nothing(end, builder_.end_of(next.rule));
  }
  return std::move(builder_).finish();
}

RuleId SchemaCompiler::rule_of(const Json& schema, const std::string& place, int depth) {
  const auto [found, fresh] = rules_.try_emplace(&schema, 0);
  if (fresh) {
    found->second = builder_.add_rule(place);
    open_.push_back({&schema, place, found->second, depth});
  }
  return found->second;
}

Result<Ok> SchemaCompiler::enter(const Json& schema, const std::string& place, int depth) {
  if (depth > kDeepestSchema) {
    return exhausted("{}: schemas are nested more than {} deep, references included",
                     excerpt(place, 120), kDeepestSchema);
  }
  if (++schemas_ > kMostSchemas || merged_values_ > kMostMergedValues) {
    return too_large(place);
  }
  return check_keywords(schema, place);
}

Result<Ok> SchemaCompiler::check_room(const std::string& place) const {
  if (builder_.full()) {
    return exhausted(
        "{}: the automaton of the schema has more than {} nodes; lower its lengths, counts and "
        "repetitions",
        excerpt(place, 120), builder_.max_nodes());
  }
  return Ok{};
}

Result<NodeId> SchemaCompiler::add(const Json& schema,
                                   const std::string& place,
                                   NodeId from,
                                   int depth) {
  CUPEL_TRY_VOID(enter(schema, place, depth));
  CUPEL_TRY(const NodeId end, add_kind(schema, place, from, depth));
  CUPEL_TRY_VOID(check_room(place));
  return end;
}

Result<NodeId> SchemaCompiler::add_kind(const Json& schema,
                                        const std::string& place,
                                        NodeId from,
                                        int depth) {
  if (schema.is_bool()) {
    return schema.as_bool() ? call(from, parts_.value()) : builder_.add_node();
  }
  if (schema.contains("$ref")) {
    return add_reference(schema, place, from, depth);
  }
  if (schema.contains("allOf")) {
    CUPEL_TRY(const Json all, merge_all(schema, place));
    return add(all, place, from, depth + 1);
  }
  for (const char* key : {"anyOf", "oneOf"}) {
    if (schema.contains(key)) {
      return add_alternatives(schema, key, place, from, depth);
    }
  }
  if (schema.contains("const") || schema.contains("enum")) {
    return add_constants(schema, place, from);
  }
  return add_types(schema, place, from, depth);
}

NodeId SchemaCompiler::call(NodeId from, RuleId rule) {
  const NodeId to = builder_.add_node();
  builder_.add_call(from, rule, to);
  return to;
}

Result<Json> SchemaCompiler::merged(const Json& a, const Json& b, const std::string& place) {
  merged_values_ += count_values(a) + count_values(b);
  if (merged_values_ > kMostMergedValues) {
    return too_large(place);
  }
  return merge(a, b, place);
}

Result<NodeId> SchemaCompiler::add_reference(const Json& schema,
                                             const std::string& place,
                                             NodeId from,
                                             int depth) {
  const std::string& reference = schema.find("$ref")->as_string();
  CUPEL_TRY(const Json* target, resolve(root_, reference, below(place, "$ref")));
  if (!says_more_than(schema, "$ref")) {
    return call(from, rule_of(*target, printable(reference, 120), 0));
  }
  CUPEL_TRY(const Json both, merged(*target, without_keyword(schema, "$ref"), place));
  return add(both, place, from, depth + 1);
}

Result<Json> SchemaCompiler::merge_all(const Json& schema, const std::string& place) {
  Json all = without_keyword(schema, "allOf");
  const auto& list = schema.find("allOf")->as_array();
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string at = below(below(place, "allOf"), i);
    CUPEL_TRY(const Json one, without_references(list[i], at));
    CUPEL_TRY(all, merged(all, one, at));
  }
  return all;
}

// With what it refers to put in: two references cannot be merged.
Result<Json> SchemaCompiler::without_references(Json schema, const std::string& place) {
  for (int i = 0; schema.contains("$ref"); ++i) {
    if (i > kDeepestSchema) {
      return invalid_argument("{}: a reference leads back to itself", place);
    }
    CUPEL_TRY_VOID(check_keywords(schema, place));
    CUPEL_TRY(const Json* target,
              resolve(root_, schema.find("$ref")->as_string(), below(place, "$ref")));
    CUPEL_TRY(schema, merged(without_keyword(schema, "$ref"), *target, place));
  }
  return schema;
}

Result<Ok> SchemaCompiler::check_disjoint(const Json::Array& list, const std::string& place) const {
  if (list.size() > kMostAlternatives) {
    return exhausted("{}: has {} alternatives; at most {} are taken", place, list.size(),
                     kMostAlternatives);
  }
  for (size_t i = 0; i < list.size(); ++i) {
    for (size_t j = i + 1; j < list.size(); ++j) {
      if (!are_disjoint(root_, list[i], list[j])) {
        return unsupported(
            "{}: alternatives {} and {} may both match, which oneOf forbids and a generator "
            "cannot rule out; use anyOf, or tell them apart by type or by a required constant "
            "property",
            place, i, j);
      }
    }
  }
  return Ok{};
}

Result<NodeId> SchemaCompiler::add_alternatives(
    const Json& schema, const char* key, const std::string& place, NodeId from, int depth) {
  const auto& list = schema.find(key)->as_array();
  const std::string at = below(place, key);
  if (std::string_view(key) == "oneOf") {
    CUPEL_TRY_VOID(check_disjoint(list, at));
  }
  const bool more = says_more_than(schema, key);
  const Json others = without_keyword(schema, key);
  const NodeId to = builder_.add_node();
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string here = below(at, i);
    NodeId end = 0;
    if (more) {
      CUPEL_TRY(const Json one, without_references(list[i], here));
      CUPEL_TRY(const Json both, merged(others, one, here));
      CUPEL_TRY(end, add(both, here, from, depth + 1));
    } else {
      CUPEL_TRY(end, add(list[i], here, from, depth + 1));
    }
    builder_.add_nothing(end, to);
  }
  return to;
}

Result<NodeId> SchemaCompiler::add_constants(const Json& schema,
                                             const std::string& place,
                                             NodeId from) {
  Json rest = without_keyword(schema, "type");
  rest.erase("const");
  rest.erase("enum");
  if (rest.size() > 0) {
    const std::string& name = rest.as_object().front().first;
    return unsupported("{}: \"{}\" beside constants is not supported; leave out what it excludes",
                       below(place, name), name);
  }
  Json::Array values;
  if (const Json* list = schema.find("enum")) {
    values = list->as_array();
    if (const Json* value = schema.find("const")) {
      std::erase_if(values, [value](const Json& v) { return !(v == *value); });
    }
  } else {
    values.push_back(*schema.find("const"));
  }
  if (schema.contains("type")) {
    CUPEL_TRY(const auto types, types_of(schema, place));
    std::erase_if(values, [&](const Json& v) { return !has_type(v, types); });
  }
  const NodeId to = builder_.add_node();
  for (const Json& value : values) {
    builder_.add_nothing(builder_.add_text(from, dump_json(value)), to);
  }
  return to;
}

}  // namespace cupel::decode::constraint
