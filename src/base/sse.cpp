#include "base/sse.h"

#include "base/error.h"

namespace cupel {

Result<Ok> SseParser::push(std::string_view bytes, const OnEvent& on_event) {
  if (after_cr_ && !bytes.empty()) {
    bytes.remove_prefix(bytes.front() == '\n' ? 1 : 0);
    after_cr_ = false;
  }
  while (!bytes.empty()) {
    const size_t end = bytes.find_first_of("\r\n");
    line_ += bytes.substr(0, end);
    if (line_.size() + event_.data.size() > max_event_bytes_) {
      return exhausted("an event of the stream is longer than {} bytes", max_event_bytes_);
    }
    if (end == std::string_view::npos) {
      break;
    }
    const bool cr = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    after_cr_ = cr && bytes.empty();
    if (cr && bytes.starts_with('\n')) {
      bytes.remove_prefix(1);
    }
    if (!end_line(on_event)) {
      break;
    }
  }
  return Ok{};
}

Result<Ok> SseParser::finish(const OnEvent& on_event) {
  if (line_.empty() || end_line(on_event)) {
    dispatch(on_event);
  }
  return Ok{};
}

bool SseParser::end_line(const OnEvent& on_event) {
  std::string_view line = line_;
  if (first_line_ && line.starts_with("\xEF\xBB\xBF")) {
    line.remove_prefix(3);
  }
  first_line_ = false;
  bool go = true;
  if (line.empty()) {
    go = dispatch(on_event);
  } else {
    const size_t colon = line.find(':');
    const std::string_view field = line.substr(0, colon);
    std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
    value.remove_prefix(value.starts_with(' ') ? 1 : 0);
    if (field == "data") {
      event_.data += has_data_ ? "\n" : "";
      event_.data += value;
      has_data_ = true;
    } else if (field == "event") {
      event_.event = value;
    }
  }
  line_.clear();
  return go;
}

bool SseParser::dispatch(const OnEvent& on_event) {
  const SseEvent event = std::move(event_);
  const bool complete = has_data_;
  event_ = {};
  has_data_ = false;
  return !complete || on_event(event);
}

}  // namespace cupel
