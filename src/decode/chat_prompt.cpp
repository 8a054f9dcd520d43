#include "decode/chat_prompt.h"

#include <string>
#include <string_view>

#include "base/text.h"

namespace cupel::decode {
namespace {

// U+FDD0, a noncharacter: stands in a message before the text of a control token while the template
// works on it, and is taken out again before the text becomes ids.
constexpr std::string_view kMark = "\xEF\xB7\x90";
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string marked(std::string_view text, const Tokenizer& tokenizer) {
  const std::string own = text.find(kMark) == std::string_view::npos
                              ? std::string(text)
                              : replace_all(std::string(text), kMark, kReplacement);
  std::string out;
  size_t done = 0;
  for (const size_t place : tokenizer.control_places(own)) {
    out.append(own, done, place - done);
    out += kMark;
    done = place;
  }
  return out.append(own, done);
}

// Every text in a message but its role; `key` is the member that holds `value`.
Json marked_value(const Json& value, std::string_view key, const Tokenizer& tokenizer) {
  if (value.is_string()) {
    const bool structure = key == "role" || key == "type";
    return structure ? value : Json(marked(value.as_string(), tokenizer));
  }
  if (value.is_array()) {
    Json list = Json::array();
    for (const Json& item : value.as_array()) {
      list.push_back(marked_value(item, key, tokenizer));
    }
    return list;
  }
  if (value.is_object()) {
    Json object = Json::object();
    for (const auto& [name, member] : value.as_object()) {
      object.set(name, marked_value(member, name, tokenizer));
    }
    return object;
  }
  return value;
}

// Takes the marks out of `text` and returns where they stood.
std::vector<size_t> take_marks(std::string& text) {
  std::vector<size_t> places;
  size_t from = 0;
  while ((from = text.find(kMark, from)) != std::string::npos) {
    text.erase(from, kMark.size());
    places.push_back(from);
  }
  return places;
}

Json template_variables(const ChatRequest& request, const Tokenizer& tokenizer) {
  Json variables = Json::object();
  variables.set("messages",
                marked_value(conversation_to_json(request.messages), "messages", tokenizer));
  variables.set("add_generation_prompt", true);
  if (request.tools.is_array()) {
    variables.set("tools", request.tools);
  }
  if (tokenizer.bos() >= 0) {
    variables.set("bos_token", tokenizer.token_bytes(tokenizer.bos(), true));
  }
  if (tokenizer.eos() >= 0) {
    variables.set("eos_token", tokenizer.token_bytes(tokenizer.eos(), true));
  }
  if (request.template_variables.is_object()) {
    for (const auto& [key, value] : request.template_variables.as_object()) {
      variables.set(key, value);
    }
  }
  return variables;
}

}  // namespace

Result<std::vector<TokenId>> chat_prompt_ids(const engine::ChatTemplate& chat_template,
                                             const Tokenizer& tokenizer,
                                             const ChatRequest& request) {
  CUPEL_TRY(auto rendered, chat_template.render(template_variables(request, tokenizer)));
  const std::vector<size_t> plain_at = take_marks(rendered.text);
  return tokenizer.encode(rendered.text,
                          {.add_special = false, .parse_special = true, .plain_at = plain_at});
}

}  // namespace cupel::decode
