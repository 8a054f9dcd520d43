#include "train/data/truncation.h"

#include <gtest/gtest.h>

namespace cupel::train {
namespace {

Example example(std::vector<int32_t> ids, std::vector<float> weights) {
  return {.ids = std::move(ids), .weights = std::move(weights), .id = "row"};
}

/// Two instruction tokens, three to learn.
Example five() {
  return example({1, 2, 3, 4, 5}, {0, 0, 1, 1, 1});
}

TEST(Truncate, KeepsWhatFits) {
  std::vector<Example> out;
  EXPECT_EQ(truncate(five(), 5, Truncation::kDrop, out), Fit::kKept);
  EXPECT_EQ(out.at(0).ids, five().ids);
  EXPECT_EQ(out.at(0).id, "row");
}

TEST(Truncate, CutsEitherEndWithItsWeights) {
  std::vector<Example> out;
  EXPECT_EQ(truncate(five(), 3, Truncation::kKeepStart, out), Fit::kKept);
  EXPECT_EQ(out.at(0).ids, std::vector<int32_t>({1, 2, 3}));
  EXPECT_EQ(out.at(0).weights, std::vector<float>({0, 0, 1}));
  EXPECT_EQ(truncate(five(), 3, Truncation::kKeepEnd, out), Fit::kKept);
  EXPECT_EQ(out.at(1).ids, std::vector<int32_t>({3, 4, 5}));
  EXPECT_EQ(out.at(1).trained_tokens(), 2) << "the first token has nothing before it";
}

TEST(Truncate, DropsWhatHasNothingToLearn) {
  std::vector<Example> out;
  // The completion is cut off: dropped under a completion mask …
  EXPECT_EQ(truncate(five(), 2, Truncation::kKeepStart, out), Fit::kUntrained);
  // … and kept where instructions are learnt too.
  EXPECT_EQ(truncate(example({1, 2, 3, 4, 5}, {1, 1, 1, 1, 1}), 2, Truncation::kKeepStart, out),
            Fit::kKept);
  EXPECT_EQ(truncate(five(), 4, Truncation::kDrop, out), Fit::kTooLong);
  EXPECT_EQ(out.size(), 1U);
}

TEST(Truncate, SplitsIntoPartsThatTeach) {
  std::vector<Example> out;
  Example weighted = five();
  weighted.weight = 0.25;
  EXPECT_EQ(truncate(std::move(weighted), 2, Truncation::kSplit, out), Fit::kKept);
  // [1 2] teaches nothing, [3 4] teaches 4, [5] has no label.
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].ids, std::vector<int32_t>({3, 4}));
  EXPECT_EQ(out[0].weight, 0.25);
}

ExampleGroup pair() {
  ExampleGroup group{.prompt_tokens = 3};
  group.answers = {example({0, 1, 2, 7, 8}, {0, 0, 0, 1, 1}), example({0, 1, 2, 9}, {0, 0, 0, 1})};
  return group;
}

TEST(TruncateGroup, CutsThePromptFromTheLeftAlikeForAllAnswers) {
  ExampleGroup group = pair();
  EXPECT_EQ(truncate_group(group, 4, Truncation::kKeepEnd, 0), Fit::kKept);
  EXPECT_EQ(group.prompt_tokens, 2);
  EXPECT_EQ(group.answers[0].ids, std::vector<int32_t>({1, 2, 7, 8}));
  EXPECT_EQ(group.answers[1].ids, std::vector<int32_t>({1, 2, 9}));
  EXPECT_EQ(group.answers[1].weights, std::vector<float>({0, 0, 1}));
}

TEST(TruncateGroup, RolesStayBesideTheirTokens) {
  using enum TokenRole;
  ExampleGroup group = pair();
  group.answers[0].roles = {kTemplate, kInstruction, kInstruction, kCompletion, kCompletion};
  group.answers[1].roles = {kTemplate, kInstruction, kInstruction, kCompletion};
  EXPECT_EQ(truncate_group(group, 3, Truncation::kKeepEnd, 0), Fit::kKept);
  EXPECT_EQ(group.answers[0].roles,
            (std::vector<TokenRole>{kInstruction, kCompletion, kCompletion}));
  EXPECT_EQ(group.answers[1].roles, (std::vector<TokenRole>{kInstruction, kCompletion}));
  EXPECT_EQ(truncate_group(group, 2, Truncation::kKeepStart, 0), Fit::kKept);
  EXPECT_EQ(group.answers[0].roles, (std::vector<TokenRole>{kInstruction, kCompletion}));
}

TEST(TruncateGroup, KeepsTheFirstTokenWhereAsked) {
  ExampleGroup group = pair();
  EXPECT_EQ(truncate_group(group, 4, Truncation::kKeepEnd, 1), Fit::kKept);
  EXPECT_EQ(group.answers[0].ids, std::vector<int32_t>({0, 2, 7, 8}));
  group = pair();
  // BOS and one token stay: one can be cut, not two.
  EXPECT_EQ(truncate_group(group, 3, Truncation::kKeepEnd, 1), Fit::kTooLong);
  group = pair();
  EXPECT_EQ(truncate_group(group, 3, Truncation::kKeepEnd, 0), Fit::kKept);
  EXPECT_EQ(group.answers[0].ids, std::vector<int32_t>({2, 7, 8}));
}

TEST(TruncateGroup, CutsAnswersOrLeavesThePairOut) {
  ExampleGroup group = pair();
  EXPECT_EQ(truncate_group(group, 4, Truncation::kKeepStart, 0), Fit::kKept);
  EXPECT_EQ(group.answers[0].ids, std::vector<int32_t>({0, 1, 2, 7}));
  group = pair();
  EXPECT_EQ(truncate_group(group, 3, Truncation::kKeepStart, 0), Fit::kTooLong)
      << "no room for an answer";
  EXPECT_EQ(truncate_group(group, 4, Truncation::kDrop, 0), Fit::kTooLong);
  group = pair();
  EXPECT_EQ(truncate_group(group, 5, Truncation::kDrop, 0), Fit::kKept);
  group.answers[1].weights.assign(4, 0);
  EXPECT_EQ(truncate_group(group, 5, Truncation::kDrop, 0), Fit::kUntrained);
}

}  // namespace
}  // namespace cupel::train
