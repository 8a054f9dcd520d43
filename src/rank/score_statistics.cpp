#include "rank/score_statistics.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <span>

#include "base/error.h"
#include "base/rng.h"
#include "base/text.h"
#include "rank/rank_classes.h"

namespace cupel::rank {
namespace {

using numeric::Interval;

/// Sums of one question: all that a clustered mean depends on.
struct QuestionSum {
  double sum = 0;
  double items = 0;
};

/// A clustered mean and what the bootstrap says about it.
struct ClusteredMean {
  double mean = 0;
  std::optional<double> standard_error;
  std::optional<Interval> interval;
  std::optional<double> bootstrap_standard_error;
  std::optional<double> sign_probability;
  int64_t questions = 0;
  int64_t items = 0;
};

/// How often each question occurs in each resample; the same for all models, so all comparisons are
/// paired.
class QuestionResamples {
 public:
  QuestionResamples(size_t questions, int64_t rounds, uint64_t seed)
      : questions_(questions), times_(questions * static_cast<size_t>(rounds)) {
    for (size_t round = 0; round < static_cast<size_t>(rounds); ++round) {
      Rng rng(seed, round);
      for (size_t i = 0; i < questions; ++i) {
        ++times_[round * questions + rng.below(questions)];
      }
    }
  }
  [[nodiscard]] size_t rounds() const { return times_.size() / questions_; }
  [[nodiscard]] std::span<const uint32_t> times(size_t round) const {
    return {times_.data() + round * questions_, questions_};
  }

 private:
  size_t questions_;
  std::vector<uint32_t> times_;  // [rounds, questions]
};

using QuestionPlaces = std::map<std::string, size_t, std::less<>>;

QuestionPlaces question_places(const ScoreTable& scores) {
  QuestionPlaces places;
  for (const std::string& question : scores.questions()) {
    places.emplace(question, places.size());
  }
  return places;
}

/// Only these two models' questions take part, so that others in the table change nothing.
QuestionPlaces shared_places(const ScoreTable::Cells& a, const ScoreTable::Cells& b) {
  QuestionPlaces places;
  for (const ScoreTable::Cells* cells : {&a, &b}) {
    for (const auto& [key, cell] : *cells) {
      places.emplace(key.first, 0);
    }
  }
  size_t next = 0;
  for (auto& [question, place] : places) {
    place = next++;
  }
  return places;
}

std::vector<QuestionSum> score_sums(const ScoreTable::Cells& cells, const QuestionPlaces& places) {
  std::vector<QuestionSum> sums(places.size());
  for (const auto& [key, cell] : cells) {
    if (!cell.missing) {
      QuestionSum& sum = sums[places.at(key.first)];
      sum.sum += cell.score;
      sum.items += 1;
    }
  }
  return sums;
}

std::vector<QuestionSum> difference_sums(const ScoreTable::Cells& a,
                                         const ScoreTable::Cells& b,
                                         const QuestionPlaces& places) {
  std::vector<QuestionSum> sums(places.size());
  for (const auto& [key, cell] : a) {
    const auto other = b.find(key);
    if (!cell.missing && other != b.end() && !other->second.missing) {
      QuestionSum& sum = sums[places.at(key.first)];
      sum.sum += cell.score - other->second.score;
      sum.items += 1;
    }
  }
  return sums;
}

/// Means of the resamples; those without an item are left out.
std::vector<double> resampled_means(std::span<const QuestionSum> sums,
                                    const QuestionResamples& resamples) {
  std::vector<double> means;
  means.reserve(resamples.rounds());
  for (size_t round = 0; round < resamples.rounds(); ++round) {
    const std::span<const uint32_t> times = resamples.times(round);
    QuestionSum total;
    for (size_t q = 0; q < sums.size(); ++q) {
      total.sum += times[q] * sums[q].sum;
      total.items += times[q] * sums[q].items;
    }
    if (total.items > 0) {
      means.push_back(total.sum / total.items);
    }
  }
  return means;
}

double clustered_error(std::span<const QuestionSum> sums, const ClusteredMean& mean) {
  double squares = 0;
  for (const QuestionSum& sum : sums) {
    const double residual = sum.sum - sum.items * mean.mean;
    squares += residual * residual;
  }
  const auto questions = static_cast<double>(mean.questions);
  return std::sqrt(questions / (questions - 1) * squares) / static_cast<double>(mean.items);
}

// A percentile interval of few units is too narrow: resampled means vary by (n - 1)/n of the
// variance, and their tails are the normal's instead of Student's. This is the confidence whose
// percentiles have the right width.
double expanded_confidence(double confidence, int64_t questions) {
  const auto n = static_cast<double>(questions);
  const double t = numeric::student_t_quantile((1 + confidence) / 2, n - 1);
  return 2 * numeric::normal_cdf(std::sqrt(n / (n - 1)) * t) - 1;
}

/// `sums` must hold at least one item.
ClusteredMean clustered_mean(std::span<const QuestionSum> sums,
                             const QuestionResamples& resamples,
                             double confidence) {
  ClusteredMean result;
  double total = 0;
  for (const QuestionSum& sum : sums) {
    total += sum.sum;
    result.items += static_cast<int64_t>(sum.items);
    result.questions += sum.items > 0 ? 1 : 0;
  }
  result.mean = total / static_cast<double>(result.items);
  if (result.questions < 2) {
    return result;
  }
  result.standard_error = clustered_error(sums, result);
  std::vector<double> means = resampled_means(sums, resamples);
  double ahead = 0;
  for (const double mean : means) {
    ahead += mean > 0 ? 1 : (mean == 0 ? 0.5 : 0);
  }
  result.sign_probability = ahead / static_cast<double>(means.size());
  result.bootstrap_standard_error = numeric::moments(means).standard_deviation;
  if (result.questions >= kFewestQuestions) {
    result.interval =
        numeric::percentile_interval_(means, expanded_confidence(confidence, result.questions));
  }
  return result;
}

Result<Ok> check(const ScoreTable& scores, const ScoreOptions& options) {
  if (scores.empty()) {
    return invalid_argument("there are no scores; a mean needs at least one");
  }
  if (!(options.confidence > 0 && options.confidence < 1)) {
    return invalid_argument("confidence is {:g}; it must lie between 0 and 1", options.confidence);
  }
  if (options.rounds < 2 || options.rounds > 1'000'000) {
    return invalid_argument("{} bootstrap rounds; expected 2 to 1,000,000", options.rounds);
  }
  constexpr size_t kMostCounts = size_t{1} << 28U;  // 1 GiB of counts
  if (scores.questions().size() > kMostCounts / static_cast<size_t>(options.rounds)) {
    return exhausted("{} questions in {} bootstrap rounds need over 1 GiB; ask for fewer rounds",
                     scores.questions().size(), options.rounds);
  }
  return Ok{};
}

int64_t valid_cells(const ScoreTable::Cells& cells) {
  return std::count_if(cells.begin(), cells.end(),
                       [](const auto& entry) { return !entry.second.missing; });
}

bool any_item(std::span<const QuestionSum> sums) {
  return std::any_of(sums.begin(), sums.end(), [](const QuestionSum& s) { return s.items > 0; });
}

/// [M·M] lower end of the interval of each paired difference; 0 where there is none.
std::vector<double> lower_margins(const ScoreTable& scores,
                                  const QuestionPlaces& places,
                                  const QuestionResamples& resamples,
                                  double confidence) {
  const std::vector<std::string> models = scores.models();
  std::vector<double> margins(models.size() * models.size(), 0.0);
  for (size_t i = 0; i < models.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      const auto sums = difference_sums(scores.cells(models[i]), scores.cells(models[j]), places);
      if (!any_item(sums)) {
        continue;
      }
      const ClusteredMean difference = clustered_mean(sums, resamples, confidence);
      if (difference.interval.has_value()) {
        margins[i * models.size() + j] = difference.interval->low;
        margins[j * models.size() + i] = -difference.interval->high;
      }
    }
  }
  return margins;
}

}  // namespace

