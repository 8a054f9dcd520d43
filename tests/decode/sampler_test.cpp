// Draws against an independent reference in double: the processors in their order, the probability
// of each survivor, how often it is drawn.
#include "decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::decode {
namespace {

const engine::Operators& ops() {
  return *engine::operators_for(engine::CpuLevel::kScalar).value();
}

Draw draw(const std::vector<float>& logits,
          const SamplingOptions& options,
          const std::vector<TokenId>& seen = {},
          const DrawKey& key = {}) {
  Sampler sampler;
  return sampler.draw(ops(), logits, {.options = &options, .seen = seen}, key);
}

std::vector<float> random_logits(uint64_t seed, size_t count, double deviation = 2) {
  Rng rng(seed);
  std::vector<float> logits(count);
  for (float& x : logits) {
    x = static_cast<float>(rng.normal() * deviation);
  }
  return logits;
}

// Which tokens survive, with what probability, and what they weigh before any processor.
struct Distribution {
  std::map<TokenId, double> probability;
  double raw_mass = 0;
};

// core/sampling.h, word by word: repetition penalty, temperature, top-k, top-p, min-p.
Distribution reference(const std::vector<float>& logits,
                       const SamplingOptions& o,
                       const std::vector<TokenId>& seen) {
  std::vector<std::pair<double, TokenId>> items;
  double raw_total = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    auto x = static_cast<double>(logits[i]);
    raw_total += std::exp(x);
    if (std::set<TokenId>(seen.begin(), seen.end()).contains(static_cast<TokenId>(i))) {
      x = x > 0 ? x / o.repetition_penalty : x * o.repetition_penalty;
    }
    items.emplace_back(x / o.temperature, static_cast<TokenId>(i));
  }
  std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
  const auto total = [&] {
    double sum = 0;
    for (const auto& [x, id] : items) {
      sum += std::exp(x);
    }
    return sum;
  };
  if (o.top_k > 0 && static_cast<size_t>(o.top_k) < items.size()) {
    items.resize(static_cast<size_t>(o.top_k));
  }
  const double before_top_p = total();
  double mass = 0;
  size_t kept = 0;
  while (kept < items.size() && mass < o.top_p) {
    mass += std::exp(items[kept++].first) / before_top_p;
  }
  items.resize(o.top_p < 1 ? kept : items.size());
  const double largest = std::exp(items.front().first);
  std::erase_if(items, [&](const auto& item) { return std::exp(item.first) < o.min_p * largest; });
  Distribution result;
  const double rest = total();
  for (const auto& [x, id] : items) {
    result.probability[id] = std::exp(x) / rest;
    result.raw_mass += std::exp(static_cast<double>(logits[static_cast<size_t>(id)])) / raw_total;
  }
  return result;
}

// Upper limit of chi-square with that many degrees of freedom at p = 1e-4 (Wilson-Hilferty).
double chi_square_limit(double freedom) {
  const double a = 2 / (9 * freedom);
  return freedom * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}

struct Setting {
  std::string name;
  SamplingOptions options;
};

void PrintTo(const Setting& setting, std::ostream* out) {
  *out << setting.name;
}

std::vector<Setting> settings() {
  return {
      {"plain", {.temperature = 1}},
      {"cold", {.temperature = 0.4}},
      {"hot", {.temperature = 2.5}},
      {"top_k", {.temperature = 1, .top_k = 7}},
      {"top_k_one", {.temperature = 1.5, .top_k = 1}},
      {"top_k_more_than_there_are", {.temperature = 1, .top_k = 1000}},
      {"top_p", {.temperature = 1, .top_p = 0.7}},
      {"tiny_top_p", {.temperature = 1, .top_p = 1e-9}},
      {"top_p_near_one", {.temperature = 1, .top_p = 0.9999}},
      {"min_p", {.temperature = 1, .min_p = 0.1}},
      {"min_p_near_one", {.temperature = 1, .min_p = 0.999}},
      {"penalty", {.temperature = 1, .repetition_penalty = 1.8}},
      {"reward", {.temperature = 1, .repetition_penalty = 0.6}},
      {"k_and_p", {.temperature = 0.8, .top_k = 20, .top_p = 0.8}},
      {"all",
       {.temperature = 1.3, .top_k = 25, .top_p = 0.9, .min_p = 0.02, .repetition_penalty = 1.2}},
  };
}

