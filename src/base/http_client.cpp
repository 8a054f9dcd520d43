#include "base/http_client.h"

#define CURL_DISABLE_TYPECHECK  // its macros would hide the loaded functions
#include <algorithm>
#include <array>
#include <map>
#include <mutex>
#include <thread>

#include <curl/curl.h>
#include <dlfcn.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/guard.h"
#include "base/text.h"
#include "base/wait_for.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

namespace cupel {
namespace {

constexpr size_t kMaxHeaderBytes = 256U << 10U;

// The functions of libcurl that are in use, looked up at the first request.
struct CurlApi {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
  decltype(&curl_multi_init) multi_init = nullptr;
  decltype(&curl_multi_cleanup) multi_cleanup = nullptr;
  decltype(&curl_multi_setopt) multi_setopt = nullptr;
  decltype(&curl_multi_add_handle) multi_add_handle = nullptr;
  decltype(&curl_multi_remove_handle) multi_remove_handle = nullptr;
  decltype(&curl_multi_perform) multi_perform = nullptr;
  decltype(&curl_multi_poll) multi_poll = nullptr;
  decltype(&curl_multi_wakeup) multi_wakeup = nullptr;
  decltype(&curl_multi_info_read) multi_info_read = nullptr;
};

Result<CurlApi> load_curl() {
  // Both builds of the library have the same interface; they differ in their TLS library.
  void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  library = library != nullptr ? library : ::dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return failed_precondition(
        "libcurl.so.4 is not installed, so endpoints cannot be asked; install the package "
        "libcurl4");
  }
  CurlApi api;
  bool complete = true;
  const auto find = [&](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    complete = complete && function != nullptr;
  };
  find(api.global_init, "curl_global_init");
  find(api.easy_init, "curl_easy_init");
  find(api.easy_cleanup, "curl_easy_cleanup");
  find(api.easy_setopt, "curl_easy_setopt");
  find(api.easy_getinfo, "curl_easy_getinfo");
  find(api.easy_strerror, "curl_easy_strerror");
  find(api.slist_append, "curl_slist_append");
  find(api.slist_free_all, "curl_slist_free_all");
  find(api.multi_init, "curl_multi_init");
  find(api.multi_cleanup, "curl_multi_cleanup");
  find(api.multi_setopt, "curl_multi_setopt");
  find(api.multi_add_handle, "curl_multi_add_handle");
  find(api.multi_remove_handle, "curl_multi_remove_handle");
  find(api.multi_perform, "curl_multi_perform");
  find(api.multi_poll, "curl_multi_poll");
  find(api.multi_wakeup, "curl_multi_wakeup");
  find(api.multi_info_read, "curl_multi_info_read");
  if (!complete || api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return failed_precondition("libcurl.so.4 is too old or broken; expected version 7.85 or newer");
  }
  return api;
}

// Loaded once per process and never unloaded: TLS libraries do not survive that.
const Result<CurlApi>& curl_api() {
  static const Result<CurlApi> api = load_curl();
  return api;
}

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
  for (const auto& [name, value] : request.headers) {
    if (name.empty() || !is_one_line(name) || !is_one_line(value)) {
      return invalid_argument("header {} is empty or holds a line end", printable(name, 32));
    }
  }
  return Ok{};
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
  [[nodiscard]] Error describe(CURLcode code) const;

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

bool HttpClient::Loop::Transfer::accept_body(std::string_view piece) {
  last_byte_s = now_seconds();
  if (body_bytes == 0) {
    response.first_byte_s = last_byte_s - started_s;
  }
  body_bytes += piece.size();
  if (body_bytes > request.max_body_bytes) {
    refusal = exhausted("the answer is longer than {} bytes", request.max_body_bytes);
    return false;
  }
  if (handlers.on_body && response.status / 100 == 2) {
    if (!handlers.on_body(piece)) {
      refusal = cupel::cancelled("the request was cancelled");
    }
    return !refusal;
  }
  response.body += piece;
  return true;
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
  set(CURLOPT_ACCEPT_ENCODING, "");
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

Error HttpClient::Loop::Transfer::describe(CURLcode code) const {
  const std::string_view said = message.front() != '\0' ? std::string_view(message.data())
                                                        : std::string_view("no details given");
  const std::string detail = printable(said, 160);
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return deadline_passed("no complete answer within {:.3g} s",
                             std::min(request.total_timeout_s, now_seconds() - started_s));
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
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
    const CURLcode code = said->data.result;
    if (code == CURLE_OK) {
      finish(transfer, std::nullopt);
    } else {
      finish(transfer, transfer->refusal ? *transfer->refusal : transfer->describe(code));
    }
  }
}

void HttpClient::Loop::expire_idle() {
  std::vector<TransferPtr> expired;
  const double now = now_seconds();
  for (const auto& [easy, transfer] : active_) {
    const double limit = transfer->request.idle_timeout_s;
    if (limit > 0 && transfer->body_bytes > 0 && now - transfer->last_byte_s > limit) {
      expired.push_back(transfer);
    }
  }
  for (const TransferPtr& transfer : expired) {
    finish(transfer, deadline_passed("the answer stalled: no byte for {:.3g} s",
                                     transfer->request.idle_timeout_s));
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
    if (transfer->request.idle_timeout_s > 0 && transfer->body_bytes > 0) {
      wait_s = std::min(wait_s, transfer->last_byte_s + transfer->request.idle_timeout_s - now);
    }
  }
  return static_cast<int>(std::max(0.0, wait_s) * 1000) + 1;
}

void HttpClient::Loop::finish(const TransferPtr& transfer, std::optional<Error> error) {
  if (transfer->easy != nullptr) {
    curl_->multi_remove_handle(shared_->multi, transfer->easy);
    active_.erase(transfer->easy);
    curl_->easy_cleanup(transfer->easy);
    curl_->slist_free_all(transfer->header_list);
    transfer->easy = nullptr;
    transfer->header_list = nullptr;
  }
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
