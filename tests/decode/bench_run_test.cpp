#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "decode/bench/measure.h"
#include "decode/bench/run.h"
#include "decode/bench/traffic.h"
#include "support/tiny_model.h"

// No expectation here depends on how fast the machine is.

namespace cupel::decode::bench {
namespace {

using cupel::test::TinyModel;
using testing::Each;
using testing::ElementsAre;
using testing::Gt;
using testing::HasSubstr;
using testing::SizeIs;

LocalModelOptions options_of(const TinyModel& model) {
  LocalModelOptions options{.path = model.path(), .name = "tiny"};
  options.engine.threads = 1;
  return options;
}

std::unique_ptr<Subject> open_subject(const TinyModel& model) {
  auto subject = Subject::open(options_of(model));
  CUPEL_CHECK(subject.has_value());
  return std::move(*subject);
}

std::vector<int64_t> sizes_of(const Run& run, Part part) {
  std::vector<int64_t> sizes;
  for (const Figure* figure : figures_of(run, part)) {
    sizes.push_back(figure->size);
  }
  return sizes;
}

TEST(BenchSubject, PromptsAreOrdinaryTokensAndTheSameEveryTime) {
  const TinyModel model;
  const auto subject = open_subject(model);
  const std::vector<TokenId> ids = subject->prompt(300, 1);
  EXPECT_THAT(ids, SizeIs(300));
  EXPECT_EQ(ids, subject->prompt(300, 1));
  EXPECT_NE(ids, subject->prompt(300, 2));
  for (const TokenId id : ids) {
    EXPECT_FALSE(subject->tokenizer().is_control(id)) << id;
    EXPECT_FALSE(subject->tokenizer().ends_generation(id)) << id;
    EXPECT_FALSE(subject->tokenizer().token_bytes(id).empty()) << id;
  }
}

TEST(BenchMeasure, APromptThatIsDecodedContinuesLikeOneThatIsRead) {
  const TinyModel model;
  const auto subject = open_subject(model);
  std::vector<TokenId> ids = subject->prompt(20, 0);
  double seconds = 0;
  auto stream = read_prompt(*subject, ids, seconds);
  ASSERT_TRUE(stream.has_value());
  for (int i = 0; i < 5; ++i) {
    ids.push_back(stream->next);
    ASSERT_TRUE(decode_seconds(*subject, {&*stream, 1}, 1).has_value());
  }
  EXPECT_EQ(stream->state.length(), 25);
  auto read = read_prompt(*subject, ids, seconds);
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->next, stream->next);
  EXPECT_GT(seconds, 0);
}

TEST(BenchMeasure, RowsLeaveTheSequenceThatTheyForkAlone) {
  const TinyModel model;
  const auto subject = open_subject(model);
  double seconds = 0;
  auto stream = read_prompt(*subject, subject->prompt(40, 0), seconds);
  ASSERT_TRUE(stream.has_value());
  const size_t pages = subject->model().kv_pool().used_pages();
  const auto cost = rows_seconds(*subject, stream->state, subject->prompt(8, 1), 2);
  ASSERT_TRUE(cost.has_value());
  EXPECT_EQ(stream->state.length(), 40);
  EXPECT_EQ(subject->model().kv_pool().used_pages(), pages);
}

TEST(BenchMeasure, StreamsWriteAllTheirTokensWhateverEndsAnAnswer) {
  cupel::test::TinyModelOptions options;
  options.bias = {{cupel::test::kTinyEos, 100}};  // a generator would stop at once
  const TinyModel model(options);
  const auto subject = open_subject(model);
  const SharedPrefix job{.sequences = 3, .prefix = 20, .suffix = 4, .tokens = 6};
  EXPECT_TRUE(shared_prefix_seconds(*subject, job).has_value());
  const EndlessTokenizer endless(subject->tokenizer());
  EXPECT_TRUE(subject->tokenizer().ends_generation(cupel::test::kTinyEos));
  EXPECT_FALSE(endless.ends_generation(cupel::test::kTinyEos));
}

TEST(BenchMeasure, DamagedWeightsAreAnError) {
  cupel::test::TinyModelOptions options;
  options.poison = {.tensor = "output_norm.weight", .value = NAN};
  const TinyModel model(options);
  const auto opened = open_timed(options_of(model));
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kCorruptData);
  EXPECT_THAT(opened.error().message, HasSubstr(model.path()));
}

