#include "support/loopback_server.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/format.h"
#include "base/text.h"

namespace cupel::test {
namespace {

// Binds a port of the system's choice on 127.0.0.1; returns the socket and the port.
std::pair<int, uint16_t> bind_loopback() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  CUPEL_CHECK(fd >= 0, "no socket");
  CUPEL_CHECK(::bind(fd, reinterpret_cast<sockaddr*>(&address), length) == 0, "no port");
  CUPEL_CHECK(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0, "no name");
  return {fd, ntohs(address.sin_port)};
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

bool receive(int fd, std::string& buffer) {
  char bytes[4096];
  const ssize_t got = ::recv(fd, bytes, sizeof(bytes), 0);
  if (got <= 0) {
    return false;
  }
  buffer.append(bytes, static_cast<size_t>(got));
  return true;
}

void parse_head(std::string_view head, SeenRequest& request) {
  const auto lines = split(head, '\n');
  const auto words = split(trim(lines.front()), ' ');
  request.method = std::string(words[0]);
  request.path = words.size() > 1 ? std::string(words[1]) : "";
  for (size_t i = 1; i < lines.size(); ++i) {
    const size_t colon = lines[i].find(':');
    if (colon != std::string_view::npos) {
      request.headers.emplace_back(to_lower_ascii(lines[i].substr(0, colon)),
                                   std::string(trim(lines[i].substr(colon + 1))));
    }
  }
}

// Reads one request off the connection; `buffer` keeps what came beyond it.
bool read_request(int fd, std::string& buffer, SeenRequest& request) {
  size_t end = std::string::npos;
  while ((end = buffer.find("\r\n\r\n")) == std::string::npos) {
    if (!receive(fd, buffer)) {
      return false;
    }
  }
  parse_head(std::string_view(buffer).substr(0, end), request);
  buffer.erase(0, end + 4);
  const std::string length = request.header("content-length");
  const size_t wanted = length.empty() ? 0 : std::strtoull(length.c_str(), nullptr, 10);
  while (buffer.size() < wanted) {
    if (!receive(fd, buffer)) {
      return false;
    }
  }
  request.body = buffer.substr(0, wanted);
  buffer.erase(0, wanted);
  return true;
}

std::string head_of(const ScriptedReply& reply) {
  std::string head = format("HTTP/1.1 {} Scripted\r\n", reply.status);
  for (const auto& [name, value] : reply.headers) {
    head += name + ": " + value + "\r\n";
  }
  const size_t missing = reply.end == ScriptedReply::End::kComplete ? 0 : 10;
  head += reply.pieces.empty() ? format("Content-Length: {}\r\n", reply.body.size() + missing)
                               : std::string("Transfer-Encoding: chunked\r\n");
  return head + "\r\n";
}

}  // namespace

ScriptedReply json_reply(std::string body, int status) {
  ScriptedReply reply;
  reply.status = status;
  reply.headers = {{"Content-Type", "application/json"}};
  reply.body = std::move(body);
  return reply;
}

ScriptedReply event_stream(const std::vector<std::string>& events, bool done) {
  ScriptedReply reply;
  reply.headers = {{"Content-Type", "text/event-stream"}};
  for (const std::string& event : events) {
    reply.pieces.push_back({.bytes = "data: " + event + "\n\n"});
  }
  if (done) {
    reply.pieces.push_back({.bytes = "data: [DONE]\n\n"});
  }
  return reply;
}

std::string SeenRequest::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

LoopbackServer::LoopbackServer(Script script) : script_(std::move(script)) {
  std::tie(listener_, port_) = bind_loopback();
  CUPEL_CHECK(::listen(listener_, 64) == 0, "cannot listen");
  acceptor_ = std::thread([this] { accept_loop(); });
}

LoopbackServer::~LoopbackServer() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (const int fd : open_fds_) {
      ::shutdown(fd, SHUT_RDWR);
    }
  }
  stopped_.notify_all();
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  ::close(listener_);
}

std::string LoopbackServer::url(std::string_view path) const {
  return format("http://127.0.0.1:{}{}", port_, path);
}

std::vector<SeenRequest> LoopbackServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

size_t LoopbackServer::connection_count() const {
  const std::lock_guard lock(mutex_);
  return threads_.size();
}

void LoopbackServer::accept_loop() {
  while (true) {
    const int fd = ::accept(listener_, nullptr, nullptr);
    const std::lock_guard lock(mutex_);
    if (fd < 0 || stopping_) {
      if (fd >= 0) {
        ::close(fd);
      }
      return;
    }
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    open_fds_.push_back(fd);
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void LoopbackServer::serve(int fd) {
  std::string buffer;
  bool open = true;
  while (open) {
    SeenRequest request;
    if (!read_request(fd, buffer, request)) {
      break;
    }
    size_t index = 0;
    {
      const std::lock_guard lock(mutex_);
      index = requests_.size();
      requests_.push_back(request);
    }
    const size_t now = ++running_;
    size_t peak = peak_;
    while (peak < now && !peak_.compare_exchange_weak(peak, now)) {
    }
    open = answer(fd, script_(request, index));
    --running_;
  }
  const std::lock_guard lock(mutex_);
  open_fds_.erase(std::find(open_fds_.begin(), open_fds_.end(), fd));
  ::close(fd);
}

// False when the server is stopping.
bool LoopbackServer::sleep(double seconds) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, std::chrono::duration<double>(seconds),
                            [this] { return stopping_; });
}

// False when the connection is to be closed.
bool LoopbackServer::answer(int fd, const ScriptedReply& reply) {
  constexpr double kForEver = 3600;
  if ((reply.delay_s > 0 && !sleep(reply.delay_s)) ||
      (reply.hang_before_headers && !sleep(kForEver)) || !send_all(fd, head_of(reply))) {
    return false;
  }
  bool open = reply.pieces.empty() ? send_all(fd, reply.body) : true;
  for (const ScriptedReply::Piece& piece : reply.pieces) {
    open = open && (piece.delay_s <= 0 || sleep(piece.delay_s)) &&
           send_all(fd, format("{:x}\r\n", piece.bytes.size()) + piece.bytes + "\r\n");
  }
  if (open && reply.end == ScriptedReply::End::kHang) {
    sleep(kForEver);
  }
  if (!open || reply.end != ScriptedReply::End::kComplete) {
    return false;
  }
  return reply.pieces.empty() || send_all(fd, "0\r\n\r\n");
}

std::string refused_url() {
  const auto [fd, port] = bind_loopback();
  ::close(fd);
  return format("http://127.0.0.1:{}", port);
}

}  // namespace cupel::test
