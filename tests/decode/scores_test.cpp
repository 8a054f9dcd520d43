// The passes of sampling against a full sort, over random scores with many equals.
#include "decode/scores.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/rng.h"
#include "decode/sampler.h"

namespace cupel::decode {

bool operator==(const Candidate& a, const Candidate& b) {
  return a.id == b.id && a.logit == b.logit;
}

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

enum class Shape { kSmooth, kTies, kFlat, kPeaked, kSparse };
constexpr Shape kShapes[] = {Shape::kSmooth, Shape::kTies, Shape::kFlat, Shape::kPeaked,
                             Shape::kSparse};

std::vector<float> random_scores(Shape shape, size_t count, Rng& rng) {
  std::vector<float> scores(count);
  for (float& x : scores) {
    const double normal = rng.normal();
    switch (shape) {
      case Shape::kSmooth:
        x = static_cast<float>(normal * 3);
        break;
      case Shape::kTies:
        x = static_cast<float>(std::round(normal * 2));  // 0 and -0 among them
        break;
      case Shape::kFlat:
        x = static_cast<float>(normal * 1e-3);
        break;
      case Shape::kPeaked:
        x = static_cast<float>(normal * normal * 6);
        break;
      case Shape::kSparse:
        x = rng.below(3) == 0 ? static_cast<float>(normal) : -kInfinity;
        break;
    }
  }
  scores[rng.below(count)] = 1;  // a finite one at least
  return scores;
}

std::vector<Candidate> fully_sorted(const std::vector<float>& scores) {
  std::vector<Candidate> all;
  for (size_t i = 0; i < scores.size(); ++i) {
    all.push_back({static_cast<TokenId>(i), scores[i]});
  }
  std::sort(all.begin(), all.end(), likelier);
  return all;
}

template <typename Visit>
void for_random_scores(const Visit& visit) {
  for (const Shape shape : kShapes) {
    for (const size_t count : {1U, 2U, 15U, 63U, 64U, 65U, 200U, 1000U, 5003U, 40000U}) {
      for (uint64_t round = 0; round < (count < 2000 ? 8U : 2U); ++round) {
        Rng rng(count, round * 16 + static_cast<uint64_t>(shape));
        SCOPED_TRACE(testing::Message() << "shape " << static_cast<int>(shape) << ", " << count
                                        << " scores, round " << round);
        visit(random_scores(shape, count, rng), rng);
      }
    }
  }
}

TEST(Scores, LargestAndItsLowestId) {
  for_random_scores([](const std::vector<float>& scores, Rng&) {
    const Candidate first = fully_sorted(scores).front();
    EXPECT_EQ(largest_score(scores), first.logit);
    EXPECT_EQ(argmax(scores), first.id);
  });
}

TEST(Scores, GatheredAtLeastAreAscendingAndAll) {
  for_random_scores([](const std::vector<float>& scores, Rng& rng) {
    for (const float floor : {scores[rng.below(scores.size())], 0.0F, -kInfinity, 1000.0F}) {
      std::vector<Candidate> expected;
      for (size_t i = 0; i < scores.size(); ++i) {
        if (scores[i] >= floor) {
          expected.push_back({static_cast<TokenId>(i), scores[i]});
        }
      }
      std::vector<Candidate> gathered;
      gather_at_least(scores, floor, gathered);
      EXPECT_TRUE(gathered == expected) << floor;
    }
  });
}

TEST(Scores, LikeliestAreTheFirstOfTheFullSort) {
  for_random_scores([](const std::vector<float>& scores, Rng& rng) {
    auto sorted = fully_sorted(scores);
    for (const size_t k : {size_t{1}, size_t{2}, size_t{40}, 1 + rng.below(scores.size())}) {
      if (k >= scores.size()) {
        continue;
      }
      std::vector<Candidate> gathered;
      gather_likeliest(scores, k, gathered);
      std::sort(gathered.begin(), gathered.end(), likelier);
      EXPECT_TRUE(std::equal(gathered.begin(), gathered.end(), sorted.begin(),
                             sorted.begin() + static_cast<int64_t>(k)))
          << k;
    }
  });
}

TEST(Scores, LinearSortIsTheFullSort) {
  for_random_scores([](const std::vector<float>& scores, Rng&) {
    std::vector<Candidate> items;
    std::vector<Candidate> scratch;
    gather_at_least(scores, -kInfinity, items);
    sort_ascending_ids(items, scratch);
    EXPECT_TRUE(items == fully_sorted(scores));
  });
}

// What the processors and the draw say, step by step over a full sort: with the same sums in the
// same order, so that everything is equal bit for bit.
struct NaiveDraw {
  std::vector<Candidate> items;
  Draw draw;
};

NaiveDraw naive_draw(const std::vector<float>& logits, const SamplingOptions& o, double uniform) {
  const auto temperature = static_cast<float>(o.temperature);
  std::vector<Candidate> items;
  for (size_t i = 0; i < logits.size(); ++i) {
    const float score = o.temperature == 1 ? logits[i] : bounded_logit(logits[i] / temperature);
    items.push_back({static_cast<TokenId>(i), score});
  }
  const float peak = std::max_element(items.begin(), items.end(), [](const auto& a, const auto& b) {
                       return a.logit < b.logit;
                     })->logit;
  const auto weight = [peak](const Candidate& c) {
    return std::exp(static_cast<double>(c.logit) - peak);
  };
  if (o.top_k > 0) {
    std::sort(items.begin(), items.end(), likelier);
    items.resize(std::min(items.size(), static_cast<size_t>(o.top_k)));
  }
  double total = 0;
  for (const Candidate& c : items) {
    total += weight(c);
  }
  if (o.top_p < 1) {
    std::sort(items.begin(), items.end(), likelier);
    double mass = 0;
    size_t kept = 0;
    do {
      mass += weight(items[kept++]);
    } while (mass < o.top_p * total && kept < items.size());
    items.resize(kept);
  }
  if (o.min_p > 0) {
    const auto floor = static_cast<float>(peak + std::log(o.min_p));
    std::erase_if(items, [floor](const Candidate& c) { return c.logit < floor; });
  }
  total = 0;
  for (const Candidate& c : items) {
    total += weight(c);
  }
  double rest = uniform * total;
  size_t chosen = items.size() - 1;
  for (size_t i = 0; i < items.size(); ++i) {
    rest -= weight(items[i]);
    if (rest < 0) {
      chosen = i;
      break;
    }
  }
  NaiveDraw result;
  result.draw.id = items[chosen].id;
  result.draw.processed_logprob = static_cast<double>(items[chosen].logit) - peak - std::log(total);
  result.items = std::move(items);
  return result;
}

TEST(Scores, DrawsAreThoseOfTheFullSortBitForBit) {
  const engine::Operators& ops = *engine::operators_for(engine::best_cpu_level()).value();
  const std::vector<SamplingOptions> all = {{.temperature = 1},
                                            {.temperature = 0.8, .top_p = 0.9},
                                            {.temperature = 1, .top_p = 0.5},
                                            {.temperature = 1.7, .top_p = 0.9995},
                                            {.temperature = 1, .top_p = 0.01},
                                            {.temperature = 0.8, .top_k = 40},
                                            {.temperature = 1, .top_k = 1},
                                            {.temperature = 0.9, .top_k = 100, .top_p = 0.8},
                                            {.temperature = 1.2, .min_p = 0.05},
                                            {.temperature = 1.2, .top_p = 0.95, .min_p = 0.01},
                                            {.temperature = 1, .top_k = 1 << 20, .top_p = 0.7}};
  for_random_scores([&](const std::vector<float>& logits, Rng&) {
    const double normaliser = log_normaliser(ops, logits);
    for (size_t o = 0; o < all.size(); ++o) {
      Sampler sampler;
      for (uint64_t position = 0; position < 3; ++position) {
        const NaiveDraw naive = naive_draw(logits, all[o], random_unit(5, 0, position));
        const Draw drawn = sampler.draw(ops, logits, {.options = &all[o], .seen = {}},
                                        {.seed = 5, .stream = 0, .position = position});
        EXPECT_EQ(drawn.id, naive.draw.id) << "options " << o;
        EXPECT_EQ(drawn.processed_logprob, naive.draw.processed_logprob) << "options " << o;
        double mass = naive.items.size() == logits.size() ? 1 : 0;
        for (size_t i = 0; naive.items.size() < logits.size() && i < naive.items.size(); ++i) {
          const auto id = static_cast<size_t>(naive.items[i].id);
          mass += std::exp(static_cast<double>(logits[id]) - normaliser);
        }
        EXPECT_EQ(drawn.surviving_mass, mass) << "options " << o;
      }
    }
  });
}

}  // namespace
}  // namespace cupel::decode
