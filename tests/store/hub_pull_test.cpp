#include <atomic>
#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "base/io.h"
#include "store/fake_hub.h"
#include "store/hub/pull.h"
#include "support/test_paths.h"

namespace cupel::store {
namespace {

using test::ScriptedReply;
using test::SeenRequest;

const HubReference kModel = {.owner = "org", .name = "model", .revision = {}, .file = {}};

HubReference with_file(const std::string& file) {
  HubReference reference = kModel;
  reference.file = file;
  return reference;
}

std::string bytes_of(size_t count) {
  std::string bytes(count, '\0');
  for (size_t i = 0; i < count; ++i) {
    bytes[i] = static_cast<char>(i * 2654435761U >> 13U);
  }
  return bytes;
}

class HubPull : public testing::Test {
 protected:
  Result<PullReport> run(const HubReference& reference, HubOptions options) {
    CUPEL_TRY(const auto client, Hub::open(std::move(options)));
    return pull(
        *client, cache_, reference, "",
        {.on_start = {}, .on_bytes = [this](int64_t bytes) { counted_ += bytes; }, .on_file = {}});
  }
  Result<PullReport> run(FakeHub& hub, const HubReference& reference = kModel) {
    return run(reference, hub.options());
  }
  std::string content(const PullReport& report, const std::string& path) {
    return read_file(cache_.file_path(report.model, path)).value_or("absent");
  }
  // Everything that lies under a final name.
  std::vector<std::string> final_files() {
    std::vector<std::string> names;
    std::error_code ec;
    for (std::filesystem::recursive_directory_iterator it(folder_.path(), ec), end; it != end;
         it.increment(ec)) {
      const std::string path = it->path().string();
      if (it->is_regular_file() && path.find("/files/") != std::string::npos) {
        names.push_back(path.substr(path.find("/files/") + 7));
      }
    }
    return names;
  }

