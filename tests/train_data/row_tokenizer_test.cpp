#include "train/data/row_tokenizer.h"

#include <gtest/gtest.h>

#include "train_data/chat_fixtures.h"

namespace cupel::train {
namespace {

constexpr std::string_view kChatMl =
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

class RowTokenizerTest : public testing::Test {
 protected:
  [[nodiscard]] RowTokenizer make(const TokenizeOptions& options, bool with_template = true) const {
    auto rows = RowTokenizer::create(*tokenizer_, with_template ? &template_ : nullptr, options);
    EXPECT_TRUE(rows.has_value());
    return std::move(rows).value();
  }
  static Row row(std::string_view text) {
    auto parsed = parse_row(*parse_json(text), "f:1");
    EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
    return std::move(parsed).value();
  }
  [[nodiscard]] std::string all(const Example& example) const {
    return tokenizer_->decode(example.ids, true);
  }
  /// What is learnt.
  [[nodiscard]] std::string learnt(const Example& example) const {
    std::vector<TokenId> ids;
    for (size_t i = 0; i < example.ids.size(); ++i) {
      if (example.weights[i] != 0) {
        ids.push_back(example.ids[i]);
      }
    }
    return tokenizer_->decode(ids, true);
  }
  [[nodiscard]] Example example(const RowTokenizer& rows, std::string_view text) const {
    std::vector<Example> out;
    const auto fit = rows.add_example(row(text), out);
    EXPECT_TRUE(fit.has_value()) << (fit ? "" : fit.error().message);
    EXPECT_EQ(out.size(), 1U);
    return out.empty() ? Example{} : out[0];
  }
  [[nodiscard]] ExampleGroup group(const RowTokenizer& rows, std::string_view text) {
    std::vector<ExampleGroup> out;
    const auto fit = rows.add_group(row(text), out, retokenized_);
    EXPECT_TRUE(fit.has_value()) << (fit ? "" : fit.error().message);
    EXPECT_EQ(out.size(), 1U);
    return out.empty() ? ExampleGroup{} : out[0];
  }

  std::unique_ptr<Tokenizer> tokenizer_ = test::tiny_tokenizer();
  engine::ChatTemplate template_ = test::parse_template(kChatMl);
  int64_t retokenized_ = 0;
};

TEST_F(RowTokenizerTest, TextIsLearntWholeWithItsEndButNotItsBegin) {
  const Example e = example(make({}), R"({"text": "once", "id": "t"})");
  EXPECT_EQ(all(e), "<s>once</s>");
  EXPECT_EQ(learnt(e), "once</s>");
  EXPECT_EQ(e.id, "t");
  EXPECT_EQ(e.trained_tokens(), 5);
}

TEST_F(RowTokenizerTest, ThePromptIsNotLearntUnlessAsked) {
  constexpr std::string_view kRow = R"({"prompt": "2+2=", "completion": "4"})";
  EXPECT_EQ(all(example(make({}), kRow)), "<s>2+2=4</s>");
  EXPECT_EQ(learnt(example(make({}), kRow)), "4</s>");
  EXPECT_EQ(learnt(example(make({.loss_on = LossOn::kCompletion}), kRow)), "4</s>");
  const Example both =
      example(make({.loss_on = LossOn::kInstruction, .prompt_loss_weight = 0.5}), kRow);
  EXPECT_EQ(learnt(both), "2+2=4</s>");
  EXPECT_EQ(both.weights, std::vector<float>({0, 0.5F, 0.5F, 0.5F, 0.5F, 1, 1}));
  EXPECT_EQ(learnt(example(make({.loss_on = LossOn::kFull}), kRow)), "2+2=4</s>");
}

TEST_F(RowTokenizerTest, ATokenAcrossTheSeamIsOfThePrompt) {
  // " a" is one token: with the blank at the prompt's end it straddles.
  EXPECT_EQ(learnt(example(make({}), R"({"prompt": "x ", "completion": "a b"})")), " b</s>");
  EXPECT_EQ(learnt(example(make({}), R"({"prompt": "x", "completion": " a b"})")), " a b</s>");
}

TEST_F(RowTokenizerTest, ControlTokensInTextAreText) {
  const Example e = example(make({}), R"({"text": "a</s>b"})");
  EXPECT_EQ(all(e), "<s>a</s>b</s>");
  EXPECT_EQ(std::count(e.ids.begin(), e.ids.end(), tokenizer_->eos()), 1);
}

TEST_F(RowTokenizerTest, ConversationsGoThroughTheTemplate) {
  constexpr std::string_view kRow =
      R"({"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
                       {"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]})";
  const Example e = example(make({}), kRow);
  EXPECT_EQ(all(e),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n"
            "<|im_start|>user\nr<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n");
  EXPECT_EQ(learnt(e), "a<|im_end|>b<|im_end|>");
  EXPECT_EQ(learnt(example(make({.loss_on = LossOn::kCompletion}), kRow)), "b<|im_end|>");
  EXPECT_EQ(learnt(example(make({.loss_on = LossOn::kInstruction}), kRow)),
            "qa<|im_end|>rb<|im_end|>");
}

TEST_F(RowTokenizerTest, EarlierTurnsOfAPromptAreNotLearnt) {
  const Example e = example(
      make({}),
      R"({"prompt": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
                     {"role": "user", "content": "r"}],
          "completion": [{"role": "assistant", "content": "b"}]})");
  EXPECT_EQ(learnt(e), "b<|im_end|>");
}

TEST_F(RowTokenizerTest, RowWeightsMultiply) {
  const Example e = example(make({}), R"({"prompt": "p", "completion": "c", "weight": 0.25})");
  EXPECT_EQ(e.weights, std::vector<float>({0, 0, 0.25F, 0.25F}));
}

TEST_F(RowTokenizerTest, RowsWithNothingToLearnAreLeftOut) {
  std::vector<Example> out;
  constexpr std::string_view kRow = R"({"prompt": "long prompt", "completion": "c"})";
  const auto cut = make({.max_length = 6}).add_example(row(kRow), out);
  EXPECT_EQ(*cut, Fit::kUntrained);
  const auto kept =
      make({.loss_on = LossOn::kInstruction, .max_length = 6}).add_example(row(kRow), out);
  EXPECT_EQ(*kept, Fit::kKept);
  const auto dropped =
      make({.max_length = 6, .truncation = Truncation::kDrop}).add_example(row(kRow), out);
  EXPECT_EQ(*dropped, Fit::kTooLong);
  EXPECT_EQ(out.size(), 1U);
}

TEST_F(RowTokenizerTest, PairsShareTheIdsOfTheirPrompt) {
  const ExampleGroup g =
      group(make({}),
            R"({"prompt": [{"role": "user", "content": "q"}], "chosen": "yes", "rejected": "yet",
                   "score_chosen": 3, "margin": 0.5, "id": "pair"})");
  ASSERT_EQ(g.answers.size(), 2U);
  EXPECT_EQ(tokenizer_->decode(
                std::span(g.answers[0].ids).first(static_cast<size_t>(g.prompt_tokens)), true),
            "<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\n")
      << "the answers' common beginning is not of the prompt";
  EXPECT_EQ(learnt(g.answers[0]), "yes<|im_end|>");
  EXPECT_EQ(learnt(g.answers[1]), "yet<|im_end|>");
  EXPECT_EQ(g.scores[0], 3);
  EXPECT_EQ(g.margin, 0.5);
  EXPECT_EQ(g.id, "pair");
}

