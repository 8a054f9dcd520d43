#include "engine/template/chat_template.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "engine/template/ast.h"
#include "engine/template/evaluator.h"
#include "engine/template/parser.h"

namespace cupel::engine {
namespace {

constexpr int kMaxInputDepth = 550;  // below Limits::value_depth, so that a template can wrap it

Result<jinja::Value> to_value(const Json& json, int depth);

Result<jinja::Value> to_list(const Json& json, int depth) {
  auto list = std::make_shared<jinja::Sequence>();
  list->items.reserve(json.size());
  for (const auto& item : json.as_array()) {
    CUPEL_TRY(auto value, to_value(item, depth + 1));
    list->depth = std::max(list->depth, value.depth());
    list->items.push_back(std::move(value));
  }
  ++list->depth;
  return jinja::Value(std::shared_ptr<const jinja::Sequence>(std::move(list)));
}

Result<jinja::Value> to_dict(const Json& json, int depth) {
  auto dict = std::make_shared<jinja::Dict>();
  dict->entries.reserve(json.size());
  for (const auto& [name, member] : json.as_object()) {
    CUPEL_TRY(auto value, to_value(member, depth + 1));
    dict->depth = std::max(dict->depth, value.depth());
    auto key = jinja::constant_text(to_valid_utf8(name));
    dict->index.emplace(jinja::hash_text(key.bytes()), static_cast<uint32_t>(dict->entries.size()));
    dict->entries.emplace_back(std::move(key), std::move(value));
  }
  ++dict->depth;
  return jinja::Value(std::shared_ptr<const jinja::Dict>(std::move(dict)));
}

Result<jinja::Value> to_value(const Json& json, int depth) {
  if (depth > kMaxInputDepth) {
    return invalid_argument("the variables of the template are nested more than {} deep",
                            kMaxInputDepth);
  }
  if (json.is_array()) {
    return to_list(json, depth);
  }
  if (json.is_object()) {
    return to_dict(json, depth);
  }
  if (json.is_string()) {
    return jinja::constant_text(to_valid_utf8(json.as_string()));
  }
  if (json.is_bool()) {
    return jinja::Value::boolean(json.as_bool());
  }
  if (json.is_int()) {
    return jinja::Value::integer(json.as_int());
  }
  return json.is_double() ? jinja::Value::real(json.as_double()) : jinja::Value::none();
}

// Messages quote the template, and what it raises: they stay one line all the same.
Error in_one_line(Error error) {
  constexpr size_t kMostBytes = 1000;
  std::ranges::replace(error.message, '\n', ' ');
  error.message = printable(error.message, kMostBytes);
  return error;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string_view source) {
  auto parsed = jinja::parse_template(source);
  if (!parsed) {
    return in_one_line(std::move(parsed).error());
  }
  return ChatTemplate(std::make_shared<const jinja::Template>(std::move(*parsed)));
}

Result<RenderedTemplate> ChatTemplate::render(const Json& variables,
                                              const RenderOptions& options) const {
  if (!variables.is_object()) {
    return invalid_argument("the variables of a template must be an object, not {}",
                            variables.type_name());
  }
  jinja::Variables values;
  for (const auto& [name, member] : variables.as_object()) {
    CUPEL_TRY(values[name], to_value(member, 0));
  }
  jinja::Runtime runtime(options.limits, options.now);
  jinja::Evaluator::Output output;
  {
    jinja::Evaluator evaluator(*parsed_, runtime, std::move(values));
    auto run = evaluator.run();
    if (!run) {
      return in_one_line(std::move(run).error());
    }
    output = std::move(*run);
  }
  RenderedTemplate rendered;
  rendered.text = std::move(output.text);
  for (const auto& [begin, end] : output.generation) {
    rendered.generation.push_back({begin, end});
  }
  rendered.unplaced_generation = output.unplaced_generation;
  return rendered;
}

Result<Json> template_variables(const Json& test_case) {
  Json variables = Json::object();
  CUPEL_TRY(const auto* messages, get_array(test_case, "messages"));
  variables.set("messages", *messages);
  for (const auto* const name : {"tools", "documents"}) {
    const auto* value = test_case.find(name);
    variables.set(name, value != nullptr ? *value : Json());
  }
  CUPEL_TRY(const bool prompt, get_bool_or(test_case, "add_generation_prompt", false));
  variables.set("add_generation_prompt", prompt);
  for (const auto* const name : {"bos_token", "eos_token"}) {
    if (const auto* value = test_case.find(name)) {
      variables.set(name, *value);
    }
  }
  const auto* extra = test_case.find("extra");
  if (extra == nullptr || extra->is_null()) {
    return variables;
  }
  CUPEL_TRY(extra, get_object(test_case, "extra"));
  for (const auto& [name, value] : extra->as_object()) {
    variables.set(name, value);
  }
  return variables;
}

Result<jinja::LocalTime> parse_local_time(std::string_view text) {
  jinja::LocalTime time;
  // Separators of "YYYY-MM-DDTHH:MM:SS"; each number has the digits up to the next one.
  constexpr std::string_view kShape = "dddd-dd-ddTdd:dd:dd";
  const auto wrong = [&] {
    return invalid_argument("\"{}\" is no time; write it as 2026-07-24T15:30:00",
                            excerpt(text, 60));
  };
  if (text.size() < kShape.size()) {
    return wrong();
  }
  for (size_t i = 0; i < kShape.size(); ++i) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    const bool fits =
        kShape[i] == 'd' ? digit : text[i] == kShape[i] || (i == 10 && text[i] == ' ');
    if (!fits) {
      return wrong();
    }
  }
  const auto number = [&](size_t at, size_t size) {
    int value = 0;
    std::from_chars(text.data() + at, text.data() + at + size, value);
    return value;
  };
  time = {.year = number(0, 4),
          .month = number(5, 2),
          .day = number(8, 2),
          .hour = number(11, 2),
          .minute = number(14, 2),
          .second = number(17, 2),
          .microsecond = 0};
  const auto fraction = text.substr(kShape.size());
  if (fraction.size() > 1 && fraction[0] == '.') {
    std::string digits(fraction.substr(1, 6));
    digits.resize(6, '0');
    const auto parsed = std::from_chars(digits.data(), digits.data() + 6, time.microsecond);
    if (parsed.ptr != digits.data() + 6) {
      return wrong();
    }
  } else if (!fraction.empty()) {
    return wrong();
  }
  const bool valid = time.month >= 1 && time.month <= 12 && time.day >= 1 && time.day <= 31 &&
                     time.hour < 24 && time.minute < 60 && time.second < 61;
  return valid ? Result<jinja::LocalTime>(time) : Result<jinja::LocalTime>(wrong());
}

}  // namespace cupel::engine
