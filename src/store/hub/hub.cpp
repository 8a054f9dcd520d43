#include "store/hub/hub.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/text.h"
#include "base/wait_for.h"
#include "core/model_spec.h"

namespace cupel::store {
namespace {

constexpr size_t kMaxListingBytes = 64U << 20U;
// Of 100,000 files each with its checksums; each value takes some 50 bytes.
constexpr size_t kMostListingValues = size_t{2} << 20U;
constexpr int kMostListingAttempts = 3;  // a person waits
constexpr size_t kMaxPages = 1000;
constexpr size_t kMaxRedirects = 8;
constexpr double kMostDelay_s = 30;
constexpr double kMostAskedDelay_s = 60;

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(trim(value));
}

// RFC 3986 §2.3: everything but the unreserved characters, and '/' where it separates.
std::string percent_encoded(std::string_view text, bool keep_slashes) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
                       (byte >= 'a' && byte <= 'z') || c == '-' || c == '.' || c == '_' ||
                       c == '~' || (keep_slashes && c == '/');
    encoded += plain ? std::string(1, c) : format("%{:02X}", static_cast<unsigned>(byte));
  }
  return encoded;
}

// The target of rel="next" in a Link header (RFC 8288), or empty.
std::string next_link(std::string_view header) {
  for (const std::string_view link : split(header, ',')) {
    const size_t open = link.find('<');
    const size_t close = link.find('>');
    if (open < close && close != std::string_view::npos &&
        link.substr(close).find("rel=\"next\"") != std::string_view::npos) {
      return std::string(link.substr(open + 1, close - open - 1));
    }
  }
  return {};
}

std::string host_of(std::string_view url) {
  const std::string_view rest = url.substr(url.find("://") + 3);
  const std::string_view authority = rest.substr(0, rest.find('/'));
  return std::string(authority.starts_with('[') ? authority.substr(0, authority.find(']') + 1)
                                                : authority.substr(0, authority.find(':')));
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" || host.starts_with("127.");
}

Result<Ok> check_url(const std::string& url) {
  const bool http = url.starts_with("http://") || url.starts_with("https://");
  const size_t authority = url.find("://") + 3;
  if (!http || authority >= url.size() || url.find_first_of("?#@\\ \r\n\t") != std::string::npos) {
    return invalid_argument(
        "hub \"{}\": expected http://HOST or https://HOST, with a port or a path where needed, "
        "and neither user name nor query",
        printable(shown_spec(url), 120));
  }
  return Ok{};
}

}  // namespace

Result<HubOptions> hub_options(std::string_view url) {
  HubOptions options;
  std::string named(url);
  for (const char* variable : {"CUPEL_HUB", "HF_ENDPOINT"}) {
    named = named.empty() ? environment(variable) : named;
  }
  options.url = named.empty() ? options.url : named;
  for (const char* variable : {"CUPEL_HUB_TOKEN", "HF_TOKEN"}) {
    if (options.token.empty()) {
      options.token = environment(variable);
      if (!std::all_of(options.token.begin(), options.token.end(),
                       [](char c) { return c > ' ' && c < 0x7f; })) {
        return invalid_argument("{} holds characters that no token has; expected one word",
                                variable);
      }
    }
  }
  return options;
}

Result<std::unique_ptr<Hub>> Hub::open(HubOptions options) {
  while (options.url.ends_with('/')) {
    options.url.pop_back();
  }
  CUPEL_TRY_VOID(check_url(options.url));
  if (!options.token.empty() && options.url.starts_with("http://") &&
      !is_loopback(host_of(options.url))) {
    log_warning("the token for {} travels unencrypted over http", host_of(options.url));
  }
  return std::unique_ptr<Hub>(new Hub(std::move(options)));
}

HttpRequest Hub::request(std::string url) const {
  HttpRequest request;
  request.url = std::move(url);
  request.total_timeout_s = 0;
  request.first_byte_timeout_s = options_.timeout_s;
  request.idle_timeout_s = options_.timeout_s;
  request.max_redirects = kMaxRedirects;
  if (!options_.token.empty()) {
    request.headers.emplace_back("Authorization", "Bearer " + options_.token);
  }
  return request;
}

HttpRequest Hub::file_request(const HubReference& reference,
                              std::string_view commit,
                              std::string_view path) const {
  HttpRequest file = request(format("{}/{}/resolve/{}/{}", options_.url, reference.repository(),
                                    commit, percent_encoded(path, true)));
  file.compressed = false;
  return file;
}

