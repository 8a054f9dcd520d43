#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/tokenizer.h"

namespace cupel::engine {

// Marks are noncharacters (U+FDD0 … U+FDEF) that stand in messages while a template works on them
// and are taken out of what it wrote: they show what became of the messages. A message that holds
// such characters itself gets U+FFFD in their place.

/// A stretch of a message's text, marked at both ends.
struct MarkedText {
  size_t message = 0;  ///< index in the conversation
};

/// Puts marks into messages.
class MessageMarker {
 public:
  explicit MessageMarker(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}

  /// Only the template writes control tokens: before text that reads like one stands a mark.
  /// Strings under "role" and "type" stay as they are.
  [[nodiscard]] Json mark_controls(const Json& messages) const;
  /// The same, and the texts of the messages that `chosen` names are marked at both ends, without
  /// the white space around them, which templates take off. Reasoning between <think> and </think>
  /// and the answer behind it are texts of their own: templates leave the former out.
  Json mark_texts(const Json& messages, const std::function<bool(size_t)>& chosen);

  /// What `mark_texts` marked, by number.
  [[nodiscard]] const std::vector<MarkedText>& texts() const { return texts_; }

 private:
  [[nodiscard]] std::string mark(std::string_view text, bool ends);
  Json marked_value(const Json& value, std::string_view key, bool ends);

  const Tokenizer* tokenizer_;
  std::vector<MarkedText> texts_;
  size_t message_ = 0;
};

/// A text without its marks, and where they stood in it.
struct UnmarkedText {
  struct Stretch {
    size_t text = 0;  ///< its number
    size_t begin = 0;
    size_t end = 0;
  };
  std::string text;
  std::vector<size_t> plain_at;    ///< where no control token begins, ascending
  std::vector<Stretch> stretches;  ///< marked at both ends, in order of their begins
  bool complete = true;            ///< no end is without the other, and none lies in another
};
UnmarkedText take_marks(std::string_view marked);

/// How many bytes of marks stand before an offset.
size_t mark_bytes_before(std::string_view marked, size_t offset);

}  // namespace cupel::engine
