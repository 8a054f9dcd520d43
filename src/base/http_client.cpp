#include "base/http_client.h"

#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/curl_api.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/text.h"
#include "base/wait_for.h"

namespace cupel {
namespace {

constexpr size_t kMaxHeaderBytes = 256U << 10U;
constexpr size_t kMaxRefusalBytes = 1U << 20U;  // of a body that comes instead of the one awaited

long milliseconds(double seconds) {
  return static_cast<long>(std::clamp(seconds * 1000, 1.0, 1e9));
}

bool is_one_line(std::string_view text) {
  return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Result<Ok> check_request(const HttpRequest& request) {
  const bool http = request.url.starts_with("http://") || request.url.starts_with("https://");
  if (!http || !is_one_line(request.url)) {
    return invalid_argument("a URL must start with http:// or https:// and be one line");
  }
  if (request.method != "GET" && request.method != "POST") {
    return invalid_argument("HTTP method {} is not in use here; expected GET or POST",
                            printable(request.method, 16));
  }
  if (request.max_redirects > 0 && request.method != "GET") {
    return invalid_argument("redirects of a {} cannot be followed", request.method);
  }
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !is_one_line(name) || !is_one_line(value)) {
      return invalid_argument("header {} is empty or holds a line end", printable(name, 32));
    }
  }
  return Ok{};
}

bool is_redirect(int64_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Scheme, host and port as they are written. Two ways to write the same are taken for two places,
// which costs a header and betrays none.
std::string_view origin_of(std::string_view url) {
  const size_t authority = url.find("://") + 3;
  return url.substr(0, std::min(url.find_first_of("/?#", authority), url.size()));
}

bool may_travel_on(const std::pair<std::string, std::string>& header) {
  const std::string name = to_lower_ascii(header.first);
  return name == "accept" || name == "range" || name == "if-range";
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

// All transfers and the thread that drives them. Other threads touch only what `mutex_` guards, the
// cancel flags and curl_multi_wakeup.
class HttpClient::Loop {
 public:
  explicit Loop(size_t max_concurrent) : max_concurrent_(std::max<size_t>(1, max_concurrent)) {}
  ~Loop();
  std::shared_ptr<HttpCall> send(HttpRequest request, HttpHandlers handlers);

 private:
  struct Transfer;
  struct Shared;
  using TransferPtr = std::shared_ptr<Transfer>;

  void begin();
  void run();
  void take_arrivals();
  void drop_cancelled();
  void start_ready();
  void start(const TransferPtr& transfer);
  void reap();
  [[nodiscard]] bool connected(const Transfer& transfer) const;
  std::optional<Error> conclude(const TransferPtr& transfer, CURLcode code);
  void release(const TransferPtr& transfer);
  void expire_idle();
  int poll_milliseconds() const;
  void finish(const TransferPtr& transfer, std::optional<Error> error);
  void finish_all();

  const size_t max_concurrent_;
  const CurlApi* curl_ = nullptr;
  std::optional<Error> refusal_;                // why no request can be sent
  std::shared_ptr<Shared> shared_;              // also held by calls, which may outlive the loop
  std::multimap<double, TransferPtr> waiting_;  // by the time at which each may start
  std::map<CURL*, TransferPtr> active_;
  std::thread thread_;
  std::once_flag started_;
};

struct HttpClient::Loop::Shared {
  void wake() {
    const std::lock_guard lock(mutex);
    if (multi != nullptr) {
      curl->multi_wakeup(multi);
    }
  }
  std::mutex mutex;
  const CurlApi* curl = nullptr;
  CURLM* multi = nullptr;  // null before the loop starts and after it ended
  bool stopping = false;
  std::atomic<bool> any_cancelled = false;
  std::vector<TransferPtr> arrivals;
};

struct HttpClient::Loop::Transfer : public HttpCall {
  void cancel() override {
    cancelled = true;
    shared->any_cancelled = true;
    shared->wake();
  }

  Result<Ok> configure(const CurlApi& api);
  void set_limits(const CurlApi& api);
  bool accept_body(std::string_view piece);   // false: `refusal` says why not
  bool accept_header(std::string_view line);  // likewise
  bool announce_head(std::string_view);       // likewise; once
  Result<Ok> redirect(std::string url);
  [[nodiscard]] Error describe(CURLcode code, bool connected) const;
  [[nodiscard]] std::optional<double> stalls_at_s() const;

  // libcurl is C: nothing may be thrown through it.
  size_t take(std::string_view data, bool (Transfer::*accept)(std::string_view)) {
    auto go = guard([&]() -> Result<bool> { return (this->*accept)(data); });
    if (!go) {
      refusal = std::move(go).error();
    }
    return !refusal ? data.size() : CURL_WRITEFUNC_ERROR;
  }
  static size_t on_write(char* data, size_t size, size_t count, void* self) {
    return static_cast<Transfer*>(self)->take({data, size * count}, &Transfer::accept_body);
  }
  static size_t on_header(char* data, size_t size, size_t count, void* self) {
    return static_cast<Transfer*>(self)->take({data, size * count}, &Transfer::accept_header);
  }

  std::shared_ptr<Shared> shared;
  HttpRequest request;
  HttpHandlers handlers;
  HttpResponse response;
  std::atomic<bool> cancelled = false;
  double ready_s = 0;
  double started_s = 0;
  double last_byte_s = 0;
  size_t body_bytes = 0;
  size_t header_bytes = 0;
  size_t redirects = 0;
  bool head_announced = false;
  std::optional<Error> refusal;  // why a callback ended the transfer
  CURL* easy = nullptr;
  curl_slist* header_list = nullptr;
  std::array<char, CURL_ERROR_SIZE> message{};
};

bool HttpClient::Loop::Transfer::accept_header(std::string_view line) {
  header_bytes += line.size();
  if (header_bytes > kMaxHeaderBytes) {
    refusal = exhausted("the answer's headers are longer than {} bytes", kMaxHeaderBytes);
    return false;
  }
  if (line.starts_with("HTTP/")) {  // of the last answer: a 100-continue or a proxy's comes before
    response.headers.clear();
    const size_t space = line.find(' ');
    response.status =
        space == std::string_view::npos ? 0 : std::atoi(std::string(line.substr(space)).c_str());
  } else if (const size_t colon = line.find(':'); colon != std::string_view::npos) {
    response.headers.emplace_back(to_lower_ascii(trim(line.substr(0, colon))),
                                  std::string(trim(line.substr(colon + 1))));
  }
  return true;
}

bool HttpClient::Loop::Transfer::announce_head(std::string_view /*nothing*/) {
  if (!head_announced) {
    head_announced = true;
    if (handlers.on_head && !handlers.on_head(response)) {
      refusal = cupel::cancelled("the request was cancelled");
    }
  }
  return !refusal;
}

bool HttpClient::Loop::Transfer::accept_body(std::string_view piece) {
  last_byte_s = now_seconds();
  if (body_bytes == 0) {
    response.first_byte_s = last_byte_s - started_s;
  }
  body_bytes += piece.size();
  const bool streamed = handlers.on_body && response.status / 100 == 2;
  const size_t most = handlers.on_body && !streamed ? kMaxRefusalBytes : request.max_body_bytes;
  if (!announce_head({})) {
    return false;
  }
  if (body_bytes > most) {
    refusal = exhausted("the answer is longer than {} bytes", most);
    return false;
  }
  if (streamed) {
    if (!handlers.on_body(piece)) {
      refusal = cupel::cancelled("the request was cancelled");
    }
    return !refusal;
  }
  response.body += piece;
  return true;
}

// When it counts as stalled unless more comes before.
std::optional<double> HttpClient::Loop::Transfer::stalls_at_s() const {
  const double limit = body_bytes > 0 ? request.idle_timeout_s : request.first_byte_timeout_s;
  if (limit <= 0) {
    return std::nullopt;
  }
  return (body_bytes > 0 ? last_byte_s : started_s) + limit;
}

// Makes this the request to where the answer points.
Result<Ok> HttpClient::Loop::Transfer::redirect(std::string url) {
  if (redirects == request.max_redirects) {
    return exhausted("redirected more than {} times", request.max_redirects);
  }
  if (request.url.starts_with("https://") && !url.starts_with("https://")) {
    return failed_precondition("redirected from https to {}, which is not followed",
                               printable(url.substr(0, url.find(':')), 16));
  }
  ++redirects;
  if (origin_of(url) != origin_of(request.url)) {
    std::erase_if(request.headers, [](const auto& header) { return !may_travel_on(header); });
  }
  request.url = std::move(url);
  response = {};
  body_bytes = 0;
  header_bytes = 0;
  head_announced = false;
  message.fill('\0');
  return Ok{};
}

Result<Ok> HttpClient::Loop::Transfer::configure(const CurlApi& api) {
  easy = api.easy_init();
  if (easy == nullptr) {
    return exhausted("no memory for another HTTP request");
  }
  for (const auto& [name, value] : request.headers) {
    header_list = api.slist_append(header_list, (name + ": " + value).c_str());
  }
  header_list = api.slist_append(header_list, "Expect:");  // no round trip before a long body
  const auto set = [&](CURLoption option, auto value) { api.easy_setopt(easy, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_HTTPHEADER, header_list);
  set(CURLOPT_USERAGENT, "cupel");
  if (request.method == "POST") {
    set(CURLOPT_POST, 1L);
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_POSTFIELDS, request.body.data());
  }
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (request.compressed) {
    set(CURLOPT_ACCEPT_ENCODING, "");
  }
  set(CURLOPT_ERRORBUFFER, message.data());
  set(CURLOPT_WRITEFUNCTION, &Transfer::on_write);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set_limits(api);
  return Ok{};
}

void HttpClient::Loop::Transfer::set_limits(const CurlApi& api) {
  api.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  if (request.connect_timeout_s > 0) {
    api.easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request.connect_timeout_s));
  }
  if (request.total_timeout_s > 0) {
    api.easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(request.total_timeout_s));
  }
}

