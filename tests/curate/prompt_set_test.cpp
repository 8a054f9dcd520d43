#include "curate/prompt_set.h"

#include <algorithm>
#include <iterator>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::curate {
namespace {

using testing::HasSubstr;

std::shared_ptr<const Rule> short_rule() {
  return std::make_shared<const Rule>(
      *Rule::parse(Json::object().set("kind", "words").set("max", 3)));
}

class PromptSet : public testing::Test {
 protected:
  Result<std::vector<RulePrompt>> read(std::string_view text,
                                       std::shared_ptr<const Rule> rule = short_rule()) {
    EXPECT_TRUE(write_file_atomic(folder_.file("p.jsonl"), text).has_value());
    return read_prompts(folder_.file("p.jsonl"), rule);
  }
  std::string message(std::string_view text, std::shared_ptr<const Rule> rule = short_rule()) {
    const auto read_back = read(text, rule);
    EXPECT_FALSE(read_back.has_value());
    return read_back ? "" : read_back.error().message;
  }

  test::TemporaryFolder folder_;
};

TEST_F(PromptSet, TextsMessagesIdsGroupsAndRules) {
  const auto prompts = read(
      "{\"prompt\": \"Say hello.\"}\n"
      "{\"id\": 7, \"group\": \"g\", \"prompt\": [{\"role\": \"system\", \"content\": \"Be "
      "brief.\"}, "
      "{\"role\": \"user\", \"content\": \"Hi\"}], \"rule\": {\"kind\": \"words\", \"max\": 1}}\n");
  ASSERT_TRUE(prompts.has_value()) << prompts.error().message;
  ASSERT_EQ(prompts->size(), 2U);
  EXPECT_EQ((*prompts)[0].id, "1");
  EXPECT_EQ((*prompts)[0].group, "1");
  EXPECT_EQ((*prompts)[0].messages.back().text(), "Say hello.");
  EXPECT_EQ((*prompts)[1].id, "7");
  EXPECT_EQ((*prompts)[1].group, "g");
  EXPECT_EQ((*prompts)[1].messages.size(), 2U);
  EXPECT_TRUE((*prompts)[0].rule->grade("a b c").passes());
  EXPECT_FALSE((*prompts)[1].rule->grade("a b c").passes());
}

TEST_F(PromptSet, MistakesNameTheLine) {
  EXPECT_THAT(message("{\"prompt\": \"a\"}\n{\"text\": \"b\"}\n"),
              HasSubstr("p.jsonl:2: there is no \"prompt\""));
  EXPECT_THAT(message("{\"prompt\": \" \"}\n"), HasSubstr("empty"));
  EXPECT_THAT(message("{\"prompt\": \"a\"}\n", nullptr), HasSubstr("no \"rule\""));
  EXPECT_THAT(message("{\"prompt\": \"a\", \"rule\": {\"kind\": \"nonsense\"}}\n"),
              HasSubstr("p.jsonl:1: item 1 of the rule"));
  EXPECT_THAT(message("{\"id\": \"x\", \"prompt\": \"a\"}\n{\"id\": \"x\", \"prompt\": \"b\"}\n"),
              HasSubstr("p.jsonl:2: the id \"x\""));
  EXPECT_THAT(message("{\"prompt\": \"a\"}\n{\"prompt\": \"a\"}\n"),
              HasSubstr("that of \"1\" again"));
  EXPECT_THAT(message("{\"prompt\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n"),
              HasSubstr("not the user's"));
  EXPECT_THAT(message(""), HasSubstr("holds no prompts"));
}

TEST_F(PromptSet, WholeGroupsAreHeldOut) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "{\"prompt\": \"p" + std::to_string(i) + "\", \"group\": \"g" + std::to_string(i / 4) +
            "\"}\n";
  }
  const auto prompts = read(text);
  ASSERT_TRUE(prompts.has_value()) << prompts.error().message;
  const auto split = hold_out(*prompts, 10, 3);
  ASSERT_TRUE(split.has_value()) << split.error().message;
  EXPECT_EQ(split->held_out.size(), 12U);
  EXPECT_EQ(split->kept.size(), 28U);
  std::set<std::string> held;
  for (const RulePrompt& prompt : split->held_out) {
    held.insert(prompt.group);
  }
  for (const RulePrompt& prompt : split->kept) {
    EXPECT_FALSE(held.contains(prompt.group)) << prompt.group;
  }
  const auto again = hold_out(*prompts, 10, 3);
  EXPECT_EQ(again->held_out.front().id, split->held_out.front().id);
  const auto other = hold_out(*prompts, 10, 4);
  std::set<std::string> other_held;
  for (const RulePrompt& prompt : other->held_out) {
    other_held.insert(prompt.group);
  }
  EXPECT_NE(held, other_held);
  EXPECT_THAT(hold_out(*prompts, 40, 3).error().message, HasSubstr("none would be left"));
}

