#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/http_client.h"
#include "base/wait_for.h"
#include "support/loopback_server.h"

namespace cupel {
namespace {

using test::LoopbackServer;
using test::ScriptedReply;
using test::SeenRequest;

ScriptedReply redirect_to(std::string url, int status = 302) {
  ScriptedReply reply;
  reply.status = status;
  reply.body = "moved";
  reply.headers = {{"Location", std::move(url)}, {"X-Linked-Size", "5"}};
  return reply;
}

HttpRequest get(std::string url, size_t redirects = 4) {
  HttpRequest request;
  request.url = std::move(url);
  request.total_timeout_s = 5;
  request.max_redirects = redirects;
  request.headers = {{"Authorization", "Bearer secret"},
                     {"X-Key", "secret"},
                     {"Range", "bytes=1-"},
                     {"Accept", "text/plain"}};
  return request;
}

// A relative and an absolute Location, and every status that redirects.
TEST(HttpRedirects, AreFollowedWithinAHost) {
  for (const int status : {301, 302, 303, 307, 308}) {
    std::string base;
    LoopbackServer server([&](const SeenRequest& request, size_t) {
      if (request.path == "/a") {
        return redirect_to("/b?x=1", status);
      }
      return request.path == "/b?x=1" ? redirect_to(base + "/c", status) : test::json_reply("here");
    });
    base = server.url();
    HttpClient client;
    const auto response = client.fetch(get(server.url("/a")));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "here");
    for (const SeenRequest& request : server.requests()) {
      EXPECT_EQ(request.header("authorization"), "Bearer secret") << request.path;
      EXPECT_EQ(request.header("x-key"), "secret");
    }
  }
}

// Another port is another place, and what was once withheld does not come back.
TEST(HttpRedirects, CarryNoKeyToAnotherHost) {
  std::string first_url;
  LoopbackServer other([&](const SeenRequest& request, size_t) {
    return request.path == "/there" ? redirect_to(first_url + "/back") : test::json_reply("");
  });
  LoopbackServer first([&](const SeenRequest& request, size_t) {
    return request.path == "/back" ? test::json_reply("end") : redirect_to(other.url("/there"));
  });
  first_url = first.url();
  HttpClient client;
  const auto response = client.fetch(get(first.url("/here")));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "end");
  ASSERT_EQ(first.request_count(), 2U);
  EXPECT_EQ(first.requests()[0].header("authorization"), "Bearer secret");
  for (const SeenRequest& request : {other.requests().at(0), first.requests().at(1)}) {
    EXPECT_EQ(request.header("authorization"), "") << request.path;
    EXPECT_EQ(request.header("x-key"), "");
    EXPECT_EQ(request.header("range"), "bytes=1-");
    EXPECT_EQ(request.header("accept"), "text/plain");
  }
}

TEST(HttpRedirects, EndAfterTheirNumber) {
  LoopbackServer server(
      [&](const SeenRequest&, size_t index) { return redirect_to("/" + std::to_string(index)); });
  HttpClient client;
  const auto response = client.fetch(get(server.url("/loop"), 3));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kExhausted);
  EXPECT_EQ(response.error().message, "redirected more than 3 times");
  EXPECT_EQ(server.request_count(), 4U);
}

TEST(HttpRedirects, LeadToHttpOnly) {
  for (const char* target : {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/"}) {
    LoopbackServer server([&](const SeenRequest&, size_t) { return redirect_to(target); });
    HttpClient client;
    const auto response = client.fetch(get(server.url("/a")));
    ASSERT_FALSE(response) << target;
    EXPECT_EQ(response.error().code, Code::kInvalidArgument) << response.error().message;
  }
}

TEST(HttpRedirects, WithoutAPlaceAreAnswers) {
  LoopbackServer server([](const SeenRequest&, size_t) { return test::json_reply("", 302); });
  HttpClient client;
  const auto response = client.fetch(get(server.url("/a")));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 302);
}

TEST(HttpRedirects, OfAPostAreRefused) {
  HttpClient client;
  HttpRequest request = get("http://127.0.0.1:1/");
  request.method = "POST";
  EXPECT_EQ(client.fetch(std::move(request)).error().code, Code::kInvalidArgument);
}

struct Seen {
  std::vector<int64_t> heads;
  std::string body;
};

Result<HttpResponse> stream(HttpClient& client, HttpRequest request, Seen& seen, int64_t refused) {
  WaitFor<Result<HttpResponse>> done;
  const auto call = client.send(std::move(request), {.on_head =
                                                         [&](const HttpResponse& head) {
                                                           seen.heads.push_back(head.status);
                                                           EXPECT_TRUE(head.body.empty());
                                                           return head.status != refused;
                                                         },
                                                     .on_body =
                                                         [&](std::string_view piece) {
                                                           seen.body += piece;
                                                           return true;
                                                         },
                                                     .on_done = done.callback()});
  return done.get();
}

TEST(HttpHeads, AreSeenBeforeTheirBodies) {
  LoopbackServer server([&](const SeenRequest& request, size_t) {
    return request.path == "/a" ? redirect_to("/b") : test::json_reply("body");
  });
  HttpClient client;
  Seen seen;
  const auto response = stream(client, get(server.url("/a")), seen, 0);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(seen.heads, (std::vector<int64_t>{302, 200}));
  EXPECT_EQ(seen.body, "body");
  for (const int64_t refused : {302, 200}) {
    Seen stopped;
    const auto ended = stream(client, get(server.url("/a")), stopped, refused);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::kCancelled);
    EXPECT_EQ(stopped.body, "");
    EXPECT_EQ(stopped.heads.back(), refused);
  }
}

TEST(HttpHeads, OfAnswersWithoutABodyAreSeenToo) {
  LoopbackServer server([&](const SeenRequest&, size_t) { return test::json_reply(""); });
  HttpClient client;
  Seen seen;
  ASSERT_TRUE(stream(client, get(server.url("/a")), seen, 0));
  EXPECT_EQ(seen.heads, std::vector<int64_t>{200});
}

TEST(HttpBodies, OfOtherAnswersAreBounded) {
  ScriptedReply reply = test::json_reply(std::string(2U << 20U, 'x'), 500);
  LoopbackServer server([&](const SeenRequest&, size_t) { return reply; });
  HttpClient client;
  Seen seen;
  const auto response = stream(client, get(server.url("/a")), seen, 0);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kExhausted);
}

TEST(HttpBodies, AreNotCompressedWhereBytesCount) {
  LoopbackServer server([&](const SeenRequest& request, size_t) {
    return test::json_reply(request.header("accept-encoding"));
  });
  HttpClient client;
  HttpRequest request = get(server.url("/a"));
  request.compressed = false;
  EXPECT_EQ(client.fetch(std::move(request))->body, "");
  EXPECT_NE(client.fetch(get(server.url("/a")))->body.find("gzip"), std::string::npos);
}

TEST(HttpBodies, MustBeginInTime) {
  ScriptedReply reply = test::json_reply("late");
  reply.delay_s = 5;
  LoopbackServer server([&](const SeenRequest&, size_t) { return reply; });
  HttpClient client;
  HttpRequest request = get(server.url("/a"));
  request.total_timeout_s = 0;
  request.first_byte_timeout_s = 0.05;
  const auto response = client.fetch(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kDeadline);
  EXPECT_EQ(response.error().message, "no answer within 0.05 s");
}

}  // namespace
}  // namespace cupel