Result<HttpResponse> Hub::exchange(HttpRequest request, HttpHandlers handlers) {
  WaitFor<Result<HttpResponse>> answer;
  handlers.on_done = answer.callback();
  const auto call = client_.send(std::move(request), std::move(handlers));
  const std::stop_callback interrupted(options_.stop, [&] { call->cancel(); });
  auto response = answer.get();
  if (!response && response.error().code == Code::kExhausted) {
    return corrupt_data("{}", response.error().message);  // of the hub's doing, not of ours
  }
  return response;
}

Error Hub::refusal(const HttpResponse& response) const {
  std::string said = format("the hub answers with HTTP {}", response.status);
  if (const auto body = parse_json(response.body); body) {
    const std::string reason = get_string_or(*body, "error", "").value_or("");
    if (!reason.empty()) {
      const std::string shown =
          options_.token.empty() ? reason : replace_all(reason, options_.token, "***");
      said += ", \"" + printable(shown, 200) + "\"";
    }
  }
  const int64_t status = response.status;
  if (status == 408 || status == 425 || status == 429 || status >= 500) {
    return unavailable("{}", said);
  }
  if (status == 401 || status == 403) {
    return failed_precondition(
        "{}; {}", said,
        options_.token.empty()
            ? "there is no such model, or it wants a token: set CUPEL_HUB_TOKEN or HF_TOKEN"
            : "the token may not read it; accept the model's terms on its page, or use another");
  }
  if (status == 404) {
    return not_found("{}; check organisation, name, revision and file", said);
  }
  return corrupt_data("{}; is this the address of a hub?", said);
}

double Hub::retry_delay_s(int failures, const HttpResponse* response) const {
  const double grown = options_.retry_delay_s * std::pow(2.0, std::clamp(failures - 1, 0, 16));
  const double asked =
      response == nullptr
          ? 0
          : parse_retry_after(response->header("retry-after"), unix_seconds()).value_or(0);
  return std::max(std::min(grown, kMostDelay_s), std::min(asked, kMostAskedDelay_s));
}

Result<HttpResponse> Hub::get_with_retries(const std::string& url) {
  double delay_s = 0;
  for (int attempt = 1;; ++attempt) {
    HttpRequest get = request(url);
    get.delay_s = delay_s;
    get.max_body_bytes = kMaxListingBytes;
    auto response = exchange(std::move(get), {});
    const bool answered = response.has_value();
    if (answered && response->status / 100 == 2) {
      return response;
    }
    Error error = answered ? refusal(*response) : response.error();
    if (!is_worth_retrying(error.code) ||
        attempt >= std::min(options_.attempts, kMostListingAttempts)) {
      return error;
    }
    delay_s = retry_delay_s(attempt, answered ? &*response : nullptr);
  }
}

Result<Json> Hub::get_json(const HttpResponse& response) const {
  auto json = parse_json(response.body, {.max_values = kMostListingValues});
  if (!json) {
    return corrupt_data("the answer of {} is no JSON ({}; Content-Type {}); is it a hub?",
                        host_of(options_.url), json.error().message,
                        printable(response.header("content-type"), 60));
  }
  return json;
}

Result<Ok> Hub::list_tree(const std::string& repository_url, HubListing& listing) {
  std::string url = format("{}/tree/{}?recursive=true", repository_url, listing.commit);
  listing.files.clear();
  for (size_t page = 0; page < kMaxPages; ++page) {
    CUPEL_TRY(const HttpResponse response, get_with_retries(url));
    CUPEL_TRY(const Json json, get_json(response));
    CUPEL_TRY_VOID(append_tree(json, listing.files));
    url = next_link(response.header("link"));
    if (url.empty()) {
      return Ok{};
    }
    if (!url.starts_with(options_.url + "/")) {  // the token goes there
      return corrupt_data("the next page of the listing is on another host");
    }
  }
  return corrupt_data("the listing has more than {} pages", kMaxPages);
}

Result<HubListing> Hub::list_revision(const std::string& repository_url,
                                      std::string_view revision) {
  CUPEL_TRY(const HttpResponse response,
            get_with_retries(format("{}/revision/{}?blobs=true", repository_url,
                                    percent_encoded(revision, false))));
  CUPEL_TRY(const Json json, get_json(response));
  CUPEL_TRY(HubListing listing, parse_revision(json));
  if (!listing.has_all_sizes()) {
    CUPEL_TRY_VOID(list_tree(repository_url, listing));
  }
  if (!listing.has_all_sizes()) {
    return corrupt_data("the listing gives no size of some files");
  }
  return listing;
}

Result<HubListing> Hub::list(const HubReference& reference) {
  const std::string revision = reference.revision.empty() ? "main" : reference.revision;
  auto listing =
      list_revision(format("{}/api/models/{}", options_.url, reference.repository()), revision);
  if (!listing) {
    return in_context(std::move(listing).error(),
                      format("{} at {}", reference.repository(), revision));
  }
  return listing;
}

}  // namespace cupel::store