Result<PairedDifference> paired_difference(const ScoreTable& scores,
                                           const std::string& model_a,
                                           const std::string& model_b,
                                           const ScoreOptions& options) {
  CUPEL_TRY_VOID(check(scores, options));
  for (const std::string& model : {model_a, model_b}) {
    if (!scores.has_model(model)) {
      return not_found("no scores of model \"{}\"{}", model, did_you_mean(model, scores.models()));
    }
  }
  const ScoreTable::Cells& a = scores.cells(model_a);
  const ScoreTable::Cells& b = scores.cells(model_b);
  const QuestionPlaces places = shared_places(a, b);
  const std::vector<QuestionSum> sums = difference_sums(a, b, places);
  if (!any_item(sums)) {
    return failed_precondition("models \"{}\" and \"{}\" share no question with valid scores",
                               model_a, model_b);
  }
  const QuestionResamples resamples(places.size(), options.rounds, options.seed);
  const ClusteredMean mean = clustered_mean(sums, resamples, options.confidence);
  return PairedDifference{.difference = mean.mean,
                          .standard_error = mean.standard_error,
                          .interval = mean.interval,
                          .bootstrap_standard_error = mean.bootstrap_standard_error,
                          .sign_probability = mean.sign_probability,
                          .questions = mean.questions,
                          .items = mean.items,
                          .unpaired = valid_cells(a) + valid_cells(b) - 2 * mean.items};
}

Result<std::vector<ScoreRow>> score_leaderboard(const ScoreTable& scores,
                                                const ScoreOptions& options) {
  CUPEL_TRY_VOID(check(scores, options));
  const std::vector<std::string> models = scores.models();
  const QuestionPlaces places = question_places(scores);
  const QuestionResamples resamples(places.size(), options.rounds, options.seed);
  std::vector<ScoreRow> rows;
  std::vector<double> means;
  for (const std::string& model : models) {
    const ScoreTable::Cells& cells = scores.cells(model);
    const std::vector<QuestionSum> sums = score_sums(cells, places);
    if (!any_item(sums)) {
      return failed_precondition(
          "model \"{}\" has no valid score in {} cells; judge it again or leave it out", model,
          cells.size());
    }
    const ClusteredMean mean = clustered_mean(sums, resamples, options.confidence);
    means.push_back(mean.mean);
    rows.push_back({.model = model,
                    .mean = mean.mean,
                    .standard_error = mean.standard_error,
                    .interval = mean.interval,
                    .questions = mean.questions,
                    .items = mean.items,
                    .missing = static_cast<int64_t>(cells.size()) - mean.items});
  }
  const std::vector<double> margins = lower_margins(scores, places, resamples, options.confidence);
  const ShownBetter better = [&](size_t i, size_t j) { return margins[i * models.size() + j] > 0; };
  // models() is sorted, so the index settles equal means by name.
  const std::vector<size_t> order = best_first(means, std::less<>());
  const std::vector<int64_t> ranks = tied_ranks(models.size(), better);
  const std::vector<int64_t> classes = rank_classes(order, better);
  std::vector<ScoreRow> sorted;
  for (const size_t i : order) {
    rows[i].rank = ranks[i];
    rows[i].rank_class = classes[i];
    sorted.push_back(std::move(rows[i]));
  }
  return sorted;
}

}  // namespace cupel::rank