class SamplerSettings : public testing::TestWithParam<Setting> {
 protected:
  static std::vector<TokenId> seen() { return {3, 5, 5, 8, 13, 21, 34, 3}; }
};

TEST_P(SamplerSettings, SurvivorsAndLogProbsAreTheReferences) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    const auto logits = random_logits(seed, 60);
    const Distribution expected = reference(logits, GetParam().options, seen());
    std::set<TokenId> drawn;
    for (uint64_t position = 0; position < 200; ++position) {
      const Draw d = draw(logits, GetParam().options, seen(), {.seed = seed, .position = position});
      ASSERT_TRUE(d.valid());
      const auto found = expected.probability.find(d.id);
      ASSERT_NE(found, expected.probability.end()) << "token " << d.id << " should not survive";
      EXPECT_NEAR(d.processed_logprob, std::log(found->second), 1e-5);
      EXPECT_NEAR(d.surviving_mass, expected.raw_mass, 1e-5);
      double total = 0;
      for (const float x : logits) {
        total += std::exp(static_cast<double>(x));
      }
      const auto raw = static_cast<double>(logits[static_cast<size_t>(d.id)]) - std::log(total);
      EXPECT_NEAR(static_cast<double>(d.logprob), raw, 2e-6);
      drawn.insert(d.id);
    }
    if (expected.probability.size() <= 3) {
      EXPECT_EQ(drawn.size(), expected.probability.size());
    }
  }
}

TEST_P(SamplerSettings, FrequenciesFollowTheDistribution) {
  constexpr int kDraws = 20000;
  const auto logits = random_logits(99, 40);
  const Distribution expected = reference(logits, GetParam().options, seen());
  std::map<TokenId, int> counts;
  for (uint64_t position = 0; position < kDraws; ++position) {
    ++counts[draw(logits, GetParam().options, seen(), {.seed = 5, .position = position}).id];
  }
  double statistic = 0;
  double cells = 0;
  double pooled_expected = 0;  // tokens too rare for a cell of their own share one
  double pooled_count = 0;
  for (const auto& [id, probability] : expected.probability) {
    const double wanted = probability * kDraws;
    if (wanted < 10) {
      pooled_expected += wanted;
      pooled_count += counts[id];
      continue;
    }
    statistic += std::pow(counts[id] - wanted, 2) / wanted;
    ++cells;
  }
  if (pooled_expected >= 1) {
    statistic += std::pow(pooled_count - pooled_expected, 2) / pooled_expected;
    ++cells;
  }
  if (cells > 1) {
    EXPECT_LT(statistic, chi_square_limit(cells - 1)) << cells << " cells";
  } else {
    EXPECT_EQ(counts.size(), 1U);
  }
}

INSTANTIATE_TEST_SUITE_P(Settings,
                         SamplerSettings,
                         testing::ValuesIn(settings()),
                         [](const auto& param) { return param.param.name; });

TEST(Sampler, GreedyTakesTheLargestAndTheLowestIdOfEquals) {
  const std::vector<float> logits = {1, 4, 2, 4, 4, 0};
  const Draw d = draw(logits, {.temperature = 0});
  EXPECT_EQ(d.id, 1);
  EXPECT_EQ(d.processed_logprob, 0);
  const double total = std::exp(1) + 3 * std::exp(4) + std::exp(2) + std::exp(0);
  EXPECT_NEAR(d.logprob, 4 - std::log(total), 2e-6);
  EXPECT_NEAR(d.surviving_mass, std::exp(4) / total, 2e-6);
  EXPECT_EQ(draw(logits, {.temperature = 0.00009}).id, 1);  // below 1e-4: greedy
}