Error HttpClient::Loop::Transfer::describe(CURLcode code, bool connected) const {
  const std::string_view said = message.front() != '\0' ? std::string_view(message.data())
                                                        : std::string_view("no details given");
  const std::string detail = printable(said, 160);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return deadline_passed("no complete answer within {:.3g} s",
                             request.total_timeout_s > 0
                                 ? std::min(request.total_timeout_s, now_seconds() - started_s)
                                 : now_seconds() - started_s);
    case CURLE_UNSUPPORTED_PROTOCOL:
      if (connected) {
        return corrupt_data("the server's answer is no HTTP: {}", detail);
      }
      [[fallthrough]];
    case CURLE_URL_MALFORMAT:
      return invalid_argument("the URL cannot be read: {}", detail);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return unavailable("the host name is unknown: {}", detail);
    case CURLE_COULDNT_CONNECT:
      return unavailable("no connection: {}", detail);
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
      return unavailable("the connection was lost before the answer was complete: {}", detail);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return failed_precondition("the server's certificate is not accepted: {}", detail);
    default:
      return unavailable("the exchange failed (libcurl error {}): {}", static_cast<int>(code),
                         detail);
  }
}

HttpClient::Loop::~Loop() {
  if (shared_ != nullptr) {
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->stopping = true;
    }
    shared_->wake();
  }
  if (thread_.joinable()) {
    thread_.join();
  }
}

