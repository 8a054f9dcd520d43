// What a schema says of values of each type.
#include <algorithm>
#include <optional>
#include <unordered_map>

#include "base/error.h"
#include "base/text.h"
#include "decode/constraint/number_range.h"
#include "decode/constraint/regex_parser.h"
#include "decode/constraint/regex_rewrites.h"
#include "decode/constraint/schema_compiler.h"
#include "decode/constraint/schema_document.h"
#include "decode/constraint/string_formats.h"

namespace cupel::decode::constraint {
namespace {

constexpr size_t kLongestName = 1024;
constexpr int64_t kNoMaximum = AutomatonBuilder::kNoMaximum;

const Json kAnyValue = true;

int64_t count_or(const Json& schema, std::string_view key, int64_t fallback) {
  const Json* value = schema.find(key);
  return value == nullptr ? fallback : value->as_int();
}

bool allows_nothing(const Json& schema) {
  return schema.is_bool() && !schema.as_bool();
}

/// Of two bounds the tighter one; `sign` is 1 for lower bounds, -1 for upper ones.
std::optional<NumberBound> tighter(const Json* inclusive, const Json* exclusive, double sign) {
  if (exclusive != nullptr &&
      (inclusive == nullptr || sign * (exclusive->as_double() - inclusive->as_double()) >= 0)) {
    return NumberBound{.value = *exclusive, .exclusive = true};
  }
  return inclusive == nullptr ? std::nullopt : std::optional(NumberBound{.value = *inclusive});
}

}  // namespace

Result<NodeId> SchemaCompiler::add_types(const Json& schema,
                                         const std::string& place,
                                         NodeId from,
                                         int depth) {
  CUPEL_TRY(const auto types, types_of(schema, place));
  const NodeId to = builder_.add_node();
  for (const std::string& type : types) {
    NodeId end = to;
    if (type == "null") {
      end = builder_.add_text(from, "null");
    } else if (type == "boolean") {
      builder_.add_nothing(builder_.add_text(from, "true"), to);
      end = builder_.add_text(from, "false");
    } else if (type == "string") {
      CUPEL_TRY(end, add_string(schema, place, from));
    } else if (type == "array") {
      CUPEL_TRY(end, add_array(schema, place, from, depth));
    } else if (type == "object") {
      CUPEL_TRY(end, add_object(schema, place, from, depth));
    } else {
      CUPEL_TRY(end, add_number(schema, place, from, type == "integer"));
    }
    builder_.add_nothing(end, to);
  }
  return to;
}

Result<NodeId> SchemaCompiler::add_string(const Json& schema,
                                          const std::string& place,
                                          NodeId from) {
  const Json* pattern = schema.find("pattern");
  const Json* named = schema.find("format");
  if (named != nullptr && is_open_format(named->as_string())) {
    named = nullptr;
  }
  if (pattern != nullptr && named != nullptr) {
    return unsupported("{}: \"pattern\" and \"format\" together are not supported", place);
  }
  if (pattern != nullptr) {
    return add_pattern(pattern->as_string(), schema, below(place, "pattern"), from);
  }
  if (named != nullptr) {
    const std::string_view known = format_pattern(named->as_string());
    if (known.empty()) {
      return unsupported("{}: the format \"{}\" is not supported; these are: {}",
                         below(place, "format"), printable(named->as_string(), 40), format_names());
    }
    return add_pattern(known, schema, below(place, "format"), from);
  }
  const int64_t min = count_or(schema, "minLength", 0);
  const int64_t max = count_or(schema, "maxLength", kNoMaximum);
  if (min == 0 && max == kNoMaximum) {
    return call(from, parts_.string());
  }
  return parts_.add_counted_string(from, min, max);
}

Result<NodeId> SchemaCompiler::add_pattern(std::string_view pattern,
                                           const Json& schema,
                                           const std::string& place,
                                           NodeId from) {
  auto parsed = parse_regex(pattern);
  if (!parsed) {
    return in_context(std::move(parsed).error(), place);
  }
  const auto texts = of_length(*parsed, count_or(schema, "minLength", 0),
                               count_or(schema, "maxLength", RegexNode::kUnbounded));
  if (!texts) {
    return unsupported(
        "{}: describes texts that minLength or maxLength excludes; put the lengths into the "
        "pattern, like [a-z]{{2,8}}",
        place);
  }
  const NodeId open = builder_.add_text(from, "\"");
  return builder_.add_text(add_regex(builder_, *texts, Spelling::kJsonString, open), "\"");
}

Result<NodeId> SchemaCompiler::add_number(const Json& schema,
                                          const std::string& place,
                                          NodeId from,
                                          bool integer) {
  const NumberRange range = {
      .low = tighter(schema.find("minimum"), schema.find("exclusiveMinimum"), 1),
      .high = tighter(schema.find("maximum"), schema.find("exclusiveMaximum"), -1),
      .integer = integer};
  if (!range.low && !range.high) {
    return call(from, integer ? parts_.integer() : parts_.number());
  }
  const NodeId to = builder_.add_node();
  if (auto added = add_number_range(builder_, range, from, to); !added) {
    return in_context(std::move(added).error(), place);
  }
  return to;
}

Result<NodeId> SchemaCompiler::add_item(const Items& items, NodeId from, int depth) {
  if (items.rule >= 0) {
    return call(from, items.rule);
  }
  return add(*items.schema, items.place, from, depth + 1);
}

// One item and then any number of others, to the end of the array.
Result<Ok> SchemaCompiler::add_more_items(const Items& items, NodeId from, NodeId to, int depth) {
  const NodeId item = builder_.add_node();
  builder_.add_nothing(from, item);
  CUPEL_TRY(const NodeId value, add_item(items, item, depth));
  const NodeId after = parts_.add_whitespace(value);
  builder_.add_byte(after, ']', to);
  builder_.add_nothing(parts_.add_whitespace(builder_.add_text(after, ",")), item);
  return Ok{};
}

Result<NodeId> SchemaCompiler::add_array(const Json& schema,
                                         const std::string& place,
                                         NodeId from,
                                         int depth) {
  const Json* listed = schema.find("prefixItems");
  const Json* rest = schema.find("items");
  const auto count = static_cast<int64_t>(listed == nullptr ? 0 : listed->size());
  const int64_t min = count_or(schema, "minItems", 0);
  int64_t max = count_or(schema, "maxItems", kNoMaximum);
  Items items{.schema = rest == nullptr && listed == nullptr ? &kAnyValue : rest,
              .place = below(place, "items")};
  if (items.schema == nullptr || allows_nothing(*items.schema)) {
    max = std::min(max, count);
  } else if ((max == kNoMaximum ? std::max<int64_t>(min, 1) : max) - count > 1) {
    // A copy is kept: the schema may be a merged one, which does not outlive this call.
    merged_values_ += count_values(*items.schema);
    owned_.push_back(*items.schema);
    items.rule = rule_of(owned_.back(), items.place, depth + 1);
  }
  const NodeId to = builder_.add_node();
  NodeId next = parts_.add_whitespace(builder_.add_text(from, "["));  // where item i begins
  if (min == 0) {
    builder_.add_byte(next, ']', to);
  }
  for (int64_t i = 0; i < max && !builder_.full(); ++i) {
    if (i >= count && max == kNoMaximum && i + 1 >= min) {
      CUPEL_TRY_VOID(add_more_items(items, next, to, depth));
      break;
    }
    NodeId value = 0;
    if (i < count) {
      const auto index = static_cast<size_t>(i);
      CUPEL_TRY(value, add(listed->as_array()[index], below(below(place, "prefixItems"), index),
                           next, depth + 1));
    } else {
      CUPEL_TRY(value, add_item(items, next, depth));
    }
    const NodeId after = parts_.add_whitespace(value);
    if (i + 1 >= min) {
      builder_.add_byte(after, ']', to);
    }
    next = parts_.add_whitespace(builder_.add_text(after, ","));
  }
  return to;
}

// Behind a property the next one may come, and also those after it, when it may be left out.
Result<NodeId> SchemaCompiler::add_property(const Property& property, ObjectWays& ways, int depth) {
  if (property.name.size() > kLongestName) {
    return exhausted("{}: the property's name has {} bytes; at most {} are taken", property.place,
                     property.name.size(), kLongestName);
  }
  const NodeId key = builder_.add_node();
  for (const NodeId way : {ways.first, ways.comma}) {
    if (way >= 0) {
      builder_.add_nothing(way, key);
    }
  }
  const NodeId named = builder_.add_text(key, dump_json(Json(property.name)));
  CUPEL_TRY(const NodeId value,
            add(*property.schema, property.place, parts_.add_separator(named, ':'), depth + 1));
  const NodeId after = parts_.add_whitespace(value);
  const NodeId comma = parts_.add_whitespace(builder_.add_text(after, ","));
  if (property.required) {
    ways.first = -1;
  } else if (ways.comma >= 0) {
    builder_.add_nothing(ways.comma, comma);
  }
  ways.comma = comma;
  return after;
}

Result<Ok> SchemaCompiler::add_other_properties(const std::vector<Property>& known,
                                                const Property& others,
                                                const ObjectWays& ways,
                                                int depth) {
  std::vector<std::string> names;
  for (const Property& property : known) {
    names.push_back(property.name);
  }
  const NodeId key = builder_.add_node();
  for (const NodeId way : {ways.first, ways.comma}) {
    if (way >= 0) {
      builder_.add_nothing(way, key);
    }
  }
  const NodeId named = parts_.add_other_string(key, names);
  CUPEL_TRY(const NodeId value,
            add(*others.schema, others.place, parts_.add_separator(named, ':'), depth + 1));
  const NodeId after = parts_.add_whitespace(value);
  builder_.add_byte(after, '}', ways.end);
  builder_.add_nothing(parts_.add_whitespace(builder_.add_text(after, ",")), key);
  return Ok{};
}

Result<NodeId> SchemaCompiler::add_object(const Json& schema,
                                          const std::string& place,
                                          NodeId from,
                                          int depth) {
  const Json* described = schema.find("additionalProperties");
  const Property others = {.schema = described != nullptr ? described : &kAnyValue,
                           .place = below(place, "additionalProperties")};
  const bool open =
      described != nullptr ? !allows_nothing(*described) : !schema.contains("properties");
  std::vector<Property> properties;
  std::unordered_map<std::string, size_t> index;
  const auto property = [&](const std::string& name, const Json* one, const char* keyword) {
    const auto [found, fresh] = index.try_emplace(name, properties.size());
    if (fresh) {
      properties.push_back(
          {.name = name, .schema = one, .place = below(below(place, keyword), name)});
    }
    return found->second;
  };
  if (const Json* list = schema.find("properties")) {
    for (const auto& [name, one] : list->as_object()) {
      property(name, &one, "properties");
    }
  }
  if (const Json* list = schema.find("required")) {  // also of properties that are not described
    for (const Json& name : list->as_array()) {
      properties[property(name.as_string(), others.schema, "required")].required = true;
    }
  }
  ObjectWays ways{.first = parts_.add_whitespace(builder_.add_text(from, "{")),
                  .end = builder_.add_node()};
  const NodeId begin = ways.first;
  std::vector<NodeId> ends;  // where the object may end: behind the last required property
  for (const Property& one : properties) {
    CUPEL_TRY(const NodeId after, add_property(one, ways, depth));
    if (one.required) {
      ends.clear();
    }
    ends.push_back(after);
  }
  if (ways.first >= 0) {
    ends.push_back(begin);
  }
  for (const NodeId end : ends) {
    builder_.add_byte(end, '}', ways.end);
  }
  if (open) {
    CUPEL_TRY_VOID(add_other_properties(properties, others, ways, depth));
  }
  return ways.end;
}

}  // namespace cupel::decode::constraint
