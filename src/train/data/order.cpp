#include "train/data/order.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/check.h"
#include "base/error.h"
#include "base/rng.h"

namespace cupel::train {
namespace {

constexpr int64_t kStretch = 50;  // batches; as the length-grouped sampler of transformers

void shuffle(std::vector<int64_t>& items, Rng rng) {
  for (size_t i = items.size(); i > 1; --i) {
    std::swap(items[i - 1], items[rng.below(i)]);
  }
}

/// The items of a source, one pass after another, each in an order of its own.
class SourceItems {
 public:
  SourceItems(const MixtureSource& source, const OrderOptions& options, uint64_t stream)
      : options_(&options), stream_(stream), items_(static_cast<size_t>(source.count)) {
    std::iota(items_.begin(), items_.end(), source.begin);
  }

  int64_t next() {
    if (at_ == 0 && options_->shuffle) {
      std::sort(items_.begin(), items_.end());
      shuffle(items_, Rng(options_->seed, mix64(stream_ ^ pass_)));
    }
    const int64_t item = items_[at_];
    if (++at_ == items_.size()) {
      at_ = 0;
      ++pass_;
    }
    return item;
  }

 private:
  const OrderOptions* options_;
  uint64_t stream_;
  std::vector<int64_t> items_;
  size_t at_ = 0;
  uint64_t pass_ = 0;
};

std::vector<SourceItems> sources_of(const OrderOptions& options, uint64_t epoch) {
  std::vector<SourceItems> sources;
  for (size_t i = 0; i < options.mixture.size(); ++i) {
    sources.emplace_back(options.mixture[i], options,
                         mix64(stream_id("source") ^ (epoch << 16U)) + i);
  }
  return sources;
}

std::vector<int64_t> draw_by_probability(const OrderOptions& options,
                                         int64_t draws,
                                         uint64_t epoch) {
  std::vector<double> ends;
  double sum = 0;
  for (const MixtureSource& source : options.mixture) {
    ends.push_back(sum += source.probability);
  }
  auto sources = sources_of(options, epoch);
  std::vector<int64_t> order;
  Rng rng(options.seed, mix64(stream_id("mixture") ^ epoch));
  for (int64_t i = 0; i < draws; ++i) {
    const auto end = std::upper_bound(ends.begin(), ends.end(), rng.unit() * sum);
    const auto source =
        std::min<std::ptrdiff_t>(end - ends.begin(), static_cast<std::ptrdiff_t>(ends.size()) - 1);
    order.push_back(sources[static_cast<size_t>(source)].next());
  }
  return order;
}

/// What an item takes of a budget.
int64_t share_of(const MixtureSource& source,
                 std::span<const int64_t> lengths,
                 std::span<const int64_t> characters,
                 int64_t item) {
  const auto sizes = source.tokens > 0 ? lengths : characters;
  return std::max<int64_t>(1, sizes[static_cast<size_t>(item)]);
}

std::vector<int64_t> take_budgets(const OrderOptions& options,
                                  std::span<const int64_t> lengths,
                                  std::span<const int64_t> characters,
                                  uint64_t epoch) {
  auto sources = sources_of(options, epoch);
  std::vector<int64_t> order;
  for (size_t i = 0; i < sources.size(); ++i) {
    const MixtureSource& source = options.mixture[i];
    int64_t left = std::max(source.tokens, source.characters);
    while (left > 0) {
      const int64_t item = sources[i].next();
      left -= share_of(source, lengths, characters, item);
      order.push_back(item);
    }
  }
  if (options.shuffle) {
    shuffle(order, Rng(options.seed, mix64(stream_id("order") ^ epoch)));
  }
  return order;
}

void group_by_length(std::vector<int64_t>& order, std::span<const int64_t> lengths, int64_t batch) {
  const auto longer = [&lengths](int64_t a, int64_t b) {
    return lengths[static_cast<size_t>(a)] > lengths[static_cast<size_t>(b)];
  };
  const auto stretch = static_cast<size_t>(batch * kStretch);
  size_t longest = 0;  // where the stretch begins that begins with the longest item
  for (size_t begin = 0; begin < order.size(); begin += stretch) {
    const size_t end = std::min(order.size(), begin + stretch);
    std::stable_sort(order.begin() + static_cast<std::ptrdiff_t>(begin),
                     order.begin() + static_cast<std::ptrdiff_t>(end), longer);
    if (longer(order[begin], order[longest])) {
      longest = begin;
    }
  }
  if (!order.empty()) {
    std::swap(order[0], order[longest]);
  }
}

}  // namespace

uint64_t stream_id(std::string_view name) {
  uint64_t stream = 0;
  for (const char c : name) {
    stream = mix64(stream ^ static_cast<unsigned char>(c));
  }
  return stream;
}

Result<Ok> check_mixture(std::span<const MixtureSource> mixture, int64_t items) {
  const auto kind = [](const MixtureSource& source) {
    return (source.probability > 0 ? 1 : 0) + (source.tokens > 0 ? 2 : 0) +
           (source.characters > 0 ? 4 : 0);
  };
  for (size_t i = 0; i < mixture.size(); ++i) {
    const MixtureSource& source = mixture[i];
    if (source.begin < 0 || source.count < 1 || source.begin + source.count > items) {
      return invalid_argument("source {} of the mixture has no rows to train on", i + 1);
    }
    const int of = kind(source);
    if ((of != 1 && of != 2 && of != 4) || !std::isfinite(source.probability)) {
      return invalid_argument(
          "source {} of the mixture needs one of probability, tokens and characters, above 0",
          i + 1);
    }
    if (of != kind(mixture[0])) {
      return invalid_argument(
          "source {} of the mixture says how much is taken in another way than the first one",
          i + 1);
    }
  }
  return Ok{};
}

Result<Ok> check_budgets(std::span<const MixtureSource> mixture,
                         std::span<const int64_t> lengths,
                         std::span<const int64_t> characters) {
  constexpr double kMostItems = 5e7;
  double items = 0;
  for (size_t i = 0; i < mixture.size(); ++i) {
    const MixtureSource& source = mixture[i];
    if (source.probability > 0) {
      continue;
    }
    int64_t all = 0;
    for (int64_t item = source.begin; item < source.begin + source.count; ++item) {
      all += share_of(source, lengths, characters, item);
    }
    const double passes =
        static_cast<double>(std::max(source.tokens, source.characters)) / static_cast<double>(all);
    items += passes * static_cast<double>(source.count);
    if (items > kMostItems) {
      return invalid_argument(
          "source {} of the mixture has {} {}, which an epoch would take {:.0f} times; lower its "
          "amount, and set more epochs instead",
          i + 1, all, source.tokens > 0 ? "tokens" : "characters", passes);
    }
  }
  return Ok{};
}

std::vector<int64_t> epoch_order(const OrderOptions& options,
                                 std::span<const int64_t> lengths,
                                 std::span<const int64_t> characters,
                                 int64_t epoch) {
  const auto number = static_cast<uint64_t>(epoch);
  std::vector<int64_t> order;
  if (options.mixture.empty()) {
    order.resize(lengths.size());
    std::iota(order.begin(), order.end(), 0);
    if (options.shuffle) {
      shuffle(order, Rng(options.seed, mix64(stream_id("order") ^ number)));
    }
  } else if (options.mixture[0].probability > 0) {
    order = draw_by_probability(options, static_cast<int64_t>(lengths.size()), number);
  } else {
    order = take_budgets(options, lengths, characters, number);
  }
  if (options.group_by_length > 0) {
    group_by_length(order, lengths, options.group_by_length);
  }
  return order;
}

}  // namespace cupel::train
