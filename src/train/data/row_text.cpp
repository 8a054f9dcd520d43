#include "train/data/row_text.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace cupel::train {
namespace {

const std::vector<std::string>& known_roles() {
  static const std::vector<std::string> kRoles = {"system",    "developer", "user",
                                                  "assistant", "tool",      "function"};
  return kRoles;
}

// ShareGPT's names of the roles.
std::string_view openai_role(std::string_view role) {
  if (role == "human") {
    return "user";
  }
  if (role == "gpt" || role == "chatgpt" || role == "bing" || role == "bard") {
    return "assistant";
  }
  return role == "observation" ? "tool" : role;
}

Result<Json> read_role(const Json& message, const std::string& where) {
  const Json* role = message.find("role");
  const bool sharegpt = role == nullptr && message.contains("from");
  role = sharegpt ? message.find("from") : role;
  if (role == nullptr || !role->is_string()) {
    return corrupt_data("{} has no \"role\"; a message is {{\"role\": …, \"content\": …}}", where);
  }
  const std::string_view name = sharegpt ? openai_role(role->as_string()) : role->as_string();
  if (std::ranges::find(known_roles(), name) == known_roles().end()) {
    return corrupt_data("{}.role is \"{}\"{}; expected one of {}", where, printable(name),
                        did_you_mean(name, known_roles()), join(known_roles(), ", "));
  }
  return Json(name);
}

Result<Ok> check_parts(const Json& parts, const std::string& where) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const Json& part = parts.as_array()[i];
    const Json* type = part.find("type");
    const Json* text = part.find("text");
    if (type == nullptr || *type != Json("text") || text == nullptr || !text->is_string()) {
      return corrupt_data(
          "{}.content[{}] is no {{\"type\": \"text\", \"text\": …}}; other kinds of parts cannot "
          "be trained on",
          where, i);
    }
  }
  return Ok{};
}

Result<Json> read_content(const Json& message, const std::string& where) {
  const Json* content = message.find("content");
  if (content == nullptr) {
    content = message.find("value");
  }
  const Json* calls = message.find("tool_calls");
  const bool absent = content == nullptr || content->is_null();
  if (absent && calls != nullptr && calls->is_array() && calls->size() > 0) {
    return Json("");  // templates take it for text
  }
  if (absent) {
    return corrupt_data("{} has no \"content\"; write the message's text there", where);
  }
  if (content->is_array()) {
    CUPEL_TRY_VOID(check_parts(*content, where));
  } else if (!content->is_string()) {
    return corrupt_data("{}.content is {}; expected a string or a list of text parts", where,
                        content->type_name());
  }
  return *content;
}

size_t common_bytes(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  size_t common = 0;
  while (common < most && a[common] == b[common]) {
    ++common;
  }
  while (common > 0 && common < most && (static_cast<unsigned char>(a[common]) & 0xC0U) == 0x80U) {
    --common;  // never inside a character
  }
  return common;
}

Json slice(const Json& list, size_t begin, size_t end) {
  const auto& items = list.as_array();
  return Json(Json::Array(items.begin() + static_cast<std::ptrdiff_t>(begin),
                          items.begin() + static_cast<std::ptrdiff_t>(end)));
}

SplitAnswers split_texts(const std::string& chosen, const std::string& rejected) {
  size_t common = common_bytes(chosen, rejected);
  if (common > 0 && chosen[common - 1] == ' ') {
    --common;
  }
  SplitAnswers split;
  split.prompt.text = chosen.substr(0, common);
  split.chosen.text = chosen.substr(common);
  split.rejected.text = rejected.substr(common);
  return split;
}

// Each answer keeps at least its last message, also where both are the same.
SplitAnswers split_messages(const Json& chosen, const Json& rejected) {
  const size_t most = std::min(chosen.size(), rejected.size());
  size_t common = 0;
  while (common + 1 < most && chosen.as_array()[common] == rejected.as_array()[common]) {
    ++common;
  }
  SplitAnswers split;
  split.prompt.messages = slice(chosen, 0, common);
  split.chosen.messages = slice(chosen, common, chosen.size());
  split.rejected.messages = slice(rejected, common, rejected.size());
  return split;
}

}  // namespace

Result<Json> read_messages(const Json& value, std::string_view key) {
  if (!value.is_array()) {
    return corrupt_data("\"{}\" is {}; expected a list of messages", key, value.type_name());
  }
  Json messages = Json::array();
  for (size_t i = 0; i < value.size(); ++i) {
    const Json& message = value.as_array()[i];
    const std::string where = format("{}[{}]", key, i);
    if (!message.is_object()) {
      return corrupt_data("{} is {}; a message is {{\"role\": …, \"content\": …}}", where,
                          message.type_name());
    }
    CUPEL_TRY(Json role, read_role(message, where));
    CUPEL_TRY(Json content, read_content(message, where));
    Json out = Json::object();
    out.set("role", std::move(role)).set("content", std::move(content));
    for (const auto& [name, member] : message.as_object()) {
      if (name != "role" && name != "from" && name != "content" && name != "value") {
        out.set(name, member);
      }
    }
    messages.push_back(std::move(out));
  }
  return messages;
}

Result<RowText> read_row_text(const Json& value, std::string_view key) {
  RowText text;
  if (value.is_string()) {
    text.text = value.as_string();
    return text;
  }
  if (!value.is_array()) {
    return corrupt_data("\"{}\" is {}; expected a text or a list of messages", key,
                        value.type_name());
  }
  CUPEL_TRY(text.messages, read_messages(value, key));
  return text;
}

bool has_assistant_turn(const Json& messages) {
  return std::ranges::any_of(messages.as_array(), [](const Json& message) {
    return *message.find("role") == Json("assistant");
  });
}

Result<SplitAnswers> split_common_start(const RowText& chosen, const RowText& rejected) {
  if (chosen.is_conversation() != rejected.is_conversation()) {
    return corrupt_data(
        "one of \"chosen\" and \"rejected\" is a text and the other a list of messages; write both "
        "in the same form");
  }
  SplitAnswers split = chosen.is_conversation() ? split_messages(chosen.messages, rejected.messages)
                                                : split_texts(chosen.text, rejected.text);
  if (split.prompt.empty()) {
    return corrupt_data(
        "\"chosen\" and \"rejected\" have no common start, and there is no \"prompt\"; add one");
  }
  return split;
}

}  // namespace cupel::train
