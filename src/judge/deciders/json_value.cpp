// A JSON value in the answer: the first in the first code block, or in the text.
#include <optional>

#include "base/error.h"
#include "base/text.h"
#include "judge/decider_fields.h"
#include "judge/decider_text.h"

namespace cupel::judge::decider {
namespace {

struct Found {
  Json value;
  bool whole = false;  // nothing but white space around it
};

// End of the JSON value that begins at `begin`, by its brackets and strings; npos when it never
// closes.
size_t value_end(std::string_view text, size_t begin) {
  int depth = 0;
  bool quoted = false;
  for (size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      i += c == '\\' ? 1 : 0;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if ((c == '}' || c == ']') && --depth == 0) {
      return i + 1;
    }
  }
  return std::string_view::npos;
}

std::optional<Found> first_json(std::string_view text) {
  // Bounded: an answer full of open brackets must not be scanned once per bracket.
  int tries = 0;
  for (size_t at = text.find_first_of("{["); at != std::string_view::npos && tries < 64;
       at = text.find_first_of("{[", at + 1), ++tries) {
    const size_t end = value_end(text, at);
    if (end == std::string_view::npos) {
      continue;
    }
    if (auto value = parse_json(text.substr(at, end - at))) {
      const bool whole = trim(text.substr(0, at)).empty() && trim(text.substr(end)).empty();
      return Found{std::move(*value), whole};
    }
  }
  return std::nullopt;
}

struct Wanted {
  bool array = false;
  bool only = false;
  std::vector<std::string> required;
  Json equals;
  Bounds items;
};

bool holds(const Wanted& wanted, std::string_view answer) {
  std::string outside;
  const std::vector<Fence> fences = fences_of(answer, outside);
  const auto found = first_json(fences.empty() ? answer : std::string_view(fences.front().body));
  if (!found || (wanted.array ? !found->value.is_array() : !found->value.is_object())) {
    return false;
  }
  const bool alone =
      found->whole && fences.size() <= 1 && (fences.empty() || trim(outside).empty());
  if ((wanted.only && !alone) || !wanted.items.hold(found->value.size())) {
    return false;
  }
  for (const std::string& key : wanted.required) {
    if (!found->value.contains(key)) {
      return false;
    }
  }
  for (const auto& [key, value] : wanted.equals.as_object()) {
    const Json* member = found->value.find(key);
    if (member == nullptr || !(*member == value)) {
      return false;
    }
  }
  return true;
}

Result<std::unique_ptr<Decider>> parse(const Json& program) {
  CUPEL_TRY_VOID(
      only_fields(program, {"type", "required", "equals", "min_items", "max_items", "only"}));
  Wanted wanted{.equals = Json::object()};
  CUPEL_TRY(const size_t type, read_choice(program, "type", {"object", "array"}));
  wanted.array = type == 1;
  CUPEL_TRY(wanted.only, get_bool_or(program, "only", false));
  CUPEL_TRY(wanted.required, read_strings(program, "required"));
  CUPEL_TRY(wanted.items, read_bounds(program, "min_items", "max_items"));
  if (program.contains("equals")) {
    CUPEL_TRY(const Json* equals, get_object(program, "equals"));
    wanted.equals = *equals;
  }
  if (wanted.array && (!wanted.required.empty() || wanted.equals.size() > 0)) {
    return corrupt_data(
        "\"required\" and \"equals\" name keys of an object, and \"type\" is \"array\"; use "
        "\"min_items\" and \"max_items\", or \"type\": \"object\"");
  }
  return make_decider([wanted](std::string_view answer) { return holds(wanted, answer); });
}

}  // namespace

DeciderKind json_value() {
  return {.kind = "json", .summary = "a JSON value with given keys and values", .parse = &parse};
}

}  // namespace cupel::judge::decider
