// Constrained answers of random models: whatever the weights say, an answer that ends by itself
// satisfies its constraint, alone, in a batch and streamed; one that is cut says so.
#include <limits>

#include "base/format.h"
#include "decode/constraint_schemas.h"
#include "decode/constraint_support.h"
#include "decode/decode_support.h"
#include "decode/schema_validator.h"

namespace cupel::decode::test {
namespace {

ChatRequest constrained(std::string_view schema, int64_t sample, double temperature = 1) {
  ChatRequest request = raw_request("Say it:", 500, temperature);
  request.sampling.constraint = {OutputConstraint::Kind::kJsonSchema, std::string(schema)};
  request.sampling.seed = 100;
  request.sample_index = sample;
  return request;
}

ChatRequest matching(std::string pattern, int64_t max_tokens = 100) {
  ChatRequest request = raw_request("Say it:", max_tokens, 1);
  request.sampling.constraint = {OutputConstraint::Kind::kRegex, std::move(pattern)};
  return request;
}

void expect_valid(const ChatResponse& response, std::string_view schema) {
  const auto parsed = parse_json(schema);
  ASSERT_TRUE(parsed.has_value());
  if (response.finish_reason == FinishReason::kStop) {
    const auto value = parse_json(response.text);
    ASSERT_TRUE(value.has_value()) << schema << "\n" << response.text;
    EXPECT_TRUE(constraint::test::SchemaValidator(*parsed).valid(*value)) << schema << "\n"
                                                                          << response.text;
  }
}

TEST(ConstrainedGeneration, RandomModelsKeepEverySchema) {
  const TinyModel file;
  auto model = open_tiny(file);
  size_t whole = 0;
  std::vector<ChatRequest> requests;
  for (const std::string_view schema : constraint::test::sample_schemas()) {
    for (int64_t sample = 0; sample < 3; ++sample) {
      requests.push_back(constrained(schema, sample));
    }
  }
  const auto responses = complete_all(*model, requests);
  for (size_t i = 0; i < responses.size(); ++i) {
    expect_valid(responses[i], requests[i].sampling.constraint.text);
    whole += responses[i].finish_reason == FinishReason::kStop ? 1 : 0;
  }
  EXPECT_GT(whole, responses.size() * 3 / 4);  // noise may run on in a string without bounds
}

TEST(ConstrainedGeneration, IsTheSameAloneAndInABatch) {
  const TinyModel file;
  auto model = open_tiny(file);
  std::vector<ChatRequest> requests;
  for (int64_t i = 0; i < 12; ++i) {
    requests.push_back(
        i % 3 == 2 ? raw_request("Say it:", 40, 1)
                   : constrained(constraint::test::sample_schemas()[i % 2 == 0 ? 4 : 17], i));
    requests.back().sampling.top_p = i % 2 == 0 ? 0.9 : 1;
    requests.back().sampling.top_k = i % 4 == 0 ? 20 : 0;
    requests.back().sampling.repetition_penalty = i % 5 == 0 ? 1.3 : 1;
  }
  const auto together = complete_all(*model, requests);
  for (size_t i = 0; i < requests.size(); ++i) {
    expect_same(complete_one(*model, requests[i]), together[i], format("request {}", i));
  }
}

TEST(ConstrainedGeneration, StreamsWhatItAnswers) {
  const TinyModel file;
  auto model = open_tiny(file);
  Calls calls(*model);
  calls.submit(constrained(constraint::test::sample_schemas()[20], 1));
  const Recorded& record = calls.wait(0);
  EXPECT_EQ(record.streamed(), record.response().text);
  EXPECT_GT(record.deltas.size(), 3U);
}

// Each processor alone and all of them: none brings back what the constraint excludes.
TEST(ConstrainedGeneration, OtherProcessorsActOnWhatRemains) {
  const TinyModel file;
  auto model = open_tiny(file);
  const std::vector<SamplingOptions> settings = {
      {.temperature = 0},
      {.temperature = 0, .repetition_penalty = 1e38},
      {.temperature = 1e-3},
      {.temperature = 1e30},
      {.temperature = 1, .top_k = 1},
      {.temperature = 1, .top_k = 1000000},
      {.temperature = 1, .top_p = 0.9999},
      {.temperature = 1, .top_p = 0.1, .min_p = 0.5},
      {.temperature = 2, .top_k = 5, .top_p = 0.5, .min_p = 0.01, .repetition_penalty = 1.5}};
  for (SamplingOptions options : settings) {
    ChatRequest request = matching("(?:ab|cd){8}x?");
    options.max_tokens = 100;
    options.constraint = request.sampling.constraint;
    request.sampling = options;
    auto machine = constraint::test::machine_of(constraint::compile_regex(options.constraint.text));
    const ChatResponse response = complete_one(*model, request);
    EXPECT_EQ(response.finish_reason, FinishReason::kStop);
    EXPECT_TRUE(constraint::test::accepts(machine, response.text))
        << response.text << " with " << dump_json(sampling_to_json(options));
  }
}

TEST(ConstrainedGeneration, EndsWhereNothingMoreCanCome) {
  const TinyModel file;
  auto model = open_tiny(file);
  // Five tokens of one byte, or fewer longer ones: no end token has to be drawn for it.
  const ChatResponse response = complete_one(*model, matching("QXZQX", 5));
  EXPECT_EQ(response.text, "QXZQX");
  EXPECT_EQ(response.finish_reason, FinishReason::kStop);
}

TEST(ConstrainedGeneration, WhatIsCutSaysSo) {
  const TinyModel file;
  auto model = open_tiny(file);
  const ChatResponse response = complete_one(*model, matching("Q{20}", 7));
  EXPECT_EQ(response.text, "QQQQQQQ");
  EXPECT_EQ(response.finish_reason, FinishReason::kLength);
}

// The model would end at once: it may only where the text is whole.
TEST(ConstrainedGeneration, EndsOnlyInAnAcceptingPlace) {
  TinyModelOptions options;
  options.bias = {{cupel::test::kTinyEos, 200}};
  const TinyModel file(options);
  auto model = open_tiny(file);
  EXPECT_EQ(complete_one(*model, matching("[A-C]{3}[A-C]*")).text.size(), 3U);
  EXPECT_EQ(complete_one(*model, matching("[A-C]*")).text, "");
}

TEST(ConstrainedGeneration, NeverDrawsControlTokens) {
  TinyModelOptions options;
  options.bias = {{cupel::test::kTinyBos, 100}, {cupel::test::kTinyTurnStart, 100}};
  const TinyModel file(options);
  auto model = open_tiny(file);
  const ChatResponse response = complete_one(*model, matching("[ -~]{40}"));
  EXPECT_EQ(response.text.size(), 40U);
  for (const TokenId id : response.ids) {
    EXPECT_FALSE(model->tokenizer().is_control(id));
  }
}

/// A constraint that allows the same tokens always, and counts its masks.
struct FixedBits : public AllowedTokens {
  explicit FixedBits(std::vector<uint64_t> b) : bits(std::move(b)) {}
  std::vector<uint64_t> bits;
  int masks = 0;

