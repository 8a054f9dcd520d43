#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace cupel {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

/// One request. Times are seconds; 0 switches a limit off.
struct HttpRequest {
  std::string method = "GET";  ///< GET or POST
  std::string url;             ///< http:// or https://
  HttpHeaders headers;
  std::string body;
  double delay_s = 0;                  ///< start no sooner than this from now (back-off)
  double connect_timeout_s = 10;       ///< name look-up, TCP and TLS
  double total_timeout_s = 600;        ///< of the whole exchange, waiting for a free slot excluded
  double first_byte_timeout_s = 0;     ///< from the start to the first byte of the body
  double idle_timeout_s = 0;           ///< between two pieces of the body, once the first has come
  size_t max_body_bytes = 64U << 20U;  ///< decoded; a longer answer is an error
  size_t max_redirects = 0;  ///< GET only: so many are followed; 0 makes them answers like others
  bool compressed = true;    ///< false where bytes are counted: ranges, files of a known size
};

struct HttpResponse {
  int64_t status = 0;
  HttpHeaders headers;      ///< names in lower case
  std::string body;         ///< what was not given to `on_body`
  double first_byte_s = 0;  ///< from the start of the transfer to the first byte of the body
  double seconds = 0;       ///< from the start of the transfer to its end

  /// The value of the first header of that (lower-case) name, or empty.
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Called on the client's thread; must not block for long, must not throw, may send more requests,
/// must not destroy the client. `on_done` is called exactly once, last.
struct HttpHandlers {
  /// Status and headers of every answer, of redirects that are followed too, before its body; false
  /// ends the transfer as kCancelled.
  std::function<bool(const HttpResponse& head)> on_head;
  /// Pieces of the body of a 2xx answer, as they come; false ends the transfer as kCancelled. When
  /// empty, and for every other status, the body is collected in the response (then of at most
  /// 1 MiB where an `on_body` waits for another one).
  std::function<bool(std::string_view piece)> on_body;
  std::function<void(Result<HttpResponse>)> on_done;
};

/// A request under way or waiting.
class HttpCall {
 public:
  virtual ~HttpCall() = default;
  /// Ends it soon with kCancelled, unless it is done. Any thread.
  virtual void cancel() = 0;
};

/// Many HTTP exchanges on one thread: connection reuse, HTTP/2, TLS always verified, proxies from
/// the environment.
///
/// Redirects are followed only where the request asks for it; each starts the time limits anew. To
/// another scheme, host or port go no headers but Accept, Range and If-Range (a key must not travel
/// on), and https never leads to http.
///
/// libcurl is loaded with the first request, never at program start: its forty libraries cost more
/// time than all of `cupel --help`. Thread-safe.
/// Errors (all through `on_done`): kInvalidArgument - URL, method or header that cannot be sent;
///         kUnavailable - refused, unresolved, connection lost, body cut short; kDeadline - a time
///         limit; kCancelled; kExhausted - body or headers too long, or too many redirects;
///         kFailedPrecondition - certificate not accepted, a redirect from https to http, or
///         libcurl missing. An HTTP status is never an error here. Messages hold no header, no
///         body, and of the URL at most the host.
class HttpClient {
 public:
  /// At most `max_concurrent` (≥ 1) exchanges run at once; others wait in order of arrival.
  explicit HttpClient(size_t max_concurrent = 16);
  /// Cancels what is left; every `on_done` has been called on return.
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  std::shared_ptr<HttpCall> send(HttpRequest request, HttpHandlers handlers);
  /// Sends and waits. Not from a handler.
  Result<HttpResponse> fetch(HttpRequest request);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

/// Seconds to wait that a `Retry-After` value asks for (RFC 9110 §10.2.3: seconds or an HTTP date,
/// here against `now_unix_s`), at least 0; nullopt when it is neither.
std::optional<double> parse_retry_after(std::string_view value, double now_unix_s);

}  // namespace cupel
