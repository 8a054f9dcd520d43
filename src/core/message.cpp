#include "core/message.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace cupel {
namespace {

constexpr std::array<std::string_view, 2> kOwnFields = {"role", "content"};

Result<MessagePart> part_from_json(const Json& part) {
  CUPEL_TRY(const std::string type, get_string(part, "type"));
  if (type == "text") {
    CUPEL_TRY(std::string text, get_string(part, "text"));
    return MessagePart(TextPart{std::move(text)});
  }
  if (type == "image_url") {
    CUPEL_TRY(const Json* image, get_object(part, "image_url"));
    CUPEL_TRY(std::string uri, get_string(*image, "url"));
    return MessagePart(ImagePart{.media_type = {}, .bytes = {}, .uri = std::move(uri)});
  }
  return corrupt_data("\"type\" is \"{}\"; expected \"text\" or \"image_url\"", type);
}

Result<std::vector<MessagePart>> parts_from_json(const Json* content) {
  std::vector<MessagePart> parts;
  if (content == nullptr || content->is_null()) {
    return parts;  // an assistant turn that only calls tools
  }
  if (content->is_string()) {
    parts.emplace_back(TextPart{content->as_string()});
    return parts;
  }
  if (!content->is_array()) {
    return corrupt_data("\"content\" is {}; expected a string or a list of parts",
                        content->type_name());
  }
  for (const Json& item : content->as_array()) {
    CUPEL_TRY(MessagePart part, part_from_json(item));
    parts.push_back(std::move(part));
  }
  return parts;
}

Result<Message> message_from_json(const Json& json) {
  Message message;
  CUPEL_TRY(message.role, get_string(json, "role"));
  CUPEL_TRY(message.parts, parts_from_json(json.find("content")));
  for (const auto& [key, value] : json.as_object()) {
    if (std::find(kOwnFields.begin(), kOwnFields.end(), key) == kOwnFields.end()) {
      message.extra.set(key, value);
    }
  }
  return message;
}

Json part_to_json(const MessagePart& part) {
  Json json = Json::object();
  if (const auto* text = std::get_if<TextPart>(&part)) {
    json.set("type", "text").set("text", text->text);
  } else if (const auto* image = std::get_if<ImagePart>(&part)) {
    json.set("type", "image_url").set("image_url", Json::object().set("url", image->uri));
  } else {
    json.set("type", std::holds_alternative<VideoPart>(part)   ? "video"
                     : std::holds_alternative<TablePart>(part) ? "table"
                                                               : "series");
  }
  return json;
}

}  // namespace

std::string Message::text() const {
  std::string joined;
  for (const MessagePart& part : parts) {
    if (const auto* text = std::get_if<TextPart>(&part)) {
      joined += text->text;
    }
  }
  return joined;
}

bool Message::is_text_only() const {
  return std::all_of(parts.begin(), parts.end(), [](const MessagePart& part) {
    return std::holds_alternative<TextPart>(part);
  });
}

Message text_message(std::string_view role, std::string_view text) {
  return Message{
      .role = std::string(role), .parts = {TextPart{std::string(text)}}, .extra = Json()};
}

Result<Conversation> conversation_from_json(const Json& messages) {
  if (!messages.is_array() || messages.size() == 0) {
    return corrupt_data("\"messages\" must be a list of at least one {{\"role\", \"content\"}}");
  }
  Conversation conversation;
  for (const Json& json : messages.as_array()) {
    auto message = message_from_json(json);
    if (!message) {
      return in_context(std::move(message).error(), format("messages[{}]", conversation.size()));
    }
    conversation.push_back(std::move(*message));
  }
  return conversation;
}

Json conversation_to_json(const Conversation& conversation) {
  Json messages = Json::array();
  for (const Message& message : conversation) {
    Json json = Json::object();
    json.set("role", message.role);
    if (message.is_text_only()) {
      json.set("content", message.text());
    } else {
      Json parts = Json::array();
      for (const MessagePart& part : message.parts) {
        parts.push_back(part_to_json(part));
      }
      json.set("content", std::move(parts));
    }
    if (message.extra.is_object()) {
      for (const auto& [key, value] : message.extra.as_object()) {
        json.set(key, value);
      }
    }
    messages.push_back(std::move(json));
  }
  return messages;
}

}  // namespace cupel
