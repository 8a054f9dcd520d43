#include "tensor/token_logps.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

#include "tensor/tensor.h"

namespace cupel::tensor {
namespace {

constexpr int64_t kVocabulary = 7;

/// One text: `prompt` tokens that do not count, then one token for each log-prob, then padding.
struct Text {
  std::vector<double> logps;
  int64_t prompt = 2;
  int64_t padding = 0;
  [[nodiscard]] int64_t length() const {
    return prompt + static_cast<int64_t>(logps.size()) + padding;
  }
};

struct Batch {
  at::Tensor logits;  // [B,T,V]
  at::Tensor ids;     // [B,T]
  at::Tensor mask;    // [B,T]
};

/// Logits under which the label of each counted token has the given log-prob and all others share
/// the rest. Where nothing counts stands what must not be looked at: NaN logits, and ids that no
/// vocabulary has.
Batch logits_of(const std::vector<Text>& texts, at::ScalarType type = at::kDouble) {
  int64_t longest = 0;
  for (const Text& text : texts) {
    longest = std::max(longest, text.length());
  }
  const auto rows = static_cast<int64_t>(texts.size());
  Batch batch{.logits = at::full({rows, longest, kVocabulary}, NAN, at::kDouble),
              .ids = at::full({rows, longest}, -100, at::kLong),
              .mask = at::zeros({rows, longest}, at::kBool)};
  for (int64_t b = 0; b < rows; ++b) {
    const Text& text = texts[static_cast<size_t>(b)];
    for (size_t k = 0; k < text.logps.size(); ++k) {
      const int64_t position = text.prompt + static_cast<int64_t>(k);
      const int64_t label = (3 * position + b) % kVocabulary;
      const double rest = std::log(-std::expm1(text.logps[k])) - std::log(kVocabulary - 1.0);
      batch.logits.select(0, b).select(0, position - 1).fill_(rest);
      batch.logits.select(0, b).select(0, position - 1).select(0, label).fill_(text.logps[k]);
      batch.ids.select(0, b).select(0, position).fill_(label);
      batch.mask.select(0, b).select(0, position).fill_(true);
    }
  }
  batch.logits = batch.logits.to(type);
  return batch;
}

double entry(const at::Tensor& values, int64_t row, int64_t position) {
  return values.select(0, row).select(0, position).item<double>();
}

void expect_logps(const std::vector<Text>& texts, at::ScalarType type, double tolerance) {
  const Batch batch = logits_of(texts, type);
  const auto logps = token_logps(batch.logits, batch.ids, batch.mask);
  ASSERT_TRUE(logps.has_value()) << logps.error().message;
  EXPECT_EQ(logps->size(1), batch.ids.size(1) - 1);
  for (size_t b = 0; b < texts.size(); ++b) {
    for (int64_t t = 0; t < logps->size(1); ++t) {
      const int64_t k = t + 1 - texts[b].prompt;
      const bool counts = k >= 0 && k < static_cast<int64_t>(texts[b].logps.size());
      const double expected = counts ? texts[b].logps[static_cast<size_t>(k)] : 0;
      const double found = entry(*logps, static_cast<int64_t>(b), t);
      if (counts) {
        EXPECT_NEAR(found, expected, tolerance) << b << " " << t;
      } else {
        EXPECT_EQ(found, 0) << "exactly 0 where nothing counts: " << b << " " << t;
      }
    }
  }
}

TEST(TokenLogps, GivesTheLogProbOfEachCountedToken) {
  expect_logps({{{-0.41, -1.37, -0.22}}, {{-0.95, -0.33, -1.62, -0.78, -0.57}}}, at::kDouble,
               1e-14);
}

TEST(TokenLogps, PaddingChangesNothing) {
  for (const int64_t padding : {0, 1, 2, 9}) {
    expect_logps({{{-0.41, -1.37, -0.22}, 2, padding}, {{-0.95, -0.33}, 1, 0}}, at::kDouble, 1e-14);
  }
}

TEST(TokenLogps, ComputesHalfPrecisionLogitsInSinglePrecision) {
  const Batch batch = logits_of({{{-0.41, -1.37}}}, at::kBFloat16);
  const auto logps = token_logps(batch.logits, batch.ids, batch.mask);
  ASSERT_TRUE(logps.has_value());
  EXPECT_EQ(logps->scalar_type(), at::kFloat);
  // The logits themselves were rounded to 8 bits; what follows is exact to single precision.
  const auto wide = token_logps(batch.logits.to(at::kDouble), batch.ids, batch.mask);
  ASSERT_TRUE(wide.has_value());
  EXPECT_LT((logps->to(at::kDouble) - *wide).abs().max().item<double>(), 1e-6);
}

TEST(TokenLogps, GradientIsOneHotMinusSoftmax) {
  const Batch batch = logits_of({{{-0.41}, 1, 0}});
  at::Tensor logits = at::where(batch.logits.isnan(), at::zeros_like(batch.logits), batch.logits);
  logits.set_requires_grad(true);
  const auto logps = token_logps(logits, batch.ids, batch.mask);
  ASSERT_TRUE(logps.has_value());
  logps->sum().backward();
  const int64_t label = batch.ids.select(0, 0).select(0, 1).item<int64_t>();
  for (int64_t v = 0; v < kVocabulary; ++v) {
    const double p = v == label ? std::exp(-0.41) : -std::expm1(-0.41) / (kVocabulary - 1);
    EXPECT_NEAR(logits.grad().select(0, 0).select(0, 0).select(0, v).item<double>(),
                (v == label) - p, 1e-14);
    EXPECT_EQ(logits.grad().select(0, 0).select(0, 1).select(0, v).item<double>(), 0);
  }
}

TEST(TokenLogps, RefusesWhatDoesNotFit) {
  const Batch batch = logits_of({{{-0.41, -1.37}}});
  EXPECT_EQ(token_logps(batch.logits.select(0, 0), batch.ids, batch.mask).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(token_logps(batch.logits, batch.ids.narrow(1, 0, 3), batch.mask).error().code,
            Code::kInvalidArgument);
  const auto one = token_logps(batch.logits.narrow(1, 0, 1), batch.ids.narrow(1, 0, 1),
                               batch.mask.narrow(1, 0, 1));
  EXPECT_NE(one.error().message.find("two are the least"), std::string::npos)
      << one.error().message;
  const auto outside = token_logps(batch.logits, batch.ids + kVocabulary, batch.mask);
  EXPECT_NE(outside.error().message.find("outside the vocabulary of 7"), std::string::npos)
      << outside.error().message;
}

}  // namespace
}  // namespace cupel::tensor
