#include "base/http_client.h"

#include <atomic>
#include <future>
#include <string>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "support/loopback_server.h"

namespace cupel {
namespace {

using test::LoopbackServer;
using test::ScriptedReply;
using test::SeenRequest;

LoopbackServer::Script always(ScriptedReply reply) {
  return [reply](const SeenRequest&, size_t) { return reply; };
}

HttpRequest get(std::string url) {
  HttpRequest request;
  request.url = std::move(url);
  request.total_timeout_s = 5;
  return request;
}

std::string body_of(size_t bytes) {
  return std::string(bytes, 'x');
}

TEST(HttpClient, SendsAndReceivesABody) {
  LoopbackServer server([](const SeenRequest& request, size_t) {
    ScriptedReply reply = test::json_reply("got " + request.body, 201);
    reply.headers.emplace_back("X-Echo", request.header("x-ask"));
    return reply;
  });
  HttpClient client;
  HttpRequest request = get(server.url("/path?a=1"));
  request.method = "POST";
  request.headers = {{"X-Ask", "why"}};
  request.body = std::string("a\0b", 3);
  const auto response = client.fetch(std::move(request));
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, std::string("got a\0b", 7));
  EXPECT_EQ(response->header("x-echo"), "why");
  EXPECT_EQ(response->header("content-type"), "application/json");
  EXPECT_EQ(server.requests().front().path, "/path?a=1");
}

TEST(HttpClient, ReusesItsConnection) {
  LoopbackServer server(always(test::json_reply("{}")));
  HttpClient client;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.fetch(get(server.url())));
  }
  EXPECT_EQ(server.connection_count(), 1U);
}

TEST(HttpClient, StreamsPiecesOfASuccessOnly) {
  LoopbackServer server([](const SeenRequest&, size_t index) {
    ScriptedReply reply;
    reply.status = index == 0 ? 200 : 500;
    reply.pieces = {{.bytes = "one "}, {.bytes = "two", .delay_s = 0.02}};
    return reply;
  });
  HttpClient client;
  for (const bool success : {true, false}) {
    std::string streamed;
    std::promise<Result<HttpResponse>> done;
    const auto call = client.send(
        get(server.url()),
        {.on_body =
             [&](std::string_view piece) {
               streamed += piece;
               return true;
             },
         .on_done = [&](Result<HttpResponse> result) { done.set_value(std::move(result)); }});
    const auto response = done.get_future().get();
    ASSERT_TRUE(response);
    EXPECT_EQ(streamed, success ? "one two" : "");
    EXPECT_EQ(response->body, success ? "" : "one two");
    EXPECT_GT(response->seconds, response->first_byte_s);
  }
}

TEST(HttpClient, KeepsToItsConcurrency) {
  ScriptedReply slow = test::json_reply("{}");
  slow.delay_s = 0.01;
  LoopbackServer server(always(slow));
  std::atomic<int> left = 12;
  std::promise<void> all;
  HttpClient client(3);  // goes before what its callbacks use
  for (int i = 0; i < 12; ++i) {
    client.send(get(server.url()), {.on_body = {}, .on_done = [&](const auto& result) {
                                      EXPECT_TRUE(result);
                                      if (--left == 0) {
                                        all.set_value();
                                      }
                                    }});
  }
  all.get_future().wait();
  EXPECT_EQ(server.peak_concurrency(), 3U);
}

TEST(HttpClient, WaitsOutADelay) {
  LoopbackServer server(always(test::json_reply("{}")));
  HttpClient client;
  HttpRequest request = get(server.url());
  request.delay_s = 0.05;
  const Stopwatch watch;
  const auto response = client.fetch(std::move(request));
  ASSERT_TRUE(response);
  EXPECT_GE(watch.seconds(), 0.05);
  EXPECT_LT(response->seconds, watch.seconds());
}

