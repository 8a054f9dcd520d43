#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel {

// A message is a list of typed parts. Text is handled here; `modal` turns every other kind into
// embeddings through a PartEncoder, so multimodal work adds encoders and no second path.

struct TextPart {
  std::string text;
};
/// An encoded picture (PNG, JPEG, WebP) as bytes, or where to find it.
struct ImagePart {
  std::string media_type;
  std::string bytes;
  std::string uri;
};
/// Frames of a clip, each an encoded picture, with the time of each in seconds.
struct VideoPart {
  std::vector<ImagePart> frames;
  std::vector<double> times_s;
  std::string uri;
};
/// A table: names of columns and cells, row by row.
struct TablePart {
  std::string caption;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};
/// An evenly sampled series.
struct SeriesPart {
  std::string name;
  double start_s = 0;
  double step_s = 1;
  std::vector<double> values;
};
using MessagePart = std::variant<TextPart, ImagePart, VideoPart, TablePart, SeriesPart>;

/// One turn of a conversation. `role` is "system", "user", "assistant", "tool" or a template's own.
struct Message {
  std::string role;
  std::vector<MessagePart> parts;
  /// Further fields of the OpenAI form as they came (name, tool_calls, tool_call_id, …); null if
  /// none.
  Json extra;

  /// All text parts, joined.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] bool is_text_only() const;
};
using Conversation = std::vector<Message>;

Message text_message(std::string_view role, std::string_view text);

/// OpenAI `messages` form: `content` is a string, or a list of {"type": "text" | "image_url" | …}
/// parts. Errors: kCorruptData that names the message index and field.
Result<Conversation> conversation_from_json(const Json& messages);
Json conversation_to_json(const Conversation& conversation);

}  // namespace cupel
