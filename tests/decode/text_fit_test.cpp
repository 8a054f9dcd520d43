// Perplexity and divergence against the path of scoring, and on distributions known by hand.
#include "decode/text_fit.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/text.h"
#include "support/tiny_model.h"

namespace cupel::decode {
namespace {

using testing::HasSubstr;

constexpr std::string_view kText =
    "The cat sat on the mat, and the rain fell on the roof. Yes or no? Nobody knew, and the mat "
    "was warm enough for both of them.";

LocalModelOptions options_of(const test::TinyModel& model) {
  LocalModelOptions options;
  options.path = model.path();
  options.engine = {.threads = 1, .activations = engine::Activations::kFloat32};
  return options;
}

ReadingModel open(const test::TinyModel& model) {
  auto opened = ReadingModel::open(options_of(model));
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  return std::move(*opened);
}

// Scoring computes the same numbers by another way: as a completion after BOS.
TEST(MeasureFit, PerplexityIsThatOfScoring) {
  const test::TinyModel tiny;
  ReadingModel model = open(tiny);
  const auto fit = measure_fit(model, nullptr, kText, {.window = 512, .stop = {}});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  const auto scorer = LocalModel::open(options_of(tiny));
  ASSERT_TRUE(scorer.has_value());
  CompletionScoreRequest request;
  request.raw_prompt = "";
  request.completions = {std::string(kText)};
  const auto scores = (*scorer)->score(request);
  ASSERT_TRUE(scores.has_value()) << scores.error().message;
  EXPECT_EQ(fit->tokens, std::ssize(scores->front().ids));
  EXPECT_NEAR(fit->mean_nll, -scores->front().sum / static_cast<double>(fit->tokens), 1e-5);
  EXPECT_FALSE(fit->against.has_value());
}

TEST(MeasureFit, AModelIsNoDistanceFromItself) {
  const test::TinyModel tiny;
  ReadingModel model = open(tiny);
  ReadingModel same = open(tiny);
  const auto fit = measure_fit(model, &same, kText, {.window = 40, .stop = {}});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_EQ(fit->against->mean_nll, fit->mean_nll);
  EXPECT_NEAR(fit->against->max_kl, 0, 1e-12);
  EXPECT_EQ(fit->against->same_top, 1.0);
}

// Of a head of zeros every distribution is uniform over V tokens: perplexity V, and the divergence
// of any P from it is log V minus the entropy of P, so at most log V.
TEST(MeasureFit, AUniformModelHasThePerplexityOfItsVocabulary) {
  test::TinyModelOptions flat_options;
  flat_options.head_scale = 0;
  const test::TinyModel flat_file(flat_options);
  const test::TinyModel sharp_file;
  ReadingModel flat = open(flat_file);
  ReadingModel sharp = open(sharp_file);
  const auto fit = measure_fit(flat, &sharp, kText, {.window = 64, .stop = {}});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  const double log_v = std::log(static_cast<double>(test::tiny_vocabulary_size()));
  EXPECT_NEAR(fit->mean_nll, log_v, 1e-6);
  EXPECT_GT(fit->against->mean_kl, 0.1);
  EXPECT_LT(fit->against->max_kl, log_v);
  EXPECT_GE(fit->against->max_kl, fit->against->p99_kl);
}

TEST(MeasureFit, FewerBitsAreFarther) {
  test::TinyModelOptions options = test::tiny_wide_options(engine::TensorType::kF32);
  const test::TinyModel source_file(options);
  ReadingModel source = open(source_file);
  const auto distance = [&](engine::TensorType type) {
    options.type = type;
    const test::TinyModel quantised_file(options);
    ReadingModel quantised = open(quantised_file);
    const auto fit = measure_fit(quantised, &source, kText, {.window = 64, .stop = {}});
    EXPECT_TRUE(fit.has_value()) << fit.error().message;
    return fit->against->mean_kl;
  };
  const double q8 = distance(engine::TensorType::kQ8_0);
  const double q4 = distance(engine::TensorType::kQ4_0);
  EXPECT_GT(q8, 0);
  EXPECT_GT(q4, 10 * q8);
}

TEST(MeasureFit, RefusesWhatCannotBeCompared) {
  const test::TinyModel tiny;
  ReadingModel model = open(tiny);
  const auto empty = measure_fit(model, nullptr, "", {.window = 64, .stop = {}});
  EXPECT_EQ(empty.error().code, Code::kInvalidArgument);
  EXPECT_THAT(empty.error().message, HasSubstr("no token to predict"));
  const auto wide = measure_fit(model, nullptr, kText, {.window = 513, .stop = {}});
  EXPECT_THAT(wide.error().message, HasSubstr("a window of 513 tokens is longer than the context"));
  test::TinyModelOptions more;
  more.extra_tokens = {"zzz"};
  const test::TinyModel other_file(more);
  ReadingModel other = open(other_file);
  const auto unlike = measure_fit(model, &other, kText, {.window = 64, .stop = {}});
  EXPECT_EQ(unlike.error().code, Code::kInvalidArgument);
  EXPECT_THAT(unlike.error().message, HasSubstr("read the text as different tokens"));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(
      measure_fit(model, nullptr, kText, {.window = 64, .stop = stop.get_token()}).error().code,
      Code::kCancelled);
}

TEST(MeasureFit, DamagedWeightsAreNamed) {
  test::TinyModelOptions options;
  options.poison = test::TinyPoison{.tensor = "output_norm.weight", .value = NAN};
  const test::TinyModel tiny(options);
  ReadingModel model = open(tiny);
  const auto fit = measure_fit(model, nullptr, kText, {.window = 64, .stop = {}});
  EXPECT_EQ(fit.error().code, Code::kCorruptData);
  EXPECT_THAT(fit.error().message, HasSubstr("logits are not finite"));
}

// The texts hold none of the tokens that differ, but their logits are compared all the same.
TEST(MeasureFit, RefusesVocabulariesThatDifferWhereNoTextIs) {
  test::TinyModelOptions options;
  options.extra_tokens = {"zzz"};
  const test::TinyModel own_file(options);
  const test::TinyModel same_file(options);
  options.extra_tokens = {"yyy"};
  const test::TinyModel other_file(options);
  ReadingModel own = open(own_file);
  ReadingModel same = open(same_file);
  ReadingModel other = open(other_file);
  const std::vector<ReadSequence> rows = {{.ids = own.tokenizer->encode(kText, {}), .counted = {}}};
  std::vector<ReadSequence> counted = rows;
  counted.front().counted.assign(rows.front().ids.size(), true);
  EXPECT_TRUE(measure_fit(own, &same, kText, {.window = 64, .stop = {}}).has_value());
  EXPECT_TRUE(measure_fit(own, &same, counted, {}).has_value());
  EXPECT_THAT(measure_fit(own, &other, kText, {.window = 64, .stop = {}}).error().message,
              HasSubstr("as different tokens"));
  EXPECT_THAT(measure_fit(own, &other, counted, {}).error().message,
              HasSubstr("as different tokens"));
  EXPECT_DEATH((void)measure_fit(own, nullptr, rows, {}), "each id is counted or not");
}

TEST(ReadingModel, ItsTemplateIsTheOneThatIsNamed) {
  test::TinyModelOptions tiny;
  tiny.chat_template = "own {{ messages[0].content }}";
  const test::TinyModel file(tiny);
  EXPECT_TRUE(open(file).chat_template()->has_value());
  EXPECT_FALSE(open(test::TinyModel()).chat_template()->has_value());
  LocalModelOptions options = options_of(file);
  options.template_path = file.path() + ".absent.jinja";
  const auto named = ReadingModel::open(options);
  ASSERT_TRUE(named.has_value()) << named.error().message;
  EXPECT_EQ(named->chat_template().error().code, Code::kNotFound);
}

// Answers behind prompts: what counts is what scoring says of the same tokens.
TEST(MeasureFit, SequencesCountWhatIsAsked) {
  const test::TinyModel tiny;
  ReadingModel model = open(tiny);
  ReadingModel same = open(tiny);
  const auto ids = model.tokenizer->encode(kText, {});
  ASSERT_GT(ids.size(), 40U);
  ReadSequence late{.ids = {ids.begin(), ids.begin() + 40}, .counted = std::vector<bool>(40)};
  std::fill(late.counted.begin() + 33, late.counted.end(), true);
  ReadSequence early{.ids = {ids.begin(), ids.begin() + 10},
                     .counted = std::vector<bool>(10, true)};
  const std::vector<ReadSequence> both = {late, early};
  const auto fit = measure_fit(model, &same, both, {});
  ASSERT_TRUE(fit.has_value()) << fit.error().message;
  EXPECT_EQ(fit->tokens, 7 + 9);  // nothing stands before the first one
  EXPECT_EQ(fit->sequences, 2);
  EXPECT_NEAR(fit->against->sequence_kl, 0, 1e-12);

  const auto nll = [&](const ReadSequence& sequence) {
    const std::vector<ReadSequence> one = {sequence};
    const auto alone = measure_fit(model, nullptr, one, {});
    EXPECT_TRUE(alone.has_value());
    return alone->mean_nll * static_cast<double>(alone->tokens);
  };
  ReadSequence all = late;
  std::fill(all.counted.begin(), all.counted.end(), true);
  ReadSequence head{.ids = {ids.begin(), ids.begin() + 33}, .counted = std::vector<bool>(33, true)};
  EXPECT_NEAR(nll(late), nll(all) - nll(head), 1e-4);
  EXPECT_NEAR(fit->mean_nll * 16, nll(late) + nll(early), 1e-4);
}

TEST(MeasureFit, SequencesThatCannotBeReadAreErrors) {
  const test::TinyModel tiny;
  ReadingModel model = open(tiny);
  const std::vector<ReadSequence> none = {{.ids = {1, 2}, .counted = {true, false}}};
  EXPECT_THAT(measure_fit(model, nullptr, none, {}).error().message,
              HasSubstr("no token to predict"));
  const std::vector<ReadSequence> wide = {
      {.ids = std::vector<TokenId>(600, 1), .counted = std::vector<bool>(600, true)}};
  EXPECT_THAT(measure_fit(model, nullptr, wide, {}).error().message,
              HasSubstr("longer than the context"));
}

}  // namespace
}  // namespace cupel::decode