TEST(HttpClient, SaysWhenNothingListens) {
  HttpClient client;
  const auto response = client.fetch(get(test::refused_url()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnavailable);
  EXPECT_NE(response.error().message.find("no connection"), std::string::npos);
}

TEST(HttpClient, SaysWhenTheServerSpeaksNoHttp) {
  ScriptedReply reply;
  reply.status = 99999;
  LoopbackServer server(always(reply));
  HttpClient client;
  const auto response = client.fetch(get(server.url()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kCorruptData) << response.error().message;
  EXPECT_NE(response.error().message.find("no HTTP"), std::string::npos);
}

TEST(HttpClient, LimitsTheTimeOfAServerThatHangs) {
  ScriptedReply reply;
  reply.hang_before_headers = true;
  LoopbackServer server(always(reply));
  HttpClient client;
  HttpRequest request = get(server.url());
  request.total_timeout_s = 0.05;
  const auto response = client.fetch(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kDeadline);
}

TEST(HttpClient, LimitsTheTimeOfABodyThatStalls) {
  ScriptedReply reply;
  reply.pieces = {{.bytes = "some"}};
  reply.end = ScriptedReply::End::kHang;
  LoopbackServer server(always(reply));
  HttpClient client;
  HttpRequest request = get(server.url());
  request.idle_timeout_s = 0.05;
  const auto response = client.fetch(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kDeadline);
  EXPECT_NE(response.error().message.find("stalled"), std::string::npos);
}

TEST(HttpClient, ReportsABodyCutShort) {
  for (const bool chunked : {false, true}) {
    ScriptedReply reply;
    reply.body = "half";
    if (chunked) {
      reply.pieces = {{.bytes = "half"}};
    }
    reply.end = ScriptedReply::End::kCut;
    LoopbackServer server(always(reply));
    HttpClient client;
    const auto response = client.fetch(get(server.url()));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::kUnavailable) << response.error().message;
  }
}

TEST(HttpClient, BoundsBodyAndHeaders) {
  LoopbackServer server([](const SeenRequest&, size_t index) {
    ScriptedReply reply = test::json_reply(body_of(2000));
    for (int i = 0; index == 1 && i < 60; ++i) {
      reply.headers.emplace_back("X-Long", body_of(8000));
    }
    return reply;
  });
  HttpClient client;
  for (int i = 0; i < 2; ++i) {
    HttpRequest request = get(server.url());
    request.max_body_bytes = i == 0 ? 1000 : 10000;
    const auto response = client.fetch(std::move(request));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::kExhausted) << response.error().message;
  }
}

TEST(HttpClient, CancelsAWaitingAndARunningCall) {
  ScriptedReply reply;
  reply.hang_before_headers = true;
  LoopbackServer server(always(reply));
  std::promise<Result<HttpResponse>> running;
  std::promise<Result<HttpResponse>> waiting;
  HttpClient client(1);  // goes before what its callbacks use
  const auto first =
      client.send(get(server.url()),
                  {.on_body = {}, .on_done = [&](auto r) { running.set_value(std::move(r)); }});
  const auto second =
      client.send(get(server.url()),
                  {.on_body = {}, .on_done = [&](auto r) { waiting.set_value(std::move(r)); }});
  second->cancel();
  EXPECT_EQ(waiting.get_future().get().error().code, Code::kCancelled);
  first->cancel();
  EXPECT_EQ(running.get_future().get().error().code, Code::kCancelled);
  first->cancel();  // of a finished call: nothing
}

TEST(HttpClient, CallsBackBeforeItIsDestroyed) {
  ScriptedReply reply;
  reply.hang_before_headers = true;
  LoopbackServer server(always(reply));
  int cancelled = 0;
  std::shared_ptr<HttpCall> call;
  {
    HttpClient client(1);
    for (int i = 0; i < 3; ++i) {
      call = client.send(get(server.url()), {.on_body = {}, .on_done = [&](const auto& result) {
                                               cancelled +=
                                                   result.error().code == Code::kCancelled ? 1 : 0;
                                             }});
    }
  }
  EXPECT_EQ(cancelled, 3);
  call->cancel();  // outlives the client
}

TEST(HttpClient, RefusesWhatCannotBeSent) {
  HttpClient client;
  for (const char* url : {"", "file:///etc/passwd", "http://a\r\nb", "ftp://x"}) {
    const auto response = client.fetch(get(url));
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code, Code::kInvalidArgument);
  }
  HttpRequest request = get("http://127.0.0.1:1/");
  request.headers = {{"Authorization", "secret\r\nX-Other: 1"}};
  const auto response = client.fetch(std::move(request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kInvalidArgument);
  EXPECT_EQ(response.error().message.find("secret"), std::string::npos);
}

TEST(HttpClient, DoesNotFollowRedirects) {
  ScriptedReply reply = test::json_reply("", 302);
  reply.headers.emplace_back("Location", "http://127.0.0.1:1/elsewhere");
  LoopbackServer server(always(reply));
  HttpClient client;
  const auto response = client.fetch(get(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 302);
  EXPECT_EQ(response->header("location"), "http://127.0.0.1:1/elsewhere");
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  EXPECT_EQ(parse_retry_after("120", 0), 120.0);
  EXPECT_EQ(parse_retry_after(" 0 ", 0), 0.0);
  // RFC 9110 §5.6.7's own example; 784111777 is its Unix time (checked with `date -d`).
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111700), 77.0);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:49:37 GMT", 784111800), 0.0);
  for (const char* bad :
       {"", "soon", "-5", "1.5", "99999999999999", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 Nov 1994 08:49 GMT", "06 Nov 1994"}) {
    EXPECT_EQ(parse_retry_after(bad, 0), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace cupel
