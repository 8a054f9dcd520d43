// Holtzman et al. 2020 (nucleus): the smallest set of likeliest tokens whose mass reaches p.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "decode/logits_processor.h"
#include "decode/scores.h"

namespace cupel::decode::processor {
namespace {

double weight(float logit, float peak) {
  return std::exp(static_cast<double>(logit) - peak);
}

/// Tells when the likeliest tokens, one after another, weigh as much as they should: p · total,
/// where the total is Σ exp(x - peak) over all tokens in order. With bounds of the total it stays
/// unspoken; it is only summed, one exp a token, where the bounds leave open what it decides.
template <typename Sum>
class MassTest {
 public:
  MassTest(double p, double low, double high, const Sum& total)
      : p_(p), low_(p * low), high_(p * high), total_(total) {}
  bool reached(double mass) {
    if (mass >= low_ && mass < high_) {
      low_ = high_ = p_ * total_();
    }
    return mass >= high_;
  }

 private:
  double p_;
  double low_;
  double high_;
  const Sum& total_;
};

/// Shortens a sorted list.
void cut_sorted(std::vector<Candidate>& items, double p) {
  const float peak = items.front().logit;
  double total = 0;
  for (const Candidate& candidate : items) {
    total += weight(candidate.logit, peak);
  }
  double mass = 0;
  size_t kept = 0;
  do {  // the likeliest one always survives
    mass += weight(items[kept++].logit, peak);
  } while (mass < p * total && kept < items.size());
  items.resize(kept);
}

struct Bounds {
  double low = 0;
  double high = 0;
};

/// Of Σ exp(x - peak), from the vectorised sum, whose error is below 1e-6. Nothing where a double
/// of the peak's size is too coarse.
std::optional<Bounds> bounds_of_total(const Candidates& candidates, float peak) {
  constexpr double kError = 1e-5;
  constexpr float kLargePeak = 1e6F;
  if (std::abs(peak) > kLargePeak) {
    return std::nullopt;
  }
  const std::span<const float> scores = candidates.scores();
  const double sum =
      candidates.operators().log_sum_exp(scores.data(), static_cast<int64_t>(scores.size()));
  const double total = std::exp(sum - static_cast<double>(peak));
  return Bounds{total * (1 - kError), total * (1 + kError)};
}

/// Sorts the likeliest of a list that is ascending by id, further with each call.
class GrowingOrder {
 public:
  explicit GrowingOrder(Candidates& candidates) : candidates_(candidates) {}
  /// The number of tokens at the front that stand in order.
  [[nodiscard]] size_t sorted() const { return sorted_; }
  /// Makes them more; there must be some left.
  void grow() {
    constexpr size_t kFirst = 64;
    constexpr size_t kMany = 16384;  // a flat distribution: all at once is cheaper than in steps
    auto& items = candidates_.items();
    if (items.size() > kMany) {
      sort_ascending_ids(items, candidates_.scratch());
      sorted_ = items.size();
      return;
    }
    const auto at = [&](size_t i) { return items.begin() + static_cast<std::ptrdiff_t>(i); };
    const size_t end = std::min(items.size(), std::max(kFirst, 4 * sorted_));
    if (end < items.size()) {
      std::nth_element(at(sorted_), at(end), items.end(), likelier);
    }
    std::sort(at(sorted_), at(end), likelier);
    sorted_ = end;
  }

 private:
  Candidates& candidates_;
  size_t sorted_ = 0;
};

/// Gathers the tokens from `floor` on, which hold enough, and keeps those that the test asks for.
template <typename Test>
void keep_nucleus(Candidates& candidates, float floor, float peak, Test test) {
  auto& items = candidates.begin_cut();
  gather_at_least(candidates.scores(), floor, items);
  GrowingOrder order(candidates);
  double mass = 0;
  size_t kept = 0;
  do {  // the likeliest one always survives
    if (kept == order.sorted()) {
      order.grow();
    }
    mass += weight(items[kept++].logit, peak);
  } while (!test.reached(mass) && kept < items.size());
  items.resize(kept);
}

/// The score below which all tokens together weigh less than half of what the nucleus may leave
/// out.
float floor_of_nucleus(size_t tokens, double p, float peak, double total) {
  const double spare = (1 - p) * total / 2;
  const double below = std::log(static_cast<double>(tokens) / spare);
  return static_cast<float>(static_cast<double>(peak) - below - 1e-3);
}

void cut_all(Candidates& candidates, double p) {
  const std::span<const float> scores = candidates.scores();
  const float peak = largest_score(scores);
  const auto total = [&] {
    double sum = 0;
    for (const float x : scores) {
      sum += weight(x, peak);
    }
    return sum;
  };
  constexpr double kNarrow = 1e-3;  // what is left out is far above the error of the bounds
  const auto bounds = 1 - p >= kNarrow ? bounds_of_total(candidates, peak) : std::nullopt;
  if (bounds) {
    const float floor = floor_of_nucleus(scores.size(), p, peak, bounds->low);
    keep_nucleus(candidates, floor, peak, MassTest(p, bounds->low, bounds->high, total));
  } else {
    const double exact = total();
    keep_nucleus(candidates, -std::numeric_limits<float>::infinity(), peak,
                 MassTest(p, exact, exact, total));
  }
}

void apply(Candidates& candidates, const ProcessorContext& context) {
  if (candidates.cut()) {  // by top-k, which sorts
    cut_sorted(candidates.items(), context.options->top_p);
  } else {
    cut_all(candidates, context.options->top_p);
  }
}

}  // namespace

LogitsProcessor top_p() {
  return {.name = "top_p",
          .summary = "keeps the smallest set of likeliest tokens with that mass",
          .active = [](const SamplingOptions& o) { return !o.greedy() && o.top_p < 1; },
          .apply = &apply};
}

}  // namespace cupel::decode::processor
