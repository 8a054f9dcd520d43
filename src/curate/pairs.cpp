#include "curate/pairs.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>

#include "base/error.h"

namespace cupel::curate {
namespace {

struct Candidate {
  double ratio = 1;  // of the longer one's tokens to the other's
  AnswerPair pair;
};

double ratio_of(int64_t a, int64_t b) {
  const auto [less, more] = std::minmax(std::max<int64_t>(a, 1), std::max<int64_t>(b, 1));
  return static_cast<double>(more) / static_cast<double>(less);
}

std::vector<Candidate> candidates(std::span<const SampledAnswer> answers, double most_ratio) {
  std::vector<Candidate> found;
  for (size_t chosen = 0; chosen < answers.size(); ++chosen) {
    if (!usable(answers[chosen]) || !answers[chosen].grade.passes()) {
      continue;
    }
    for (size_t rejected = 0; rejected < answers.size(); ++rejected) {
      if (!usable(answers[rejected]) || answers[rejected].grade.passes()) {
        continue;
      }
      const double ratio = ratio_of(answers[chosen].tokens, answers[rejected].tokens);
      if (ratio <= most_ratio) {
        found.push_back({.ratio = ratio, .pair = {.chosen = chosen, .rejected = rejected}});
      }
    }
  }
  std::ranges::sort(found, {}, [](const Candidate& c) {
    return std::tuple(c.ratio, c.pair.chosen, c.pair.rejected);
  });
  return found;
}

}  // namespace

bool usable(const SampledAnswer& answer) {
  return answer.error.empty() && answer.whole && !answer.text.empty();
}

Result<Ok> check_pair_options(const PairOptions& options) {
  if (options.most < 1) {
    return invalid_argument("pairs of a prompt are {}; expected at least 1", options.most);
  }
  if (!(options.length_ratio >= 1)) {
    return invalid_argument("the length-ratio of a pair is {:g}; expected at least 1",
                            options.length_ratio);
  }
  return Ok{};
}

std::vector<AnswerPair> choose_pairs(std::span<const SampledAnswer> answers,
                                     const PairOptions& options) {
  std::set<std::string_view> used;
  std::vector<AnswerPair> pairs;
  for (const Candidate& candidate : candidates(answers, options.length_ratio)) {
    if (std::ssize(pairs) >= options.most) {
      break;
    }
    const std::string_view chosen = answers[candidate.pair.chosen].text;
    const std::string_view rejected = answers[candidate.pair.rejected].text;
    if (!used.contains(chosen) && !used.contains(rejected)) {
      used.insert({chosen, rejected});
      pairs.push_back(candidate.pair);
    }
  }
  return pairs;
}

}  // namespace cupel::curate
