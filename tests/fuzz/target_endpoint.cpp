// What an endpoint sends: a stream of events, which may come in pieces of any size, and bodies.
#include <algorithm>
#include <cmath>

#include "base/http_client.h"
#include "base/sse.h"
#include "core/openai_chat.h"
#include "fuzz/fuzz_targets.h"

namespace cupel::fuzz {
namespace {

constexpr size_t kMostEvent = 4096;

/// All events of a stream, one text each; the last one is how it ended.
std::vector<std::string> events_of(std::string_view bytes, size_t piece) {
  std::vector<std::string> events;
  const auto keep = [&](const SseEvent& event) {
    events.push_back(event.data);
    return true;
  };
  SseParser parser(kMostEvent);
  for (size_t at = 0; at < bytes.size(); at += piece) {
    if (const auto pushed = parser.push(bytes.substr(at, piece), keep); !pushed) {
      check_error(pushed.error());
      events.push_back("error");
      return events;
    }
  }
  events.push_back(parser.finish(keep) ? "end" : "error");
  return events;
}

void read_stream(const std::vector<std::string>& events) {
  OpenAiStream stream;
  for (const std::string& data : events) {
    if (const auto text = stream.push(data); !text) {
      check_error(text.error());
      return;
    }
  }
}

void read_body(std::string_view body) {
  CUPEL_CHECK(openai_error_text(body).find('\n') == std::string::npos);
  const auto json = parse_json(body);
  if (!json) {
    return;
  }
  if (const auto response = parse_openai_completion(*json); !response) {
    check_error(response.error());
  }
  const std::vector<std::string> labels = {"yes", "no"};
  if (const auto scores = parse_openai_labels(*json, labels); !scores) {
    check_error(scores.error());
  }
}

}  // namespace

void endpoint(std::span<const uint8_t> input) {
  const std::string_view bytes = text_of(input);
  const auto whole = events_of(bytes, std::max<size_t>(1, bytes.size()));
  CUPEL_CHECK(whole == events_of(bytes, 1) && whole == events_of(bytes, 7),
              "the pieces that a stream comes in change its events");
  read_stream(whole);
  read_body(bytes);
  const auto seconds = parse_retry_after(bytes, 1.7e9);
  CUPEL_CHECK(!seconds || (*seconds >= 0 && std::isfinite(*seconds)));
}

}  // namespace cupel::fuzz