TEST(Sampler, GreedyAppliesThePenalty) {
  // 4 / 2 = 2 falls below 3; -1 · 2 = -2.
  const std::vector<float> logits = {3, 4, -1};
  const SamplingOptions options = {.temperature = 0, .repetition_penalty = 2};
  EXPECT_EQ(draw(logits, options, {1, 2}).id, 0);
  // Raw log-prob: before any processor.
  EXPECT_NEAR(draw(logits, options, {1, 2}).logprob,
              3 - std::log(std::exp(3) + std::exp(4) + std::exp(-1)), 2e-6);
  EXPECT_EQ(draw({-2, -1.5}, options, {1}).id, 0);  // -3 < -2
  EXPECT_EQ(draw({1, 2}, options, {1}).id, 0);      // both 1: the lowest id
}

TEST(Sampler, PenaltyCountsEachSeenTokenOnce) {
  const std::vector<float> logits = {3.5F, 4};
  const SamplingOptions options = {.temperature = 0, .repetition_penalty = 1.1};
  EXPECT_EQ(draw(logits, options, {1}).id, 1);           // 3.64
  EXPECT_EQ(draw(logits, options, {1, 1, 1, 1}).id, 1);  // not 4 / 1.1^4 = 2.73
}

TEST(Sampler, TiesAtTheBordersGoToTheLowestIds) {
  const std::vector<float> logits(50, 1.0F);
  for (uint64_t position = 0; position < 300; ++position) {
    const DrawKey key = {.seed = 1, .position = position};
    EXPECT_LT(draw(logits, {.temperature = 1, .top_k = 4}, {}, key).id, 4);
    EXPECT_LT(draw(logits, {.temperature = 1, .top_p = 0.2}, {}, key).id, 11);
  }
}

TEST(Sampler, DrawIsAFunctionOfSeedStreamAndPosition) {
  const auto logits = random_logits(7, 300, 0.5);
  const SamplingOptions options = {.temperature = 1};
  const auto path = [&](uint64_t seed, uint64_t stream) {
    std::vector<TokenId> ids;
    for (uint64_t position = 0; position < 30; ++position) {
      const DrawKey key = {.seed = seed, .stream = stream, .position = position};
      ids.push_back(draw(logits, options, {}, key).id);
    }
    return ids;
  };
  const auto first = path(1, 0);
  EXPECT_EQ(path(1, 0), first);
  EXPECT_NE(path(1, 0), path(2, 0));
  EXPECT_NE(path(1, 0), path(1, 1));
  EXPECT_GT(std::set<TokenId>(first.begin(), first.end()).size(), 10U);
  // A sampler that has drawn before draws the same.
  Sampler used;
  for (uint64_t position = 0; position < 30; ++position) {
    const DrawKey key = {.seed = 1, .stream = 0, .position = position};
    const Draw d = used.draw(ops(), logits, {.options = &options, .seen = {}}, key);
    EXPECT_EQ(d.id, first[position]);
  }
}

TEST(Sampler, LevelsDrawTheSame) {
  const auto logits = random_logits(8, 1003);
  const SamplingOptions options = {.temperature = 0.9, .top_p = 0.95};
  for (const engine::CpuLevel level : engine::available_cpu_levels()) {
    Sampler sampler;
    const Draw d = sampler.draw(**engine::operators_for(level), logits,
                                {.options = &options, .seen = {}}, {.seed = 3});
    const Draw expected = draw(logits, options, {}, {.seed = 3});
    EXPECT_EQ(d.id, expected.id);
    EXPECT_EQ(d.logprob, expected.logprob);
    EXPECT_EQ(d.surviving_mass, expected.surviving_mass);
  }
}

