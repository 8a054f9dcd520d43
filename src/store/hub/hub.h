#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/http_client.h"
#include "base/json.h"
#include "base/result.h"
#include "core/hub_reference.h"
#include "store/hub/listing.h"

namespace cupel::store {

/// The hub that is asked where no other is named.
inline constexpr std::string_view kDefaultHub = "https://huggingface.co";

struct HubOptions {
  std::string url = std::string(kDefaultHub);
  std::string token;           ///< sent to the hub's own host alone, never shown; empty: none
  size_t connections = 4;      ///< files that are fetched at one time
  int attempts = 5;            ///< in a row without a byte of progress; of listings at most 3
  double retry_delay_s = 0.5;  ///< before the second attempt; doubles with each, up to 30 s
  double timeout_s = 60;       ///< to the first byte of an answer, and between two of its bytes
  std::stop_token stop;        ///< ends what runs with kCancelled
};

/// The options as the user has them: `url` where it is given, else CUPEL_HUB, else HF_ENDPOINT,
/// else the default; the token of CUPEL_HUB_TOKEN, else HF_TOKEN. Errors: kInvalidArgument - a
/// token that is no single word.
Result<HubOptions> hub_options(std::string_view url);

/// A hub that speaks the HTTP interface of the Hugging Face hub. Thread-safe.
///
/// Errors of all calls: kNotFound - no such repository, revision or file; kFailedPrecondition - the
/// hub wants a (better) token; kUnavailable, kDeadline - it does not answer, after all attempts;
/// kCorruptData - what it answers is not what it should be; kCancelled. Messages hold no token.
class Hub {
 public:
  /// Errors: kInvalidArgument - the URL is none of http(s)://HOST[:PORT][/PATH].
  static Result<std::unique_ptr<Hub>> open(HubOptions options);

  /// What the revision ("main" where none is named) holds, sizes included.
  Result<HubListing> list(const HubReference& reference);

  /// The request for a file of a commit: follows redirects, without its body's limits set.
  [[nodiscard]] HttpRequest file_request(const HubReference& reference,
                                         std::string_view commit,
                                         std::string_view path) const;
  /// Sends a request and waits; once. `what` names it in messages. Errors of HttpClient, in place.
  Result<HttpResponse> exchange(HttpRequest request, HttpHandlers handlers);
  /// What an answer of another status than 2xx means. kUnavailable where asking again may help.
  [[nodiscard]] Error refusal(const HttpResponse& response) const;
  /// Seconds before the attempt after `failures` (≥ 1) failed ones: grows, and is no less than the
  /// hub asks for (up to a minute).
  [[nodiscard]] double retry_delay_s(int failures, const HttpResponse* response) const;

  [[nodiscard]] const HubOptions& options() const { return options_; }

 private:
  explicit Hub(HubOptions options) : options_(std::move(options)), client_(options_.connections) {}
  [[nodiscard]] HttpRequest request(std::string url) const;
  Result<HttpResponse> get_with_retries(const std::string& url);
  Result<Json> get_json(const HttpResponse& response) const;
  Result<Ok> list_tree(const std::string& repository_url, HubListing& listing);
  Result<HubListing> list_revision(const std::string& repository_url, std::string_view revision);

  HubOptions options_;
  HttpClient client_;
};

/// Whether another attempt may succeed.
inline bool is_worth_retrying(Code code) {
  return code == Code::kUnavailable || code == Code::kDeadline;
}

}  // namespace cupel::store