void HttpClient::Loop::begin() {
  shared_ = std::make_shared<Shared>();
  const auto& api = curl_api();
  if (!api) {
    refusal_ = api.error();
    return;
  }
  curl_ = &api.value();
  shared_->curl = curl_;
  shared_->multi = curl_->multi_init();
  curl_->multi_setopt(shared_->multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
  curl_->multi_setopt(shared_->multi, CURLMOPT_MAXCONNECTS, static_cast<long>(max_concurrent_));
  auto thread = start_thread([this] { run(); });
  if (!thread) {
    refusal_ = std::move(thread).error();
    return;
  }
  thread_ = std::move(*thread);
}

std::shared_ptr<HttpCall> HttpClient::Loop::send(HttpRequest request, HttpHandlers handlers) {
  std::call_once(started_, [this] { begin(); });
  const auto transfer = std::make_shared<Transfer>();
  transfer->shared = shared_;
  transfer->request = std::move(request);
  transfer->handlers = std::move(handlers);
  transfer->ready_s = now_seconds() + std::max(0.0, transfer->request.delay_s);
  std::optional<Error> refusal;
  if (refusal_) {
    refusal = refusal_;
  } else if (auto checked = check_request(transfer->request); !checked) {
    refusal = std::move(checked).error();
  }
  if (!refusal) {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->stopping) {
      refusal = cupel::cancelled("the request was cancelled");
    } else {
      shared_->arrivals.push_back(transfer);
      curl_->multi_wakeup(shared_->multi);
    }
  }
  if (refusal) {
    transfer->handlers.on_done(std::move(*refusal));
  }
  return transfer;
}

