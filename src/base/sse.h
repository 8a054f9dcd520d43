#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace cupel {

/// One event of a server-sent event stream.
struct SseEvent {
  std::string event;  ///< its type; empty when the stream names none
  std::string data;   ///< the data lines, joined by line feeds
};

/// Reads `text/event-stream` as it arrives, whatever the pieces are cut at: inside a line, between
/// CR and LF, inside a character.
///
/// Lines end with LF, CR or CRLF; a byte order mark at the start is skipped; comments, `id` and
/// `retry` are read and dropped; an event without data is none.
/// Errors: kExhausted when one event is longer than `max_event_bytes`.
/// Source: WHATWG HTML, "Server-sent events", §9.2.6.
class SseParser {
 public:
  /// False ends the reading of the piece at hand.
  using OnEvent = std::function<bool(const SseEvent& event)>;

  explicit SseParser(size_t max_event_bytes = 8U << 20U) : max_event_bytes_(max_event_bytes) {}

  Result<Ok> push(std::string_view bytes, const OnEvent& on_event);
  /// Call at the end of the stream. An event without its closing empty line is delivered too:
  /// servers that leave it out exist, and whether its data is whole, its reader sees.
  Result<Ok> finish(const OnEvent& on_event);

 private:
  bool end_line(const OnEvent& on_event);
  bool dispatch(const OnEvent& on_event);

  size_t max_event_bytes_;
  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;  // a LF that follows belongs to the CR before it
  bool first_line_ = true;
};

}  // namespace cupel
