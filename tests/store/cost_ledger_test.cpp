#include "store/cost_ledger.h"

#include <gtest/gtest.h>

#include "store/cached_models.h"
#include "support/scripted_chat_model.h"
#include "support/test_paths.h"

namespace cupel::store {
namespace {

using test::ScriptedChatModel;
using test::ScriptedScorer;

// 1,000 prompt and 500 completion tokens a call: at 2/4 a million, 0.002 + 0.002 = 0.004.
ScriptedChatModel paid_model() {
  return ScriptedChatModel(
      [](const ChatRequest&) -> Result<ChatResponse> {
        ChatResponse response;
        response.text = "ok";
        response.usage = {.prompt_tokens = 1000, .completion_tokens = 500};
        return response;
      },
      "paid");
}
const std::map<std::string, Price> kPrices = {{"paid", {.prompt = 2, .completion = 4}}};

ChatRequest ask(std::string_view text) {
  ChatRequest request;
  request.messages = {text_message("user", text)};
  return request;
}

TEST(ParsePrice, ReadsModelAndAmounts) {
  const auto price = parse_price("my-judge=0.15/0.6");
  ASSERT_TRUE(price) << price.error().message;
  EXPECT_EQ(price->first, "my-judge");
  EXPECT_EQ(price->second.prompt, 0.15);
  EXPECT_EQ(price->second.completion, 0.6);
  EXPECT_TRUE(parse_price("m=0/0"));
}

TEST(ParsePrice, RefusesEverythingElse) {
  for (const char* text : {"", "m", "m=", "m=1", "m=1/", "m=/1", "=1/2", "m=-1/2", "m=1/nan",
                           "m=inf/1", "m=1/2/3", "m=a/b", "1/2", "m/1=2"}) {
    const auto price = parse_price(text);
    ASSERT_FALSE(price) << text;
    EXPECT_EQ(price.error().code, Code::kInvalidArgument);
  }
}

TEST(MeteredChatModel, CountsTokensAndMoney) {
  CostLedger ledger(kPrices);
  ScriptedChatModel model = paid_model();
  MeteredChatModel metered(model, ledger);
  ASSERT_TRUE(complete(metered, ask("a")));
  ASSERT_TRUE(complete(metered, ask("b")));
  const ModelCost cost = ledger.costs()["paid"];
  EXPECT_EQ(cost.calls, 2);
  EXPECT_EQ(cost.prompt_tokens, 2000);
  EXPECT_EQ(cost.completion_tokens, 1000);
  EXPECT_DOUBLE_EQ(cost.cost.value_or(0), 0.008);
  EXPECT_DOUBLE_EQ(ledger.total_cost(), 0.008);
}

TEST(MeteredChatModel, RefusesCallsWhenTheBudgetIsSpent) {
  CostLedger ledger(kPrices, 0.0079);
  ScriptedChatModel model = paid_model();
  MeteredChatModel metered(model, ledger);
  EXPECT_TRUE(complete(metered, ask("a")));
  EXPECT_TRUE(complete(metered, ask("b")));
  const auto third = complete(metered, ask("c"));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::kExhausted);
  EXPECT_NE(third.error().message.find("--max-cost"), std::string::npos);
  EXPECT_EQ(model.calls(), 2);
}

TEST(MeteredChatModel, LetsFreeModelsGoOn) {
  CostLedger ledger({{"free", {}}}, 0);
  ScriptedChatModel model([](const ChatRequest&) { return Result<ChatResponse>(ChatResponse{}); },
                          "free");
  MeteredChatModel metered(model, ledger);
  EXPECT_TRUE(complete(metered, ask("a")));
  CostLedger nothing_to_spend(kPrices, 0);
  EXPECT_FALSE(nothing_to_spend.check_budget("paid"));
  EXPECT_TRUE(nothing_to_spend.check_budget("unknown"));
}

TEST(MeteredChatModel, CountsCachedCallsApartAndForFree) {
  const test::TemporaryFolder folder;
  auto cache = CallCache::open(folder.file("calls.db"));
  ASSERT_TRUE(cache);
  CostLedger ledger(kPrices, 0.004);
  ScriptedChatModel model = paid_model();
  MeteredChatModel metered(model, ledger);
  CachedChatModel cached(metered, *cache, &ledger);
  EXPECT_TRUE(complete(cached, ask("a")));
  EXPECT_TRUE(complete(cached, ask("a")));  // the budget is spent, but this is known
  EXPECT_FALSE(complete(cached, ask("b")));
  EXPECT_EQ(ledger.costs()["paid"].calls, 1);
  EXPECT_EQ(ledger.costs()["paid"].cached_calls, 1);
}

TEST(CostLedger, CountsAnAnswerThatAnEarlierProcessPaidForOnce) {
  CostLedger ledger(kPrices, 0.008);
  const Usage usage = {.prompt_tokens = 1000, .completion_tokens = 500};  // 0.004, see above
  ledger.add_known_call("paid", "in a row of the run", usage);
  ledger.add_known_call("paid", "in a row of the run", usage);
  EXPECT_FALSE(ledger.budget_is_spent());
  ledger.add_known_call("paid", "left in the cache by a killed process", usage);
  EXPECT_TRUE(ledger.budget_is_spent());
  EXPECT_DOUBLE_EQ(ledger.total_cost(), 0.008);
  ledger.add_call("paid", "asked again, since the cache was lost", usage);
  ledger.add_call("paid", "asked again, since the cache was lost", usage);
  EXPECT_DOUBLE_EQ(ledger.total_cost(), 0.016);
  EXPECT_EQ(ledger.costs()["paid"].calls, 4);
  EXPECT_EQ(ledger.costs()["paid"].cached_calls, 1);
}

TEST(CostLedger, KnowsNoCostWithoutAPrice) {
  CostLedger ledger(kPrices);
  ledger.add_call("local", "a", {.prompt_tokens = 1000, .completion_tokens = 500});
  EXPECT_FALSE(ledger.costs()["local"].cost.has_value());
  EXPECT_EQ(ledger.total_cost(), 0);
  EXPECT_FALSE(ledger.budget_is_spent());
}

TEST(ParseMaxCost, ReadsAnAmountOfAtLeastZero) {
  EXPECT_EQ(parse_max_cost("2.50").value_or(-1), 2.5);
  EXPECT_EQ(parse_max_cost("0").value_or(-1), 0);
  for (const char* text : {"", "-1", "nan", "inf", "1,5", "1$"}) {
    const auto cost = parse_max_cost(text);
    ASSERT_FALSE(cost) << text;
    EXPECT_EQ(cost.error().code, Code::kInvalidArgument);
    EXPECT_NE(cost.error().message.find("--max-cost"), std::string::npos);
  }
}

TEST(MeteredScorer, CountsAndRefuses) {
  CostLedger ledger(kPrices, 2e-6);
  ScriptedScorer scorer([](const Conversation&, const std::string&) { return -1.0; });
  MeteredScorer metered(scorer, {"paid", "print"}, ledger);
  LabelScoreRequest request;
  request.prompts = {{text_message("user", "q")}};
  request.labels = {"Yes"};
  EXPECT_TRUE(metered.score_labels(request));  // 1 prompt and 1 completion token: 6e-6
  EXPECT_EQ(ledger.costs()["paid"].prompt_tokens, 1);
  EXPECT_EQ(metered.score_labels(request).error().code, Code::kExhausted);
  EXPECT_EQ(metered.score({}).error().code, Code::kExhausted);
}

}  // namespace
}  // namespace cupel::store
