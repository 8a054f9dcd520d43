#include "decode/constraint/json_parts.h"

#include <algorithm>

#include "base/text.h"
#include "decode/constraint/code_points.h"
#include "decode/constraint/number_range.h"

namespace cupel::decode::constraint {
namespace {

constexpr std::string_view kShortEscapes = "\"\\/bfnrt";

const CodePointSet& plain_characters() {
  static const CodePointSet set = CodePointSet({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}).complement();
  return set;
}

void add_hex(AutomatonBuilder& builder, NodeId from, NodeId to) {
  builder.add_bytes(from, '0', '9', to);
  builder.add_bytes(from, 'A', 'F', to);
  builder.add_bytes(from, 'a', 'f', to);
}

}  // namespace

RuleId JsonParts::make(Lazy& lazy,
                       const char* name,
                       void (JsonParts::*build)(NodeId begin, NodeId end)) {
  if (lazy.rule < 0) {
    lazy.rule = builder_.add_rule(name);
    (this->*build)(builder_.begin_of(lazy.rule), builder_.end_of(lazy.rule));
  }
  return lazy.rule;
}

RuleId JsonParts::value() {
  return make(value_, "any value", &JsonParts::build_value);
}
RuleId JsonParts::object() {
  return make(object_, "any object", &JsonParts::build_object);
}
RuleId JsonParts::array() {
  return make(array_, "any array", &JsonParts::build_array);
}
RuleId JsonParts::string() {
  return make(string_, "any string", &JsonParts::build_string);
}
RuleId JsonParts::string_rest() {
  return make(string_rest_, "any string", &JsonParts::build_string_rest);
}
RuleId JsonParts::number() {
  return make(number_, "any number", &JsonParts::build_number);
}
RuleId JsonParts::integer() {
  return make(integer_, "any integer", &JsonParts::build_integer);
}

NodeId JsonParts::add_whitespace(NodeId from) {
  const NodeId to = builder_.add_node();
  for (int i = 0; i < kMaxWhitespace; ++i) {
    builder_.add_nothing(from, to);
    const NodeId next = builder_.add_node();
    builder_.add_bytes(from, '\t', '\n', next);
    builder_.add_byte(from, '\r', next);
    builder_.add_byte(from, ' ', next);
    from = next;
  }
  builder_.add_nothing(from, to);
  return to;
}

NodeId JsonParts::add_separator(NodeId from, char byte) {
  const NodeId before = add_whitespace(from);
  const NodeId after = builder_.add_node();
  builder_.add_byte(before, static_cast<uint8_t>(byte), after);
  return add_whitespace(after);
}

void JsonParts::build_value(NodeId begin, NodeId end) {
  for (const char* word : {"true", "false", "null"}) {
    builder_.add_nothing(builder_.add_text(begin, word), end);
  }
  for (const RuleId rule : {string(), number(), object(), array()}) {
    builder_.add_call(begin, rule, end);
  }
}

void JsonParts::build_object(NodeId begin, NodeId end) {
  const NodeId open = add_whitespace(builder_.add_text(begin, "{"));
  builder_.add_byte(open, '}', end);
  const NodeId key = builder_.add_node();
  builder_.add_nothing(open, key);
  const NodeId named = builder_.add_node();
  builder_.add_call(key, string(), named);
  const NodeId member = builder_.add_node();
  builder_.add_call(add_separator(named, ':'), value(), member);
  const NodeId after = add_whitespace(member);
  builder_.add_byte(after, '}', end);
  builder_.add_nothing(add_whitespace(builder_.add_text(after, ",")), key);
}

void JsonParts::build_array(NodeId begin, NodeId end) {
  const NodeId open = add_whitespace(builder_.add_text(begin, "["));
  builder_.add_byte(open, ']', end);
  const NodeId item = builder_.add_node();
  builder_.add_nothing(open, item);
  const NodeId element = builder_.add_node();
  builder_.add_call(item, value(), element);
  const NodeId after = add_whitespace(element);
  builder_.add_byte(after, ']', end);
  builder_.add_nothing(add_whitespace(builder_.add_text(after, ",")), item);
}

void JsonParts::build_string(NodeId begin, NodeId end) {
  const NodeId open = builder_.add_text(begin, "\"");
  builder_.add_call(open, string_rest(), end);
}

void JsonParts::add_plain_character(AutomatonBuilder& builder, NodeId from, NodeId to) {
  add_code_points(builder, plain_characters(), Spelling::kPlain, from, to);
}

// \uXXXX of all but surrogates, or of a high and a low surrogate.
void JsonParts::add_unicode_escape(NodeId from, NodeId to) {
  const auto hex_digits = [this](NodeId at, int count, NodeId last) {
    for (int i = 0; i + 1 < count; ++i) {
      const NodeId next = builder_.add_node();
      add_hex(builder_, at, next);
      at = next;
    }
    add_hex(builder_, at, last);
  };
  const NodeId three = builder_.add_node();  // digits are left
  hex_digits(three, 3, to);
  builder_.add_bytes(from, '0', '9', three);
  builder_.add_bytes(from, 'A', 'C', three);
  builder_.add_bytes(from, 'a', 'c', three);
  builder_.add_bytes(from, 'E', 'F', three);
  builder_.add_bytes(from, 'e', 'f', three);
  const NodeId d = builder_.add_node();
  builder_.add_byte(from, 'D', d);
  builder_.add_byte(from, 'd', d);
  const NodeId two = builder_.add_node();
  hex_digits(two, 2, to);
  builder_.add_bytes(d, '0', '7', two);
  const NodeId high = builder_.add_node();
  builder_.add_bytes(d, '8', '9', high);
  builder_.add_bytes(d, 'A', 'B', high);
  builder_.add_bytes(d, 'a', 'b', high);
  const NodeId between = builder_.add_node();
  hex_digits(high, 2, between);
  const NodeId second = builder_.add_text(between, "\\u");
  const NodeId low = builder_.add_node();
  builder_.add_byte(second, 'D', low);
  builder_.add_byte(second, 'd', low);
  builder_.add_bytes(low, 'C', 'F', two);
  builder_.add_bytes(low, 'c', 'f', two);
}

void JsonParts::build_string_rest(NodeId begin, NodeId end) {
  const NodeId inside = builder_.add_node();
  builder_.add_nothing(begin, inside);
  builder_.add_byte(inside, '"', end);
  add_plain_character(builder_, inside, inside);
  const NodeId escape = builder_.add_text(inside, "\\");
  for (const char c : kShortEscapes) {
    builder_.add_byte(escape, static_cast<uint8_t>(c), inside);
  }
  add_unicode_escape(builder_.add_text(escape, "u"), inside);
}

void JsonParts::build_number(NodeId begin, NodeId end) {
  add_any_number(builder_, false, begin, end);
}

void JsonParts::build_integer(NodeId begin, NodeId end) {
  add_any_number(builder_, true, begin, end);
}

NodeId JsonParts::add_counted_string(NodeId from, int64_t min, int64_t max) {
  const NodeId end = builder_.add_node();
  const NodeId first = builder_.add_node();
  builder_.add_byte(from, '"', first);
  NodeId at = first;
  int64_t block = 0;
  const bool bounded = max != AutomatonBuilder::kNoMaximum;
  for (int64_t i = 0; i < (bounded ? max : min) && !builder_.full(); ++i) {
    if (i >= min) {
      builder_.add_byte(at, '"', end);
    }
    const NodeId begin = at;
    // All nodes of a character come before the one behind it, in the same order each time.
    const NodeId done = builder_.add_node();
    add_plain_character(builder_, at, done);
    const NodeId escape = builder_.add_text(at, "\\");
    for (const char c : kShortEscapes) {
      builder_.add_byte(escape, static_cast<uint8_t>(c), done);
    }
    const NodeId next = builder_.add_node();
    builder_.add_nothing(done, next);
    block = next - begin;
    at = next;
  }
  if (!bounded) {
    builder_.add_call(at, string_rest(), end);
  } else if (min <= max) {
    builder_.add_byte(at, '"', end);
  }
  if (block > 0) {
    builder_.mark_counted(first, block, min, max);
  }
  return end;
}

// The names share the code points that are read.
void JsonParts::add_other(NodeId from,
                          std::span<const std::string> names,
                          size_t read,
                          NodeId end) {
  const bool whole = names.front().size() == read;
  if (!whole) {
    builder_.add_byte(from, '"', end);
  }
  CodePointSet next;
  for (size_t i = whole ? 1 : 0; i < names.size();) {
    const CodePoint c = decode_utf8(names[i], read);
    const std::string_view begin = std::string_view(names[i]).substr(0, read + c.length);
    size_t last = i;
    while (last < names.size() && std::string_view(names[last]).starts_with(begin)) {
      ++last;
    }
    next.add({c.value, c.value});
    if (plain_characters().contains(c.value)) {
      const NodeId to = builder_.add_node();
      add_code_points(builder_, CodePointSet{{c.value, c.value}}, Spelling::kPlain, from, to);
      add_other(to, names.subspan(i, last - i), read + c.length, end);
    }
    i = last;
  }
  next.normalise();
  const NodeId apart = builder_.add_node();
  add_code_points(builder_, plain_characters().without(next), Spelling::kPlain, from, apart);
  builder_.add_call(apart, string_rest(), end);
}

NodeId JsonParts::add_other_string(NodeId from, std::span<const std::string> names) {
  const NodeId end = builder_.add_node();
  if (names.empty()) {
    builder_.add_call(from, string(), end);
    return end;
  }
  std::vector<std::string> sorted(names.begin(), names.end());
  std::sort(sorted.begin(), sorted.end());
  const NodeId open = builder_.add_text(from, "\"");
  add_other(open, sorted, 0, end);
  return end;
}

}  // namespace cupel::decode::constraint
