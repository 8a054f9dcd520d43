#include "store/cached_models.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/io.h"
#include "store/call_codec.h"
#include "store/sqlite.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::store {
namespace {

using test::ScriptedChatModel;
using test::ScriptedScorer;
using test::TemporaryFolder;
using ::testing::HasSubstr;

std::shared_ptr<CallCache> open_cache(const std::string& path) {
  auto cache = CallCache::open(path);
  EXPECT_TRUE(cache) << cache.error().message;
  return std::move(cache).value();
}

ChatRequest ask(std::string_view text) {
  ChatRequest request;
  request.messages = {text_message("user", text)};
  return request;
}

ScriptedChatModel echo() {
  return ScriptedChatModel::with_text([](const std::string& text) { return "echo " + text; });
}

TEST(CanonicalJson, OrdersMembersAtEveryDepth) {
  const auto a = parse_json(R"({"b": [{"y": 1, "x": null}], "a": {"d": 2, "c": 3}})");
  EXPECT_EQ(canonical_json(*a), R"({"a":{"c":3,"d":2},"b":[{"x":null,"y":1}]})");
}

TEST(CallCache, KeepsWhatWasWrittenFirst) {
  const TemporaryFolder folder;
  const CallKey key = {"model", "{}", 0};
  {
    const auto cache = open_cache(folder.file("calls.db"));
    EXPECT_FALSE(cache->find(key)->has_value());
    ASSERT_TRUE(cache->put(key, "first"));
    ASSERT_TRUE(cache->put(key, "second"));
  }
  const auto cache = open_cache(folder.file("calls.db"));
  const auto found = cache->find(key);
  ASSERT_TRUE(found && found->has_value());
  EXPECT_EQ((*found)->as_string(), "first");
  EXPECT_EQ(cache->size().value_or(0), 1);
  for (const CallKey& other :
       {CallKey{"other", "{}", 0}, CallKey{"model", "[]", 0}, CallKey{"model", "{}", 1}}) {
    EXPECT_FALSE(cache->find(other)->has_value());
  }
}

TEST(CallCache, ServesTwoConnectionsAtOnce) {
  const TemporaryFolder folder;
  const auto one = open_cache(folder.file("calls.db"));
  const auto two = open_cache(folder.file("calls.db"));
  ASSERT_TRUE(one->put({"m", "{}", 0}, 1));
  ASSERT_TRUE(two->find({"m", "{}", 0})->has_value());
  ASSERT_TRUE(two->put({"m", "{}", 1}, 2));
  ASSERT_TRUE(one->find({"m", "{}", 1})->has_value());
}

TEST(CallCache, NamesADamagedFile) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_atomic(folder.file("calls.db"), std::string(4096, '?')));
  const auto cache = CallCache::open(folder.file("calls.db"));
  ASSERT_FALSE(cache);
  EXPECT_EQ(cache.error().code, Code::kCorruptData);
  EXPECT_THAT(cache.error().message, HasSubstr("calls.db"));
  EXPECT_THAT(cache.error().message, HasSubstr("move it away"));
}

TEST(CallCache, NamesADamagedRow) {
  const TemporaryFolder folder;
  const std::string path = folder.file("calls.db");
  ScriptedChatModel model = echo();
  for (const char* bad : {"'{'", "'{}'", "'{\"text\":1}'"}) {
    const auto cache = open_cache(path);
    CachedChatModel cached(model, cache);
    (void)complete(cached, ask("hi"));
    auto database = Database::open(path);
    ASSERT_TRUE(database);
    ASSERT_TRUE((*database)->execute(std::string("UPDATE calls SET response = ") + bad));
    const auto response = complete(cached, ask("hi"));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Code::kCorruptData);
    EXPECT_THAT(response.error().message, HasSubstr("calls.db"));
  }
}

TEST(CachedChatModel, AsksOnceForEqualRequests) {
  const TemporaryFolder folder;
  ScriptedChatModel model = echo();
  CachedChatModel cached(model, open_cache(folder.file("calls.db")));
  const auto first = complete(cached, ask("a"));
  const auto again = complete(cached, ask("a"));
  ASSERT_TRUE(first && again);
  EXPECT_FALSE(first->from_cache);
  EXPECT_TRUE(again->from_cache);
  EXPECT_EQ(again->text, "echo a");
  EXPECT_EQ(model.calls(), 1);
}

TEST(CachedChatModel, TellsRequestsApartByEveryField) {
  const TemporaryFolder folder;
  ScriptedChatModel model = echo();
  CachedChatModel cached(model, open_cache(folder.file("calls.db")));
  std::vector<ChatRequest> requests(12, ask("a"));
  requests[1].messages[0].role = "system";
  requests[2].sampling.temperature = 1;
  requests[3].sampling.seed = 1;
  requests[4].sampling.max_tokens = 1;
  requests[5].sampling.stop = {"x"};
  requests[6].sample_index = 1;
  requests[7].logprobs = true;
  requests[8].tools = Json::array();
  requests[9].template_variables = Json::object().set("k", 1);
  requests[10].extra_body = Json::object().set("k", 1);
  requests[11].raw_prompt = "a";
  for (const ChatRequest& request : requests) {
    ASSERT_TRUE(complete(cached, request));
  }
  EXPECT_EQ(model.calls(), 12);
  for (const ChatRequest& request : requests) {
    EXPECT_TRUE(complete(cached, request)->from_cache);
  }
}

