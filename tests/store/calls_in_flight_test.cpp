// Equal calls at the same time: one is made, the others are given its answer.
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "store/cached_models.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::store {
namespace {

using test::ScriptedScorer;
using test::TemporaryFolder;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ChatRequest ask(std::string_view text) {
  ChatRequest request;
  request.messages = {text_message("user", text)};
  return request;
}

// Holds every call until the test answers it.
class HoldingModel : public ChatModel {
 public:
  [[nodiscard]] const std::string& name() const override { return name_; }
  [[nodiscard]] std::string fingerprint() const override { return "holding"; }
  [[nodiscard]] Capabilities capabilities() const override { return {.chat = true}; }
  std::shared_ptr<ChatCall> submit(ChatRequest, ChatSink sink) override {
    struct Call : ChatCall {};
    held.push_back(std::move(sink));
    calls.push_back(std::make_shared<Call>());
    return calls.back();
  }
  [[nodiscard]] Result<int64_t> count_prompt_tokens(const ChatRequest&) const override { return 1; }

  void answer(size_t call, const std::string& text) {
    ChatResponse response;
    response.text = text;
    response.usage = {.prompt_tokens = 10, .completion_tokens = 5};
    held.at(call).on_done(std::move(response));
  }

  std::vector<ChatSink> held;
  std::vector<std::shared_ptr<ChatCall>> calls;

 private:
  std::string name_ = "holding";
};

class CallsInFlightTest : public ::testing::Test {
 protected:
  CallsInFlightTest() : cache_(*CallCache::open(folder_.file("calls.db"))) {}

  // Two contenders that are the same model.
  std::shared_ptr<ChatCall> submit(CachedChatModel& model, const std::string& who) {
    return model.submit(ask("a"),
                        {.on_delta = {}, .on_done = [this, who](const auto& response) {
                           seen_.push_back(who + ": " +
                                           (response ? response->text : response.error().message) +
                                           (response && response->from_cache ? " (cached)" : ""));
                         }});
  }

  TemporaryFolder folder_;
  std::shared_ptr<CallCache> cache_;
  HoldingModel model_;
  CostLedger ledger_;
  MeteredChatModel metered_{model_, ledger_};
  CachedChatModel one_{metered_, cache_, &ledger_};
  CachedChatModel two_{metered_, cache_, &ledger_};
  std::vector<std::string> seen_;
};

TEST_F(CallsInFlightTest, AnswersTheSecondFromTheFirst) {
  (void)submit(one_, "one");
  (void)submit(two_, "two");
  ASSERT_EQ(model_.held.size(), 1U);
  EXPECT_THAT(seen_, IsEmpty());
  model_.answer(0, "yes");
  EXPECT_THAT(seen_, ElementsAre("one: yes", "two: yes (cached)"));
  EXPECT_EQ(model_.held.size(), 1U);
  EXPECT_EQ(ledger_.costs()["holding"].calls, 1);
  EXPECT_EQ(ledger_.costs()["holding"].cached_calls, 1);
}

TEST_F(CallsInFlightTest, LetsTheOthersAskWhenTheFirstFails) {
  (void)submit(one_, "one");
  (void)submit(two_, "two");
  (void)submit(two_, "three");
  model_.held.at(0).on_done(unavailable("down"));
  EXPECT_THAT(seen_, ElementsAre("one: down"));
  ASSERT_EQ(model_.held.size(), 2U);  // two asks, three waits for it
  model_.answer(1, "up");
  EXPECT_THAT(seen_, ElementsAre("one: down", "two: up", "three: up (cached)"));
}

TEST_F(CallsInFlightTest, CancelReachesTheCallOrEndsTheWait) {
  const auto first = submit(one_, "one");
  const auto second = submit(two_, "two");
  second->cancel();
  EXPECT_FALSE(model_.calls.at(0)->cancelled());
  first->cancel();
  EXPECT_TRUE(model_.calls.at(0)->cancelled());
  model_.held.at(0).on_done(cancelled("stopped"));
  EXPECT_THAT(seen_, ElementsAre("one: stopped",
                                 "two: the call was cancelled while it waited for an equal one"));
  EXPECT_EQ(model_.held.size(), 1U);
}

TEST(CachedScorer, AsksOnceForEqualRequestsAtTheSameTime) {
  const TemporaryFolder folder;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  ScriptedScorer scorer([&](const Conversation&, const std::string&) {
    most = std::max(most.load(), ++inside);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    --inside;
    return std::optional(-1.0);
  });
  const auto cache = *CallCache::open(folder.file("calls.db"));
  CachedScorer cached(scorer, {"judge", "print"}, cache);
  LabelScoreRequest request;
  request.prompts = {{text_message("user", "q")}};
  request.labels = {"Yes"};
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { answered += cached.score_labels(request) ? 1 : 0; });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(answered, 8);
  EXPECT_EQ(scorer.calls(), 1);
  EXPECT_EQ(most, 1);
}

}  // namespace
}  // namespace cupel::store
