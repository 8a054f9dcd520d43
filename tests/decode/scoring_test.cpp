// Scores of given texts: the same bits as generation gives, whatever they are scored together with.
#include <cmath>

#include "decode/decode_support.h"

namespace cupel::decode::test {
namespace {

using cupel::test::kTinyTemplate;

std::vector<double> as_doubles(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

Result<std::vector<CompletionScore>> score(LocalModel& model,
                                           const std::string& prompt,
                                           std::vector<std::string> completions) {
  return model.score({.messages = {}, .raw_prompt = prompt, .completions = std::move(completions)});
}

class ScoringFamilies : public testing::TestWithParam<std::string> {};

TEST_P(ScoringFamilies, WhatWasGeneratedScoresTheSame) {
  TinyModelOptions options = capital_options(GetParam());
  options.type = engine::TensorType::kQ8_0;
  const TinyModel model(options);
  for (const auto activations : {engine::Activations::kInt8, engine::Activations::kFloat32}) {
    LocalModelOptions local_options;
    local_options.engine.activations = activations;
    const auto local = open_tiny(model, local_options);
    for (const size_t length : {1U, 40U, 62U, 63U, 64U, 130U}) {
      for (const double temperature : {0.0, 1.2}) {
        const std::string prompt = capital_text(length, length);
        const ChatResponse written = complete_one(*local, raw_request(prompt, 70, temperature));
        ASSERT_EQ(written.ids.size(), 70U);
        // In the model that wrote it, and in one that has seen nothing.
        const auto fresh = open_tiny(model, local_options);
        for (LocalModel* scorer : {local.get(), fresh.get()}) {
          const auto scores = score(*scorer, prompt, {written.text});
          ASSERT_TRUE(scores.has_value()) << scores.error().message;
          EXPECT_EQ(scores->front().ids, written.ids);
          EXPECT_EQ(scores->front().logprobs, as_doubles(written.logprobs));
        }
      }
    }
  }
}

TEST_P(ScoringFamilies, ManyCompletionsOfAPromptEqualEachAlone) {
  TinyModelOptions options;
  options.family = GetParam();
  const TinyModel model(options);
  const std::string prompt = capital_text(1, 100);
  std::vector<std::string> completions = {"", "A", capital_text(2, 300), "the other and no"};
  for (uint64_t i = 0; i < 40; ++i) {  // more rows than one pass takes
    completions.push_back(capital_text(10 + i, 1 + i));
  }
  const auto together = score(*open_tiny(model), prompt, completions);
  ASSERT_TRUE(together.has_value()) << together.error().message;
  ASSERT_EQ(together->size(), completions.size());
  EXPECT_TRUE((*together)[0].ids.empty());
  EXPECT_EQ((*together)[0].sum, 0);
  const auto one_by_one = open_tiny(model);
  for (size_t k = 0; k < completions.size(); ++k) {
    const auto alone = score(*one_by_one, prompt, {completions[k]});
    ASSERT_TRUE(alone.has_value()) << alone.error().message;
    EXPECT_EQ((*together)[k].ids, alone->front().ids) << k;
    EXPECT_EQ((*together)[k].logprobs, alone->front().logprobs) << k;
    double sum = 0;
    for (const double logprob : (*together)[k].logprobs) {
      EXPECT_LT(logprob, 0);
      sum += logprob;
    }
    EXPECT_EQ((*together)[k].sum, sum);
  }
}

INSTANTIATE_TEST_SUITE_P(Families,
                         ScoringFamilies,
                         testing::Values("llama", "gemma3"),
                         [](const auto& param) { return param.param; });

// All next tokens together have probability 1: log-probs are those of the whole vocabulary.
TEST(Scoring, ProbabilitiesOfAllTokensSumToOne) {
  TinyModelOptions options;
  options.block_scale = 0;
  const TinyModel model(options);
  const auto local = open_tiny(model);
  std::vector<std::string> completions;
  for (int byte = 0; byte < 128; ++byte) {
    completions.emplace_back(1, static_cast<char>(byte));
  }
  const auto scores = score(*local, "so?", completions);
  ASSERT_TRUE(scores.has_value()) << scores.error().message;
  double ascii = 0;
  for (const CompletionScore& one : *scores) {
    ASSERT_EQ(one.ids.size(), 1U);
    ascii += std::exp(one.sum);
  }
  EXPECT_GT(ascii, 0.1);
  EXPECT_LT(ascii, 1);
  // The rest: control tokens and merged pieces by their texts, other bytes as they stand.
  double rest = 0;
  for (TokenId id = 128; id < cupel::test::tiny_vocabulary_size(); ++id) {
    const auto one = score(*local, "so?", {local->tokenizer().token_bytes(id, true)});
    ASSERT_TRUE(one.has_value()) << one.error().message;
    ASSERT_EQ(one->front().ids, std::vector<TokenId>{id});
    rest += std::exp(one->front().sum);
  }
  EXPECT_NEAR(ascii + rest, 1, 1e-5);
}

TEST(Scoring, TextsThatDoNotFitAreRefused) {
  TinyModelOptions options;
  options.context_length = 64;
  options.add_bos = false;
  const TinyModel model(options);
  const auto local = open_tiny(model);
  EXPECT_TRUE(score(*local, capital_text(1, 60), {capital_text(2, 4)}).has_value());
  const auto long_completion = score(*local, capital_text(1, 60), {"A", capital_text(2, 5)});
  ASSERT_FALSE(long_completion.has_value());
  EXPECT_EQ(long_completion.error().code, Code::kInvalidArgument);
  EXPECT_NE(long_completion.error().message.find("65"), std::string::npos);
  EXPECT_NE(long_completion.error().message.find("64"), std::string::npos);
  const auto long_prompt = score(*local, capital_text(1, 65), {});
  ASSERT_FALSE(long_prompt.has_value());
  EXPECT_EQ(long_prompt.error().code, Code::kInvalidArgument);
  const auto empty = score(*local, "", {"A"});
  ASSERT_FALSE(empty.has_value());
  EXPECT_EQ(empty.error().code, Code::kInvalidArgument);
}

class Labels : public testing::Test {
 protected:
  static TinyModelOptions options() {
    TinyModelOptions options;
    options.chat_template = std::string(kTinyTemplate);
    options.context_length = 1024;
    return options;
  }
  // Judge prompts: a long beginning that all share, then one item each.
  static std::vector<Conversation> prompts(size_t count) {
    std::vector<Conversation> all;
    for (size_t i = 0; i < count; ++i) {
      const std::string item = capital_text(i, 1 + 5 * i);
      all.push_back({text_message("system", "judge " + capital_text(50, 150)),
                     text_message("user", "item " + item)});
    }
    return all;
  }
  TinyModel model_{options()};
};

TEST_F(Labels, SharedBeginningEqualsEachPromptAlone) {
  const auto all = prompts(12);
  const auto local = open_tiny(model_);
  const auto together = local->score_labels({.prompts = all, .labels = {"Yes", "No"}});
  ASSERT_TRUE(together.has_value()) << together.error().message;
  ASSERT_EQ(together->scores.size(), all.size());
  EXPECT_GT(together->cached_tokens, 11 * 150);
  const auto again = local->score_labels({.prompts = all, .labels = {"Yes", "No"}});
  ASSERT_TRUE(again.has_value());
  EXPECT_GT(again->cached_tokens, together->cached_tokens);
  for (size_t i = 0; i < all.size(); ++i) {
    const auto alone =
        open_tiny(model_)->score_labels({.prompts = {all[i]}, .labels = {"Yes", "No"}});
    ASSERT_TRUE(alone.has_value()) << alone.error().message;
    EXPECT_EQ(alone->cached_tokens, 0);
    EXPECT_EQ(together->scores[i].logprobs, alone->scores.front().logprobs) << i;
    EXPECT_EQ(again->scores[i].logprobs, alone->scores.front().logprobs) << i;
  }
  EXPECT_NE(together->scores[0].logprobs, together->scores[1].logprobs);
}

TEST_F(Labels, PromptsWithNothingInCommonWorkToo) {
  TinyModelOptions bare = options();
  bare.chat_template = "{{ messages[0].content }}";
  const TinyModel model(bare);
  const std::vector<Conversation> all = {{text_message("user", "AAB")},
                                         {text_message("user", capital_text(3, 200))},
                                         {text_message("user", "B")}};
  const auto together = open_tiny(model)->score_labels({.prompts = all, .labels = {"Yes", "No"}});
  ASSERT_TRUE(together.has_value()) << together.error().message;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto alone =
        open_tiny(model)->score_labels({.prompts = {all[i]}, .labels = {"Yes", "No"}});
    ASSERT_TRUE(alone.has_value());
    EXPECT_EQ(together->scores[i].logprobs, alone->scores.front().logprobs) << i;
  }
  // One prompt is the whole beginning of another.
  const std::vector<Conversation> nested = {{text_message("user", "AABB")},
                                            {text_message("user", "AAB")}};
  const auto both = open_tiny(model)->score_labels({.prompts = nested, .labels = {"Yes", "No"}});
  ASSERT_TRUE(both.has_value());
  EXPECT_EQ(both->scores[1].logprobs, together->scores[0].logprobs);
}

TEST_F(Labels, TakeTheLikeliestOneTokenVariant) {
  const auto local = open_tiny(model_);
  const Conversation prompt = {text_message("user", "is it so?")};
  const auto labels = local->score_labels({.prompts = {prompt}, .labels = {"yes", "NO"}});
  ASSERT_TRUE(labels.has_value()) << labels.error().message;
  CompletionScoreRequest variants;
  variants.messages = prompt;
  variants.completions = {"yes", " yes", "Yes", " Yes", "no", " no", "No", " No"};
  const auto scores = local->score(variants);
  ASSERT_TRUE(scores.has_value()) << scores.error().message;
  const auto best = [&](size_t begin) {
    double largest = -1e9;
    for (size_t i = begin; i < begin + 4; ++i) {
      EXPECT_EQ((*scores)[i].ids.size(), 1U) << variants.completions[i];
      largest = std::max(largest, (*scores)[i].sum);
    }
    return largest;
  };
  EXPECT_EQ(labels->scores.front().logprobs[0], best(0));
  EXPECT_EQ(labels->scores.front().logprobs[1], best(4));
}

TEST_F(Labels, ThatAreNoTokensOrTheSameAreRefused) {
  const auto local = open_tiny(model_);
  const std::vector<Conversation> prompt = {{text_message("user", "so?")}};
  const auto long_label = local->score_labels({.prompts = prompt, .labels = {"Yes", "maybe"}});
  ASSERT_FALSE(long_label.has_value());
  EXPECT_EQ(long_label.error().code, Code::kUnsupported);
  EXPECT_NE(long_label.error().message.find("maybe"), std::string::npos);
  const auto same = local->score_labels({.prompts = prompt, .labels = {"Yes", "YES"}});
  ASSERT_FALSE(same.has_value());
  EXPECT_EQ(same.error().code, Code::kUnsupported);
}

TEST_F(Labels, EmptyAndOverlongPromptsAreRefused) {
  TinyModelOptions bare = options();
  bare.chat_template = "{{ messages[0].content }}";
  const TinyModel model(bare);
  const auto local = open_tiny(model);
  const auto none = local->score_labels({.prompts = {}, .labels = {"Yes", "No"}});
  ASSERT_TRUE(none.has_value());
  EXPECT_TRUE(none->scores.empty());
  for (const std::string& bad : {std::string(), capital_text(1, 1025)}) {
    const auto refused =
        local->score_labels({.prompts = {{text_message("user", "AB")}, {text_message("user", bad)}},
                             .labels = {"Yes", "No"}});
    ASSERT_FALSE(refused.has_value()) << bad.size();
    EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
    EXPECT_NE(refused.error().message.find(model.path()), std::string::npos);
  }
}

TEST_F(Labels, BrokenWeightsAreAnError) {
  TinyModelOptions broken = options();
  broken.poison = {.tensor = "output_norm.weight", .value = NAN};
  const TinyModel model(broken);
  const auto refused =
      open_tiny(model)->score_labels({.prompts = prompts(3), .labels = {"Yes", "No"}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kCorruptData);
}

}  // namespace
}  // namespace cupel::decode::test