  test::TemporaryFolder folder_;
  ModelCache cache_{folder_.path()};
  int64_t counted_ = 0;
};

TEST_F(HubPull, BringsAModelIntoTheCache) {
  const std::string weights = bytes_of(300'000);
  FakeHub hub(
      {{"m.Q4_K_M.gguf", {weights}}, {"m.Q8_0.gguf", {"other"}}, {"README.md", {"x", false}}});
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->files.size(), 1U);
  EXPECT_EQ(report->fetched, 1U);
  EXPECT_EQ(report->files[0].checked, Checked::kSha256);
  EXPECT_EQ(content(*report, "m.Q4_K_M.gguf"), weights);
  EXPECT_EQ(counted_, 300'000);
  EXPECT_EQ(cache_.find(kModel).value(), cache_.file_path(report->model, "m.Q4_K_M.gguf"));
  EXPECT_EQ(cache_.find(with_file("*q4*")).error().code, Code::kNotFound);
  EXPECT_EQ(cache_.find(with_file("*Q4*")).value(), cache_.find(kModel).value());
  // Again: listed, but not fetched.
  const auto again = run(hub);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->fetched, 0U);
  EXPECT_EQ(hub.file_requests(), 1U);
}

TEST_F(HubPull, FetchesSeveralFilesAtOneTime) {
  std::map<std::string, FakeHub::File> files = {{"config.json", {"{}", false}},
                                                {"tokenizer.json", {"", false}}};
  for (int i = 1; i <= 6; ++i) {
    files[format("model-0000{}-of-00006.safetensors", i)] = {bytes_of(10'000 + i)};
  }
  FakeHub hub(files, [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
    if (request.path.find("/resolve/") == std::string::npos) {
      return std::nullopt;
    }
    const auto& file = files.at(request.path.substr(request.path.rfind('/') + 1));
    ScriptedReply reply = FakeHub::file_reply(file.content, request);
    reply.delay_s = 0.02;
    return reply;
  });
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->files.size(), 8U);
  EXPECT_EQ(report->model.find("config.json")->checked, Checked::kGitSha1);
  EXPECT_EQ(content(*report, "model-00003-of-00006.safetensors"), bytes_of(10'003));
  EXPECT_EQ(content(*report, "tokenizer.json"), "");
  EXPECT_GT(hub.server.peak_concurrency(), 1U);
  EXPECT_LE(hub.server.peak_concurrency(), 4U);
  EXPECT_EQ(cache_.find(kModel).value(), cache_.folder(report->model));
}

// The listing without sizes that older hubs give: the tree is asked, page by page.
TEST_F(HubPull, ReadsTheTreeWhereTheRevisionHasNoSizes) {
  const std::string commit = std::string(39, 'a') + "1";
  FakeHub old(
      {{"a.gguf", {"abc"}}},
      [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
        const std::string tree = "/api/models/org/model/tree/" + commit + "?recursive=true";
        if (request.path.find("/revision/") != std::string::npos) {
          return test::json_reply(format(
              R"({{"sha": "{}", "siblings": [{{"rfilename": "a.gguf"}}, {{"rfilename": "b"}}]}})",
              commit));
        }
        if (request.path == tree) {
          ScriptedReply reply = test::json_reply(R"([{"type": "file", "path": "b", "size": 1}])");
          reply.headers.emplace_back(
              "Link", "<http://" + request.header("host") + tree + "&cursor=2>; rel=\"next\"");
          return reply;
        }
        if (request.path == tree + "&cursor=2") {
          return test::json_reply(format(
              R"([{{"type": "file", "path": "a.gguf", "size": 3, "lfs": {{"oid": "{}", "size": 3}}}}])",
              sha256("abc")));
        }
        return std::nullopt;
      });
  const auto report = run(old);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(content(*report, "a.gguf"), "abc");
}

TEST_F(HubPull, GoesOnAfterALostConnection) {
  const std::string weights = bytes_of(100'000);
  FakeHub hub({{"m.gguf", {weights}}},
              [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
                if (request.path.find("/resolve/") == std::string::npos ||
                    !request.header("range").empty()) {
                  return std::nullopt;
                }
                ScriptedReply reply = FakeHub::file_reply(weights, request);
                reply.pieces = {{.bytes = weights.substr(0, 60'000)}};
                reply.end = ScriptedReply::End::kCut;
                return reply;
              });
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(content(*report, "m.gguf"), weights);
  const SeenRequest rest = hub.server.requests().back();
  EXPECT_EQ(rest.header("range"), "bytes=60000-");
  EXPECT_EQ(rest.header("if-range"), "\"" + sha256(weights).substr(0, 16) + "\"");
  EXPECT_EQ(counted_, 100'000);
}

// Interrupted, then run again: the second run asks for the rest alone.
TEST_F(HubPull, GoesOnInAnotherRun) {
  const std::string weights = bytes_of(100'000);
  std::atomic<bool> broken = true;
  FakeHub hub({{"m.gguf", {weights}}},
              [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
                if (!broken || request.path.find("/resolve/") == std::string::npos) {
                  return std::nullopt;
                }
                ScriptedReply reply = FakeHub::file_reply(weights, request);
                if (reply.status == 206) {
                  return test::json_reply("{}", 503);
                }
                reply.pieces = {{.bytes = weights.substr(0, 70'000)}};
                reply.end = ScriptedReply::End::kCut;
                return reply;
              });
  const auto failed = run(hub);
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kUnavailable);
  EXPECT_NE(failed.error().message.find("70000 of 100000 bytes are kept"), std::string::npos)
      << failed.error().message;
  EXPECT_TRUE(final_files().empty());
  EXPECT_EQ(cache_.find(kModel).error().code, Code::kNotFound);
  EXPECT_EQ(cache_.list()->at(0).partial_bytes, 70'000 + 18);  // and the tag

  broken = false;
  counted_ = 0;
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(hub.server.requests().back().header("range"), "bytes=70000-");
  EXPECT_EQ(content(*report, "m.gguf"), weights);
  EXPECT_EQ(counted_, 100'000);
}

TEST_F(HubPull, StartsAgainWhereTheHubKnowsNoRanges) {
  const std::string weights = bytes_of(50'000);
  size_t files = 0;
  FakeHub hub({{"m.gguf", {weights}}},
              [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
                if (request.path.find("/resolve/") == std::string::npos) {
                  return std::nullopt;
                }
                ScriptedReply reply;
                reply.body = weights;
                if (++files == 1) {
                  reply.pieces = {{.bytes = weights.substr(0, 20'000)}};
                  reply.end = ScriptedReply::End::kCut;
                }
                return reply;
              });
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(content(*report, "m.gguf"), weights);
  EXPECT_EQ(hub.server.requests().back().header("range"), "bytes=20000-");
  EXPECT_EQ(counted_, 50'000);
}

// Bytes of an earlier run that a crash has damaged: found by the checksum, then fetched anew.
TEST_F(HubPull, DoesNotBuildOnDamagedBytes) {
  const std::string weights = bytes_of(50'000);
  FakeHub hub({{"m.gguf", {weights}}});
  CachedModel model{.reference = kModel, .commit = hub.commit, .hub = {}, .files = {}};
  const std::string partial = cache_.partial_path(model, "m.gguf");
  ASSERT_TRUE(make_directories(partial.substr(0, partial.rfind('/'))));
  ASSERT_TRUE(write_file_atomic(partial, std::string(10'000, '\0')));
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(content(*report, "m.gguf"), weights);
  EXPECT_EQ(hub.file_requests(), 2U);
}

TEST_F(HubPull, RefusesAFileOfAnotherChecksum) {
  for (const bool large : {true, false}) {
    FakeHub hub({{"m.gguf", {"right bytes", large}}},
                [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
                  return request.path.find("/resolve/") == std::string::npos
                             ? std::nullopt
                             : std::optional(FakeHub::file_reply("wrong bytes", request));
                });
    const auto report = run(hub);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::kCorruptData);
    EXPECT_TRUE(report.error().message.starts_with("m.gguf: the checksum"))
        << report.error().message;
    EXPECT_TRUE(final_files().empty());
    EXPECT_EQ(cache_.list()->at(0).partial_bytes, 0);
  }
}

TEST_F(HubPull, SaysWhenOnlyTheSizeCouldBeChecked) {
  const auto listing = [](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
    if (request.path.find("/revision/") == std::string::npos) {
      return std::nullopt;
    }
    return test::json_reply(
        format(R"({{"sha": "{}1", "siblings": [{{"rfilename": "m.gguf", "size": 3}}]}})",
               std::string(39, 'a')));
  };
  FakeHub hub({{"m.gguf", {"abc"}}}, listing);
  const auto report = run(hub);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->files[0].checked, Checked::kSize);
}

// The real hub answers with a redirect to its store, and names the checksum in it.
TEST_F(HubPull, FollowsTheRedirectToTheStoreWithoutTheToken) {
  test::LoopbackServer storage(
      [](const SeenRequest& request, size_t) { return FakeHub::file_reply("abc", request); });
  for (const bool right : {true, false}) {
    FakeHub hub({}, [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
      if (request.path.find("/revision/") != std::string::npos) {
        return test::json_reply(
            format(R"({{"sha": "{}1", "siblings": [{{"rfilename": "{}.gguf", "size": 3}}]}})",
                   std::string(39, 'a'), right ? "right" : "wrong"));
      }
      ScriptedReply reply;
      reply.status = 302;
      reply.headers = {{"Location", storage.url("/blob?signature=x")},
                       {"X-Linked-ETag", "\"" + sha256(right ? "abc" : "abd") + "\""},
                       {"X-Linked-Size", "3"}};
      return reply;
    });
    HubOptions options = hub.options();
    options.token = "hf_secret";
    const auto report = run(kModel, options);
    EXPECT_EQ(report.has_value(), right);
    if (right) {
      EXPECT_EQ(report->files[0].checked, Checked::kSha256);
    } else {
      EXPECT_EQ(report.error().code, Code::kCorruptData);
    }
    for (const SeenRequest& request : hub.server.requests()) {
      EXPECT_EQ(request.header("authorization"), "Bearer hf_secret");
    }
  }
  ASSERT_GT(storage.request_count(), 0U);
  for (const SeenRequest& request : storage.requests()) {
    EXPECT_EQ(request.header("authorization"), "");
  }
}

TEST_F(HubPull, SaysWhatTheHubSaysWithoutTheToken) {
  for (const auto& [status, code] :
       {std::pair(401, Code::kFailedPrecondition), std::pair(403, Code::kFailedPrecondition),
        std::pair(404, Code::kNotFound), std::pair(410, Code::kCorruptData),
        std::pair(429, Code::kUnavailable), std::pair(500, Code::kUnavailable)}) {
    FakeHub hub({}, [&, status = status](const SeenRequest&, size_t) {
      return std::optional(test::json_reply(R"({"error": "no entry\nfor hf_secret"})", status));
    });
    HubOptions options = hub.options();
    options.token = "hf_secret";
    const auto report = run(kModel, options);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, code) << report.error().message;
    EXPECT_NE(report.error().message.find("no entry?for ***"), std::string::npos)
        << report.error().message;
    EXPECT_EQ(report.error().message.find("hf_secret"), std::string::npos);
    EXPECT_EQ(hub.server.request_count(), code == Code::kUnavailable ? 3U : 1U);
  }
}

TEST_F(HubPull, RefusesHostileAnswersInOneLine) {
  const std::string listing =
      format(R"({{"sha": "{}1", "siblings": [{{"rfilename": "m.gguf", "size": 10}}]}})",
             std::string(39, 'a'));
  const auto file = [](std::string body, auto&&... headers) {
    ScriptedReply reply;
    reply.body = std::move(body);
    reply.headers = {headers...};
    return reply;
  };
  using Header = std::pair<std::string, std::string>;
  ScriptedReply endless = file("");
  for (int i = 0; i < 100; ++i) {
    endless.pieces.push_back({.bytes = "many bytes"});
  }
  ScriptedReply loop = file("", Header("Location", "/again"));
  loop.status = 307;
  ScriptedReply part = file("0123456789", Header("Content-Range", "bytes 5-14/15"));
  part.status = 206;
  ScriptedReply no_content = file("");
  no_content.status = 204;
  const std::vector<std::pair<ScriptedReply, std::string>> files = {
      {file("<html>sign in</html>", Header("Content-Type", "text/html")), "announces 20 bytes"},
      {file("short"), "announces 5 bytes"},
      {endless, "sends more than the 10 bytes"},
      {loop, "redirected more than 8 times"},
      {part, "expected bytes from 0 on of 10"},
      {file("0123456789", Header("Content-Encoding", "br")), "sends it as br"},
      {no_content, "announces 0 bytes"}};
  for (const auto& [reply, says] : files) {
    FakeHub hub({}, [&, answer = reply](const SeenRequest& request, size_t) {
      return std::optional(request.path.find("/revision/") != std::string::npos
                               ? test::json_reply(listing)
                               : answer);
    });
    const auto report = run(hub);
    ASSERT_FALSE(report) << says;
    EXPECT_EQ(report.error().code, Code::kCorruptData) << report.error().message;
    EXPECT_NE(report.error().message.find(says), std::string::npos) << report.error().message;
    EXPECT_TRUE(final_files().empty());
  }
  std::string zeros = "[0";  // would be a hundred megabytes once it is read
  while (zeros.size() < (size_t{5} << 20U)) {
    zeros += ",0";
  }
  for (const std::string& text :
       {std::string("<html>"), std::string("[1]"), std::string("{}"), zeros + "]"}) {
    FakeHub hub({},
                [&](const SeenRequest&, size_t) { return std::optional(test::json_reply(text)); });
    const auto report = run(hub);
    ASSERT_FALSE(report);
    EXPECT_EQ(report.error().code, Code::kCorruptData) << report.error().message;
  }
}

TEST_F(HubPull, SendsTheTokenToNoOtherPageOfTheListing) {
  FakeHub hub({}, [&](const SeenRequest& request, size_t) {
    ScriptedReply reply = test::json_reply("[]");
    if (request.path.find("/revision/") != std::string::npos) {
      return std::optional(test::json_reply(
          format(R"({{"sha": "{}1", "siblings": [{{"rfilename": "a"}}]}})", std::string(39, 'a'))));
    }
    reply.headers.emplace_back("Link", "<http://127.0.0.1:1/next>; rel=\"next\"");
    return std::optional(reply);
  });
  const auto report = run(hub);
  ASSERT_FALSE(report);
  EXPECT_NE(report.error().message.find("another host"), std::string::npos);
}

TEST_F(HubPull, NeedsRoom) {
  FakeHub hub({}, [&](const SeenRequest&, size_t) {
    return std::optional(test::json_reply(format(
        R"({{"sha": "{}1", "siblings": [{{"rfilename": "m.gguf", "size": 17592186044416}}]}})",
        std::string(39, 'a'))));
  });
  const auto report = run(hub);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kExhausted) << report.error().message;
  EXPECT_EQ(hub.file_requests(), 0U);
}

TEST_F(HubPull, TwoOfTheSameModelDoNotMeet) {
  FakeHub hub(FakeHub::Files{{"m.gguf", {"abc"}}});
  const auto held = cache_.lock(kModel);
  ASSERT_TRUE(held);
  const auto report = run(hub);
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(cache_.remove(kModel).error().code, Code::kNotFound);
}

TEST_F(HubPull, StopsWhenAskedTo) {
  std::stop_source stop;
  FakeHub hub({{"m.gguf", {bytes_of(1000)}}},
              [&](const SeenRequest& request, size_t) -> std::optional<ScriptedReply> {
                if (request.path.find("/resolve/") == std::string::npos) {
                  return std::nullopt;
                }
                ScriptedReply reply;
                reply.pieces = {{.bytes = bytes_of(400)}};
                reply.end = ScriptedReply::End::kHang;
                return reply;
              });
  HubOptions options = hub.options();
  options.stop = stop.get_token();
  std::thread stopper([&] {
    while (hub.file_requests() == 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    stop.request_stop();
  });
  const auto report = run(kModel, options);
  stopper.join();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kCancelled);
  EXPECT_TRUE(final_files().empty());
  EXPECT_EQ(cache_.list()->at(0).partial_bytes, 400);
}

TEST_F(HubPull, KeepsFollowingABranchThatMoves) {
  FakeHub hub(FakeHub::Files{{"m.gguf", {"first"}}});
  ASSERT_TRUE(run(hub));
  hub.commit = std::string(39, 'b') + "2";
  hub.files["m.gguf"].content = "second";
  const auto moved = run(hub);
  ASSERT_TRUE(moved) << moved.error().message;
  EXPECT_EQ(read_file(cache_.find(kModel).value()).value(), "second");
  HubReference pinned = kModel;
  pinned.revision = std::string(39, 'a') + "1";
  EXPECT_EQ(read_file(cache_.find(pinned).value()).value(), "first");
  EXPECT_EQ(cache_.list()->size(), 2U);
  EXPECT_EQ(cache_.remove(pinned).value() > 0, true);
  EXPECT_EQ(cache_.list()->size(), 1U);
  EXPECT_TRUE(cache_.remove(kModel));
  EXPECT_TRUE(cache_.list()->empty());
  EXPECT_EQ(cache_.remove(kModel).error().code, Code::kNotFound);
}

TEST_F(HubPull, RepairsAFileThatWasChanged) {
  FakeHub hub(FakeHub::Files{{"m.gguf", {"abcdef"}}});
  const auto first = run(hub);
  ASSERT_TRUE(first);
  const std::string path = cache_.file_path(first->model, "m.gguf");
  ASSERT_TRUE(write_file_atomic(path, "abc"));
  const auto second = run(hub);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->fetched, 1U);
  EXPECT_EQ(read_file(path).value(), "abcdef");
  // Complete, but a kill came before the manifest said so.
  ASSERT_EQ(
      std::filesystem::remove(folder_.file("models/org/model/") + hub.commit + "/manifest.json"),
      true);
  const auto third = run(hub);
  ASSERT_TRUE(third) << third.error().message;
  EXPECT_EQ(third->fetched, 0U);
}

TEST_F(HubPull, ADamagedManifestNamesItselfAndCanBeRemoved) {
  FakeHub hub(FakeHub::Files{{"m.gguf", {"abc"}}});
  ASSERT_TRUE(run(hub));
  const std::string path = folder_.file("models/org/model/") + hub.commit + "/manifest.json";
  const std::string whole = read_file(path).value();
  for (size_t length = 0; length + 2 < whole.size(); ++length) {
    ASSERT_TRUE(write_file_atomic(path, whole.substr(0, length)));
    const auto found = cache_.find(kModel);
    ASSERT_FALSE(found) << length;
    EXPECT_EQ(found.error().code, Code::kCorruptData);
    EXPECT_TRUE(found.error().message.starts_with(path)) << found.error().message;
  }
  EXPECT_TRUE(cache_.remove(kModel));
}

}  // namespace
}  // namespace cupel::store
