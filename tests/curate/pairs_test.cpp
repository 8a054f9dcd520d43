#include "curate/pairs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cupel::curate {
namespace {

/// Each with a text of its own.
SampledAnswer answer(bool passes, int64_t tokens, bool whole = true) {
  static int number = 0;
  return {.text = "t" + std::to_string(++number),
          .tokens = tokens,
          .whole = whole,
          .grade = {.held = passes ? 1 : 0, .items = 1}};
}

std::vector<std::pair<size_t, size_t>> chosen(const std::vector<SampledAnswer>& answers,
                                              const PairOptions& options) {
  std::vector<std::pair<size_t, size_t>> out;
  for (const AnswerPair& pair : choose_pairs(answers, options)) {
    out.emplace_back(pair.chosen, pair.rejected);
  }
  return out;
}

using Places = std::vector<std::pair<size_t, size_t>>;

TEST(ChoosePairs, OneThatPassesAgainstOneThatDoesNot) {
  EXPECT_EQ(chosen({answer(false, 10), answer(true, 10)}, {}), (Places{{1, 0}}));
  EXPECT_TRUE(chosen({answer(true, 10), answer(true, 10)}, {}).empty());
  EXPECT_TRUE(chosen({answer(false, 10), answer(false, 10)}, {}).empty());
}

TEST(ChoosePairs, OfLikeLengthFirstAndNoAnswerTwice) {
  const std::vector<SampledAnswer> answers = {answer(true, 10), answer(true, 30), answer(false, 28),
                                              answer(false, 11), answer(false, 12)};
  EXPECT_EQ(chosen(answers, {.most = 1}), (Places{{1, 2}}));  // 30/28 < 11/10
  EXPECT_EQ(chosen(answers, {.most = 5}), (Places{{1, 2}, {0, 3}}));
}

TEST(ChoosePairs, NeverBeyondTheRatioOfLengths) {
  const std::vector<SampledAnswer> answers = {answer(true, 10), answer(false, 16)};
  EXPECT_TRUE(chosen(answers, {.length_ratio = 1.5}).empty());
  EXPECT_EQ(chosen(answers, {.length_ratio = 1.6}).size(), 1U);
}

TEST(ChoosePairs, WhatIsCutShortEmptyOrAnErrorIsInNone) {
  SampledAnswer empty = answer(false, 10);
  empty.text.clear();
  SampledAnswer failed = answer(false, 10);
  failed.error = "too long";
  EXPECT_TRUE(chosen({answer(true, 10), answer(false, 10, false), empty, failed}, {}).empty());
  EXPECT_TRUE(chosen({answer(true, 10, false), answer(false, 10)}, {}).empty());
}

TEST(ChoosePairs, OneTextOfSeveralSamplesIsUsedOnce) {
  std::vector<SampledAnswer> answers = {answer(true, 8), answer(true, 8), answer(false, 8),
                                        answer(false, 8), answer(false, 9)};
  answers[1].text = answers[0].text;
  answers[3].text = answers[2].text;
  EXPECT_EQ(chosen(answers, {.most = 5}), (Places{{0, 2}}));
  answers[1].text = "another";
  EXPECT_EQ(chosen(answers, {.most = 5}), (Places{{0, 2}, {1, 4}}));
}

TEST(ChoosePairs, TiesGoToTheEarlierSamples) {
  const std::vector<SampledAnswer> answers = {answer(false, 8), answer(true, 8), answer(true, 8),
                                              answer(false, 8)};
  EXPECT_EQ(chosen(answers, {.most = 2}), (Places{{1, 0}, {2, 3}}));
}

}  // namespace
}  // namespace cupel::curate