void HttpClient::Loop::run() {
  while (true) {
    take_arrivals();
    drop_cancelled();
    {
      const std::lock_guard lock(shared_->mutex);
      if (shared_->stopping) {
        break;
      }
    }
    start_ready();
    int running = 0;
    curl_->multi_perform(shared_->multi, &running);
    reap();
    expire_idle();
    curl_->multi_poll(shared_->multi, nullptr, 0, poll_milliseconds(), nullptr);
  }
  finish_all();
  const std::lock_guard lock(shared_->mutex);
  curl_->multi_cleanup(shared_->multi);
  shared_->multi = nullptr;
}

void HttpClient::Loop::take_arrivals() {
  std::vector<TransferPtr> arrivals;
  {
    const std::lock_guard lock(shared_->mutex);
    arrivals.swap(shared_->arrivals);
  }
  for (TransferPtr& transfer : arrivals) {
    waiting_.emplace(transfer->ready_s, std::move(transfer));
  }
}

void HttpClient::Loop::drop_cancelled() {
  if (!shared_->any_cancelled.exchange(false)) {
    return;
  }
  std::vector<TransferPtr> dropped;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->second->cancelled) {
      dropped.push_back(it->second);
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
  for (const auto& [easy, transfer] : active_) {
    if (transfer->cancelled) {
      dropped.push_back(transfer);
    }
  }
  for (const TransferPtr& transfer : dropped) {
    finish(transfer, cupel::cancelled("the request was cancelled"));
  }
}

void HttpClient::Loop::start_ready() {
  while (!waiting_.empty() && active_.size() < max_concurrent_ &&
         waiting_.begin()->first <= now_seconds()) {
    const TransferPtr transfer = waiting_.begin()->second;
    waiting_.erase(waiting_.begin());
    start(transfer);
  }
}

void HttpClient::Loop::start(const TransferPtr& transfer) {
  transfer->started_s = now_seconds();
  if (auto configured = transfer->configure(*curl_); !configured) {
    finish(transfer, std::move(configured).error());
    return;
  }
  active_.emplace(transfer->easy, transfer);
  if (curl_->multi_add_handle(shared_->multi, transfer->easy) != CURLM_OK) {
    finish(transfer, internal_error("libcurl did not take the request"));
  }
}

void HttpClient::Loop::reap() {
  int left = 0;
  while (const CURLMsg* said = curl_->multi_info_read(shared_->multi, &left)) {
    const auto found = active_.find(said->easy_handle);
    if (said->msg != CURLMSG_DONE || found == active_.end()) {
      continue;
    }
    const TransferPtr transfer = found->second;
    auto error = conclude(transfer, said->data.result);
    if (error || transfer->easy != nullptr) {
      finish(transfer, std::move(error));
    }
  }
}

bool HttpClient::Loop::connected(const Transfer& transfer) const {
  long port = 0;
  curl_->easy_getinfo(transfer.easy, CURLINFO_PRIMARY_PORT, &port);
  return port > 0;
}