TEST_F(RowTokenizerTest, PlainPairsThatMergeWithTheirPromptAreTokenisedApart) {
  const ExampleGroup g = group(make({}), R"({"prompt": "l", "chosen": "o", "rejected": "x"})");
  EXPECT_EQ(retokenized_, 1);
  EXPECT_EQ(g.prompt_tokens, 2);  // BOS, l
  EXPECT_EQ(learnt(g.answers[0]), "o</s>");
  EXPECT_EQ(learnt(g.answers[1]), "x</s>");
  const ExampleGroup clean = group(make({}), R"({"prompt": "p", "chosen": "o", "rejected": "x"})");
  EXPECT_EQ(retokenized_, 1);
  EXPECT_EQ(clean.prompt_tokens, 2);
}

TEST_F(RowTokenizerTest, IdsOfTextsAreThoseOfTraining) {
  const RowTokenizer rows = make({});
  for (const std::string_view text : {R"({"prompt": "l", "chosen": "o", "rejected": "x"})",
                                      R"({"prompt": "p", "chosen": "o", "rejected": "x"})",
                                      R"({"prompt": "p", "responses": ["a", "b", " a"]})"}) {
    std::vector<std::vector<TokenId>> ids;
    for (const Example& answer : group(rows, text).answers) {
      ids.push_back(answer.ids);
    }
    EXPECT_EQ(rows.text_ids(row(text)), ids) << text;
  }
  EXPECT_EQ(rows.text_ids(row(R"({"text": "once"})")).at(0),
            example(rows, R"({"text": "once"})").ids);
}

TEST_F(RowTokenizerTest, LongPairsLoseThePromptsBeginningBehindBos) {
  const ExampleGroup g = group(make({.max_length = 6, .truncation = Truncation::kKeepEnd}),
                               R"({"prompt": "1234", "chosen": "ab", "rejected": "c"})");
  EXPECT_EQ(all(g.answers[0]), "<s>34ab</s>");
  EXPECT_EQ(all(g.answers[1]), "<s>34c</s>");
  EXPECT_EQ(g.prompt_tokens, 3);
}

TEST_F(RowTokenizerTest, RankedAndUnpairedRows) {
  const ExampleGroup ranked = group(
      make({}), R"({"prompt": "p", "responses": [{"content": "a", "score": 1}, {"content": "b"},
                   {"content": "c"}]})");
  EXPECT_EQ(ranked.answers.size(), 3U);
  EXPECT_EQ(ranked.label, -1);
  const ExampleGroup unpaired =
      group(make({}), R"({"prompt": "p", "completion": "c", "label": false})");
  EXPECT_EQ(unpaired.answers.size(), 1U);
  EXPECT_EQ(unpaired.label, 0);
}

TEST_F(RowTokenizerTest, SaysWhatARowIsNotFor) {
  std::vector<Example> examples;
  std::vector<ExampleGroup> groups;
  const auto pair =
      make({}).add_example(row(R"({"prompt": "p", "chosen": "a", "rejected": "b"})"), examples);
  ASSERT_FALSE(pair.has_value());
  EXPECT_NE(pair.error().message.find("\"preference\""), std::string::npos);
  const auto text = make({}).add_group(row(R"({"text": "t"})"), groups, retokenized_);
  ASSERT_FALSE(text.has_value());
  EXPECT_NE(text.error().message.find("needs a prompt"), std::string::npos);
  const auto chat = make({}, false).add_example(
      row(R"({"messages": [{"role": "assistant", "content": "a"}]})"), examples);
  ASSERT_FALSE(chat.has_value());
  EXPECT_EQ(chat.error().code, Code::kFailedPrecondition);
  EXPECT_FALSE(RowTokenizer::create(*tokenizer_, nullptr, {.prompt_loss_weight = -1}).has_value());
  EXPECT_FALSE(RowTokenizer::create(*tokenizer_, nullptr, {.max_length = 1}).has_value());
}

}  // namespace
}  // namespace cupel::train