TEST(RunBench, MeasuresEveryPartInEveryRound) {
  const TinyModel model;
  const auto run = run_bench(options_of(model), {.threads = 1, .rounds = 2, .decode_tokens = 4});
  ASSERT_TRUE(run.has_value()) << run.error().message;
  EXPECT_THAT(sizes_of(*run, Part::kPrefill), ElementsAre(128, 512));  // a context of 512
  EXPECT_THAT(sizes_of(*run, Part::kDecode), ElementsAre(1, 4, 16));
  EXPECT_THAT(sizes_of(*run, Part::kContext), ElementsAre(128, 256, 512));
  EXPECT_THAT(sizes_of(*run, Part::kCost), ElementsAre(1, 2, 4, 8, 16, 32, 64));
  for (const Part part : all_parts()) {
    EXPECT_FALSE(figures_of(*run, part).empty()) << part_name(part);
  }
  EXPECT_TRUE(std::is_sorted(run->figures.begin(), run->figures.end(),
                             [](const Figure& a, const Figure& b) { return a.part < b.part; }));
  for (const Figure& figure : run->figures) {
    EXPECT_THAT(figure.values, Each(Gt(0))) << part_name(figure.part);
    if (figure.part != Part::kMemory) {
      EXPECT_THAT(figure.values, SizeIs(2)) << part_name(figure.part);
    }
  }
}

TEST(RunBench, LimitsFollowFromTheBandwidthAndTheBytesOfAStep) {
  const TinyModel model;
  const auto run = run_bench(options_of(model), {.parts = {Part::kDecode, Part::kCost},
                                                 .threads = 1,
                                                 .rounds = 1,
                                                 .batch = {3},
                                                 .decode_tokens = 4});
  ASSERT_TRUE(run.has_value()) << run.error().message;
  const Figure& decode = *figures_of(*run, Part::kDecode).front();
  const auto subject = open_subject(model);
  // Three sequences at positions 16 … 19, which read 17 … 20 rows: 18.5 on average.
  const double bytes = static_cast<double>(step_weight_bytes(subject->model().description(),
                                                             subject->model().weights())) +
                       3 * 18.5 * subject->cache_bytes_per_position();
  EXPECT_DOUBLE_EQ(*decode.bytes_per_step, bytes);
  EXPECT_DOUBLE_EQ(*decode.limit, 3 * *run->bandwidth_gb_s * 1e9 / bytes);
  const Figure& one = *figures_of(*run, Part::kCost).front();
  EXPECT_EQ(*one.relative, 1);
  EXPECT_FALSE(one.limit);
  EXPECT_TRUE(figures_of(*run, Part::kBandwidth).empty()) << "was not asked for";
}

TEST(RunBench, FiguresThatTakeLongHaveFewerRounds) {
  const TinyModel model;
  const auto run = run_bench(
      options_of(model),
      {.parts = {Part::kPrefill}, .threads = 1, .rounds = 5, .enough_seconds = 0, .prefill = {8}});
  ASSERT_TRUE(run.has_value());
  EXPECT_THAT(run->figures.front().values, SizeIs(kFewRounds));
}

TEST(RunBench, NeedsNoModelForTheMemory) {
  const auto run =
      run_bench(std::nullopt, {.parts = {Part::kBandwidth}, .threads = 1, .rounds = 1});
  ASSERT_TRUE(run.has_value());
  EXPECT_THAT(sizes_of(*run, Part::kBandwidth), SizeIs(1));
  EXPECT_FALSE(run->model);
}

TEST(BenchSizes, RefuseWhatTheContextDoesNotHold) {
  const auto refused = [](const Options& options) {
    const auto sizes = sizes_for(options, 512, "a.gguf");
    return sizes ? std::string() : sizes.error().message;
  };
  EXPECT_EQ(refused({}), "");
  EXPECT_EQ(refused({.prefill = {512}, .context = {512}}), "");
  EXPECT_EQ(refused({.prefill = {8, 513}}),
            "a prompt of 513 tokens is too long: the context of a.gguf holds 512");
  EXPECT_THAT(refused({.context = {1024}}), HasSubstr("a context of 1024 tokens"));
  EXPECT_EQ(refused({.parts = {Part::kPrefill}, .context = {1024}}), "");
  EXPECT_THAT(refused({.decode_tokens = 500}), HasSubstr("answer of 500 tokens"));
}

TEST(BenchSizes, AreFoundWrongFromTheHeaderAlone) {
  const TinyModel model;
  EXPECT_TRUE(check_bench(options_of(model), {}).has_value());
  EXPECT_FALSE(check_bench(options_of(model), {.prefill = {100000}}).has_value());
  EXPECT_EQ(check_bench({.path = model.path() + "x"}, {}).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace cupel::decode::bench