// What is wrong with a transfer that has ended; where it goes on elsewhere, it waits again.
std::optional<Error> HttpClient::Loop::conclude(const TransferPtr& transfer, CURLcode code) {
  if (code != CURLE_OK) {
    return transfer->refusal ? *transfer->refusal : transfer->describe(code, connected(*transfer));
  }
  transfer->take({}, &Transfer::announce_head);
  if (transfer->refusal) {
    return transfer->refusal;
  }
  const char* target = nullptr;
  if (transfer->request.max_redirects > 0 && is_redirect(transfer->response.status)) {
    curl_->easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &target);
  }
  if (target != nullptr) {
    auto redirected = transfer->redirect(target);
    if (!redirected) {
      return std::move(redirected).error();
    }
    release(transfer);
    waiting_.emplace(now_seconds(), transfer);
  }
  return std::nullopt;
}

void HttpClient::Loop::expire_idle() {
  std::vector<TransferPtr> expired;
  const double now = now_seconds();
  for (const auto& [easy, transfer] : active_) {
    if (const auto limit = transfer->stalls_at_s(); limit && now > *limit) {
      expired.push_back(transfer);
    }
  }
  for (const TransferPtr& transfer : expired) {
    const HttpRequest& request = transfer->request;
    finish(transfer,
           transfer->body_bytes > 0
               ? deadline_passed("the answer stalled: no byte for {:.3g} s", request.idle_timeout_s)
               : deadline_passed("no answer within {:.3g} s", request.first_byte_timeout_s));
  }
}

// Until the next thing that libcurl does not know of: a delayed start or an idle limit.
int HttpClient::Loop::poll_milliseconds() const {
  const double now = now_seconds();
  double wait_s = 1;
  if (!waiting_.empty() && active_.size() < max_concurrent_) {
    wait_s = std::min(wait_s, waiting_.begin()->first - now);
  }
  for (const auto& [easy, transfer] : active_) {
    if (const auto limit = transfer->stalls_at_s()) {
      wait_s = std::min(wait_s, *limit - now);
    }
  }
  return static_cast<int>(std::max(0.0, wait_s) * 1000) + 1;
}

void HttpClient::Loop::release(const TransferPtr& transfer) {
  if (transfer->easy != nullptr) {
    curl_->multi_remove_handle(shared_->multi, transfer->easy);
    active_.erase(transfer->easy);
    curl_->easy_cleanup(transfer->easy);
    curl_->slist_free_all(transfer->header_list);
    transfer->easy = nullptr;
    transfer->header_list = nullptr;
  }
}

void HttpClient::Loop::finish(const TransferPtr& transfer, std::optional<Error> error) {
  release(transfer);
  transfer->response.seconds = now_seconds() - transfer->started_s;
  const HttpHandlers handlers = std::move(transfer->handlers);
  transfer->handlers = {};  // whoever keeps the call must not keep what the handlers hold
  if (error) {
    handlers.on_done(std::move(*error));
  } else {
    handlers.on_done(std::move(transfer->response));
  }
}

void HttpClient::Loop::finish_all() {
  take_arrivals();
  std::vector<TransferPtr> left;
  for (const auto& [ready, transfer] : waiting_) {
    left.push_back(transfer);
  }
  for (const auto& [easy, transfer] : active_) {
    left.push_back(transfer);
  }
  waiting_.clear();
  for (const TransferPtr& transfer : left) {
    finish(transfer, cupel::cancelled("the request was cancelled"));
  }
}

HttpClient::HttpClient(size_t max_concurrent) : loop_(std::make_unique<Loop>(max_concurrent)) {}
HttpClient::~HttpClient() = default;

std::shared_ptr<HttpCall> HttpClient::send(HttpRequest request, HttpHandlers handlers) {
  return loop_->send(std::move(request), std::move(handlers));
}

Result<HttpResponse> HttpClient::fetch(HttpRequest request) {
  WaitFor<Result<HttpResponse>> response;
  const auto call = send(std::move(request), {.on_body = {}, .on_done = response.callback()});
  return response.get();
}

}  // namespace cupel