TEST(Sampler, MinusInfinityIsNeverDrawn) {
  std::vector<float> logits(40, -std::numeric_limits<float>::infinity());
  logits[17] = 2;
  logits[31] = 1;
  for (const Setting& setting : settings()) {
    for (uint64_t position = 0; position < 50; ++position) {
      const Draw d = draw(logits, setting.options, {17, 4}, {.position = position});
      EXPECT_TRUE(d.valid()) << setting.name;
      EXPECT_TRUE(d.id == 17 || d.id == 31) << setting.name << " drew " << d.id;
    }
  }
  EXPECT_EQ(draw(logits, {.temperature = 0}).id, 17);
}

// Logits that are no distribution are refused, at every level and wherever the bad one stands.
TEST(Sampler, LogitsThatAreNotFiniteAreRefused) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  auto all = settings();
  all.push_back({"greedy", {.temperature = 0}});
  all.push_back({"greedy_penalty", {.temperature = 0, .repetition_penalty = 1.3}});
  for (const engine::CpuLevel level : engine::available_cpu_levels()) {
    for (const float bad : {kNan, -kNan, kInfinity}) {
      for (const size_t at : {0U, 1U, 15U, 16U, 255U, 256U, 299U}) {
        auto logits = random_logits(9, 300);
        logits[at] = bad;
        for (const Setting& setting : all) {
          Sampler sampler;
          const Draw d = sampler.draw(**engine::operators_for(level), logits,
                                      {.options = &setting.options, .seen = {}}, {});
          EXPECT_FALSE(d.valid()) << setting.name << " with " << bad << " at " << at;
        }
      }
    }
  }
  const std::vector<float> none(50, -kInfinity);
  EXPECT_FALSE(draw(none, {.temperature = 1}).valid());
  EXPECT_FALSE(draw(none, {.temperature = 0}).valid());
}

// Options that check_sampling lets through, however absurd, draw a token and give it a probability.
TEST(Sampler, ExtremeOptionsStillDraw) {
  constexpr double kHuge = 1e300;
  constexpr double kTiny = 1e-300;
  const std::vector<SamplingOptions> all = {
      {.temperature = kHuge},
      {.temperature = 0.0001},
      {.temperature = 1, .top_p = kTiny},
      {.temperature = 1, .min_p = 1 - 1e-15},
      {.temperature = 1, .repetition_penalty = kHuge},
      {.temperature = 1, .repetition_penalty = kTiny},
      {.temperature = 0.0001, .repetition_penalty = kTiny},
      {.temperature = 0.0001, .top_k = 3, .top_p = 0.5, .repetition_penalty = kHuge},
      {.temperature = kHuge, .top_k = 3, .top_p = kTiny, .repetition_penalty = kTiny}};
  auto logits = random_logits(12, 50, 8);
  logits[10] = 0;
  std::vector<TokenId> everything(50);
  for (size_t i = 0; i < everything.size(); ++i) {
    everything[i] = static_cast<TokenId>(i);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    ASSERT_TRUE(check_sampling(all[i]).has_value()) << i;
    for (const auto& seen : {std::vector<TokenId>{3, 10}, everything}) {
      const Draw d = draw(logits, all[i], seen);
      EXPECT_TRUE(d.valid()) << i;
      EXPECT_LE(d.processed_logprob, 0) << i;
      EXPECT_GE(d.processed_logprob, -4) << i;  // all alike: -log 50 = -3.9
    }
  }
  // A reward without bound: the seen one is drawn.
  EXPECT_EQ(draw({1, 2, 3}, {.temperature = 1, .repetition_penalty = kTiny}, {0}).id, 0);
}

TEST(Sampler, ProcessorsStandInTheirOrder) {
  std::vector<std::string> names;
  for (const LogitsProcessor& processor : logits_processors()) {
    names.emplace_back(processor.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"constraint", "repetition_penalty", "temperature",
                                             "top_k", "top_p", "min_p"}));
}

}  // namespace
}  // namespace cupel::decode