TEST(CachedChatModel, NeverKeepsFailuresOrCancelledAnswers) {
  const TemporaryFolder folder;
  int calls = 0;
  ScriptedChatModel model([&](const ChatRequest&) -> Result<ChatResponse> {
    ++calls;
    if (calls == 1) {
      return unavailable("down");
    }
    ChatResponse response;
    response.finish_reason = calls == 2 ? FinishReason::kCancelled : FinishReason::kLength;
    return response;
  });
  CachedChatModel cached(model, open_cache(folder.file("calls.db")));
  EXPECT_FALSE(complete(cached, ask("a")));
  EXPECT_EQ(complete(cached, ask("a"))->finish_reason, FinishReason::kCancelled);
  EXPECT_EQ(complete(cached, ask("a"))->finish_reason, FinishReason::kLength);
  EXPECT_TRUE(complete(cached, ask("a"))->from_cache);
  EXPECT_EQ(calls, 3);
}

TEST(CachedChatModel, PassesOnWhatJsonCannotHold) {
  const TemporaryFolder folder;
  ScriptedChatModel model([](const ChatRequest&) -> Result<ChatResponse> {
    ChatResponse response;
    response.text = "ok";
    response.logprobs = {-std::numeric_limits<float>::infinity()};
    return response;
  });
  const auto cache = open_cache(folder.file("calls.db"));
  CachedChatModel cached(model, cache);
  ChatRequest picture = ask("a");
  picture.messages[0].parts.emplace_back(ImagePart{.media_type = "", .bytes = "png", .uri = ""});
  for (const ChatRequest& request : {picture, ask("\xFF"), ask("infinite")}) {
    ASSERT_TRUE(complete(cached, request));
    EXPECT_FALSE(complete(cached, request)->from_cache);
  }
  EXPECT_EQ(cache->size().value_or(-1), 0);
}

TEST(CachedChatModel, ShowsACachedAnswerToTheStream) {
  const TemporaryFolder folder;
  ScriptedChatModel model = echo();
  CachedChatModel cached(model, open_cache(folder.file("calls.db")));
  (void)complete(cached, ask("a"));
  std::string shown;
  bool done = false;
  cached.submit(ask("a"), {.on_delta = [&](std::string_view text) { shown += text; },
                           .on_done = [&](const auto& response) { done = response->from_cache; }});
  EXPECT_EQ(shown, "echo a");
  EXPECT_TRUE(done);
}

TEST(CallCodec, RestoresEveryFieldOfAResponse) {
  ChatResponse response;
  response.text = "\xE2\x82\xAC \"x\"\n";
  response.ids = {0, 5, 2147483647};
  response.logprobs = {-0.1F, -1e-30F, 0};
  response.finish_reason = FinishReason::kFiltered;
  response.usage = {.prompt_tokens = 1, .completion_tokens = 2, .cached_tokens = 3};
  response.timings = {.prefill_s = 0.1, .decode_s = 1.0 / 3};
  const auto json = encode_response(response);
  ASSERT_TRUE(json);
  const auto text = parse_json(dump_json(*json));
  const auto back = decode_chat_response(*text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->text, response.text);
  EXPECT_EQ(back->ids, response.ids);
  EXPECT_EQ(back->logprobs, response.logprobs);
  EXPECT_EQ(back->finish_reason, response.finish_reason);
  EXPECT_EQ(back->usage.cached_tokens, 3);
  EXPECT_EQ(back->timings.decode_s, 1.0 / 3);
}

TEST(CachedScorer, KeepsLabelAndCompletionScores) {
  const TemporaryFolder folder;
  ScriptedScorer scorer([](const Conversation&, const std::string& label) {
    return label == "Yes" ? std::optional(-1.0 / 3) : std::nullopt;
  });
  CostLedger ledger;
  MeteredScorer metered(scorer, {"judge", "print"}, ledger);
  CachedScorer cached(metered, {"judge", "print"}, open_cache(folder.file("calls.db")), &ledger);
  LabelScoreRequest labels;
  labels.prompts = {{text_message("user", "q")}};
  labels.labels = {"Yes", "No"};
  CompletionScoreRequest completions;
  completions.raw_prompt = "q";
  completions.completions = {"abc"};
  for (int i = 0; i < 2; ++i) {
    const auto scored = cached.score_labels(labels);
    ASSERT_TRUE(scored) << scored.error().message;
    EXPECT_EQ(scored->scores[0].logprobs[0], -1.0 / 3);
    EXPECT_EQ(scored->scores[0].logprobs[1], std::nullopt);
    EXPECT_EQ(scored->prompt_tokens, 1);
    const auto sums = cached.score(completions);
    ASSERT_TRUE(sums);
    EXPECT_EQ(sums->at(0).sum, -3.0);
    EXPECT_EQ(sums->at(0).ids, std::vector<TokenId>{1});
  }
  EXPECT_EQ(scorer.calls(), 2);
  EXPECT_EQ(ledger.costs()["judge"].calls, 2);
  EXPECT_EQ(ledger.costs()["judge"].cached_calls, 2);
}

TEST(CachedScorer, DoesNotKeepInfinities) {
  const TemporaryFolder folder;
  ScriptedScorer scorer([](const Conversation&, const std::string&) {
    return std::optional(-std::numeric_limits<double>::infinity());
  });
  CachedScorer cached(scorer, {"judge", "print"}, open_cache(folder.file("calls.db")));
  LabelScoreRequest request;
  request.prompts = {{text_message("user", "q")}};
  request.labels = {"Yes"};
  ASSERT_TRUE(cached.score_labels(request));
  ASSERT_TRUE(cached.score_labels(request));
  EXPECT_EQ(scorer.calls(), 2);
}

}  // namespace
}  // namespace cupel::store
