#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cupel::test {

/// What a scripted endpoint does with one request.
struct ScriptedReply {
  struct Piece {
    std::string bytes;
    double delay_s = 0;  ///< before the piece
  };
  enum class End {
    kComplete,  ///< the answer is whole
    kCut,       ///< the connection closes before the announced end
    kHang,      ///< nothing more comes until the server is destroyed
  };

  int status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  double delay_s = 0;         ///< before the status line
  std::string body;           ///< sent with its Content-Length, unless `pieces` are given
  std::vector<Piece> pieces;  ///< sent one by one, chunked
  End end = End::kComplete;
  bool hang_before_headers = false;
};

ScriptedReply json_reply(std::string body, int status = 200);
/// An event stream: one `data:` event per text, then `data: [DONE]` unless it is to end early.
ScriptedReply event_stream(const std::vector<std::string>& events, bool done = true);

/// One request as the server read it.
struct SeenRequest {
  std::string method;
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;  ///< names in lower case
  std::string body;
  [[nodiscard]] std::string header(std::string_view name) const;
};

/// A small HTTP/1.1 server on 127.0.0.1 with a port of its own: each request is answered by a
/// script. One thread per connection; connections are kept alive.
class LoopbackServer {
 public:
  /// `index` counts requests from 0. Called from the connections' threads.
  using Script = std::function<ScriptedReply(const SeenRequest& request, size_t index)>;

  explicit LoopbackServer(Script script);
  ~LoopbackServer();
  LoopbackServer(const LoopbackServer&) = delete;
  LoopbackServer& operator=(const LoopbackServer&) = delete;

  [[nodiscard]] std::string url(std::string_view path = "") const;
  [[nodiscard]] std::vector<SeenRequest> requests() const;
  [[nodiscard]] size_t request_count() const { return requests().size(); }
  /// The largest number of requests that were being answered at one time.
  [[nodiscard]] size_t peak_concurrency() const { return peak_; }
  [[nodiscard]] size_t connection_count() const;

 private:
  void accept_loop();
  void serve(int fd);
  bool answer(int fd, const ScriptedReply& reply);
  bool sleep(double seconds);

  Script script_;
  int listener_ = -1;
  uint16_t port_ = 0;
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::vector<SeenRequest> requests_;
  std::vector<int> open_fds_;
  std::vector<std::thread> threads_;
  std::atomic<size_t> running_ = 0;
  std::atomic<size_t> peak_ = 0;
  std::thread acceptor_;
};

/// An address where nothing listens.
std::string refused_url();

}  // namespace cupel::test