  bool allows(TokenId id) override {
    return !bits.empty() &&
           (bits[static_cast<size_t>(id) / 64] >> static_cast<size_t>(id) % 64 & 1U) != 0;
  }
  std::span<const uint64_t> mask() override {
    ++masks;
    return bits;
  }
};

TEST(ConstrainedGeneration, MassAndLogprobsAreOfWhatRemains) {
  const engine::Operators& ops = **engine::operators_for(engine::CpuLevel::kScalar);
  const std::vector<float> logits = {2, 1, 0, -1};
  SamplingOptions options{.temperature = 1};
  options.constraint = {OutputConstraint::Kind::kRegex, "x"};
  FixedBits allowed({0b1010});
  const double total = std::exp(2) + std::exp(1) + 1 + std::exp(-1);
  const double kept = std::exp(1) + std::exp(-1);
  std::vector<int> drawn(4);
  Sampler sampler;
  for (uint64_t i = 0; i < 4000; ++i) {
    const Draw draw = sampler.draw(ops, logits, {.options = &options, .allowed = &allowed},
                                   {.seed = 1, .position = i});
    ++drawn[static_cast<size_t>(draw.id)];
    const double x = logits[static_cast<size_t>(draw.id)];
    ASSERT_NEAR(draw.surviving_mass, kept / total, 1e-6);
    ASSERT_NEAR(draw.logprob, x - std::log(total), 1e-6);
    ASSERT_NEAR(draw.processed_logprob, x - std::log(kept), 1e-6);
  }
  EXPECT_EQ(drawn[0] + drawn[2], 0);
  // Binomial: e/(e + 1/e) = 0.8808, standard deviation 20 of 4000.
  EXPECT_NEAR(drawn[1], 4000 * std::exp(1) / kept, 100);
}

TEST(ConstrainedGeneration, NoMaskIsWorkedOutForALikeliestTokenThatIsAllowed) {
  const engine::Operators& ops = **engine::operators_for(engine::CpuLevel::kScalar);
  const std::vector<float> logits = {2, 1, 0, -1};
  SamplingOptions options{.temperature = 0};
  options.constraint = {OutputConstraint::Kind::kRegex, "x"};
  Sampler sampler;
  FixedBits with_likeliest({0b1001});
  Draw draw = sampler.draw(ops, logits, {.options = &options, .allowed = &with_likeliest}, {});
  EXPECT_EQ(draw.id, 0);
  EXPECT_EQ(with_likeliest.masks, 0);
  FixedBits without({0b1100});
  draw = sampler.draw(ops, logits, {.options = &options, .allowed = &without}, {});
  EXPECT_EQ(draw.id, 2);
  EXPECT_EQ(without.masks, 1);
  // A penalty may make another token the likeliest.
  options.repetition_penalty = 4;
  const std::vector<TokenId> seen = {0};
  draw = sampler.draw(ops, logits, {.options = &options, .seen = seen, .allowed = &with_likeliest},
                      {});
  EXPECT_EQ(draw.id, 0);
  EXPECT_EQ(with_likeliest.masks, 1);
}

TEST(ConstrainedGeneration, NothingIsDrawnWhereTheConstraintCannotSay) {
  const engine::Operators& ops = **engine::operators_for(engine::CpuLevel::kScalar);
  const std::vector<float> logits = {2, 1};
  SamplingOptions options{.temperature = 1};
  options.constraint = {OutputConstraint::Kind::kRegex, "x"};
  FixedBits silent({});
  Sampler sampler;
  EXPECT_FALSE(sampler.draw(ops, logits, {.options = &options, .allowed = &silent}, {}).valid());
}

TEST(ConstrainedGeneration, WhatCannotBeFollowedIsReportedThroughTheCall) {
  const TinyModel file;
  auto model = open_tiny(file);
  const auto error_of = [&](ChatRequest request) {
    const auto response = complete(*model, std::move(request));
    CUPEL_CHECK(!response.has_value());
    return response.error();
  };
  EXPECT_EQ(error_of(constrained("{", 0)).code, Code::kCorruptData);
  const Error unsupported = error_of(constrained(R"({"not":{}})", 0));
  EXPECT_EQ(unsupported.code, Code::kUnsupported);
  EXPECT_EQ(unsupported.message.substr(0, 14), "json_schema: #");
  EXPECT_EQ(error_of(matching("(")).code, Code::kInvalidArgument);
  ChatRequest stopping = matching("a+");
  stopping.sampling.stop = {"b"};
  EXPECT_EQ(error_of(stopping).code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace cupel::decode::test