// Ten groups of four; an eleventh one takes the place of the last group held out, or of none.
TEST_F(PromptSet, WhatIsHeldOutStaysWhereGroupsAreAdded) {
  std::string text;
  const auto held = [&](int groups, uint64_t seed) {
    text.clear();
    for (int i = 0; i < 4 * groups; ++i) {
      text += "{\"prompt\": \"p" + std::to_string(i) + "\", \"group\": \"g" +
              std::to_string(i / 4) + "\"}\n";
    }
    const auto prompts = read(text);
    EXPECT_TRUE(prompts.has_value()) << prompts.error().message;
    std::set<std::string> out;
    const auto split = hold_out(*prompts, 12, seed);
    EXPECT_TRUE(split.has_value()) << split.error().message;
    for (const RulePrompt& prompt : split->held_out) {
      out.insert(prompt.group);
    }
    return out;
  };
  int moved = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    const auto before = held(10, seed);
    const auto after = held(11, seed);
    ASSERT_EQ(before.size(), 3U);
    ASSERT_EQ(after.size(), 3U);
    std::vector<std::string> come;
    std::ranges::set_difference(after, before, std::back_inserter(come));
    EXPECT_THAT(come, testing::AnyOf(testing::IsEmpty(), testing::ElementsAre("g10"))) << seed;
    moved += come.empty() ? 0 : 1;
  }
  EXPECT_GT(moved, 0);  // the new group is drawn like any other
  EXPECT_LT(moved, 20);
}

TEST_F(PromptSet, HeldOutPromptsAreABenchmarkWithTheSameRules) {
  const auto prompts = read("{\"prompt\": \"Say hello.\"}\n{\"prompt\": \"Say more.\"}\n");
  ASSERT_TRUE(prompts.has_value());
  const auto written = write_benchmark(
      *prompts,
      {.folder = folder_.file("bench"), .title = "T", .temperature = 0.5, .max_tokens = 9});
  ASSERT_TRUE(written.has_value()) << written.error().message;
  const auto benchmark = judge::load_benchmark(folder_.file("bench"));
  ASSERT_TRUE(benchmark.has_value()) << benchmark.error().message;
  EXPECT_EQ(benchmark->questions.size(), 2U);
  EXPECT_EQ(benchmark->max_tokens, 9);
  EXPECT_EQ(benchmark->temperature(benchmark->questions[0]), 0.5);
  const auto back = prompts_of(*benchmark);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(back->left_out, 0);
  ASSERT_EQ(back->prompts.size(), 2U);
  EXPECT_EQ(back->prompts[1].key, (*prompts)[1].key);
  EXPECT_FALSE(back->prompts[1].rule->grade("a b c d").passes());
}

TEST_F(PromptSet, WhatABenchmarkCannotSayIsNotHeldOut) {
  const auto prompts = read(
      "{\"id\": \"two\", \"prompt\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": "
      "\"user\", \"content\": \"u\"}]}\n");
  ASSERT_TRUE(prompts.has_value());
  const auto written = write_benchmark(*prompts, {.folder = folder_.file("bench"), .title = "T"});
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(written.error().code, Code::kUnsupported);
  EXPECT_THAT(written.error().message, HasSubstr("\"two\" has 2 messages"));
}

}  // namespace
}  // namespace cupel::curate
