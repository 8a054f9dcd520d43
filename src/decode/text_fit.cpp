#include "decode/text_fit.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/check.h"
#include "base/error.h"

namespace cupel::decode {
namespace {

constexpr size_t kRows = 32;  // whose logits are kept at a time

/// log Σ exp(x).
double log_sum(std::span<const float> logits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float x : logits) {
    sum += std::exp(x - most);
  }
  return most + std::log(sum);
}

/// Σ p (log p - log q) over the vocabulary.
double divergence(std::span<const float> p, std::span<const float> q) {
  const double p_sum = log_sum(p);
  const double q_sum = log_sum(q);
  double kl = 0;
  for (size_t i = 0; i < p.size(); ++i) {
    const double log_p = p[i] - p_sum;
    kl += std::exp(log_p) * (log_p - (q[i] - q_sum));
  }
  return std::max(0.0, kl);  // below 0 by rounding only
}

size_t top(std::span<const float> logits) {
  return static_cast<size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

class TextReader {
 public:
  TextReader(ReadingModel& model, ReadingModel* reference, const TextFitOptions& options)
      : model_(model), reference_(reference), options_(options) {}

  Result<TextFit> run(const std::vector<TokenId>& ids) {
    const size_t bos = model_.bos >= 0 ? 1 : 0;
    const size_t step = static_cast<size_t>(options_.window) - bos;
    for (size_t begin = 0; begin < ids.size(); begin += step) {
      const size_t count = std::min(ids.size() - begin, step);
      std::vector<TokenId> window(bos + count, model_.bos);
      std::copy_n(ids.begin() + static_cast<std::ptrdiff_t>(begin), count,
                  window.begin() + static_cast<std::ptrdiff_t>(bos));
      CUPEL_TRY_VOID(read_window(window, nullptr));
    }
    if (nll_.empty()) {
      return invalid_argument("the text has no token to predict; give a longer one");
    }
    return result();
  }

  Result<TextFit> run(std::span<const ReadSequence> sequences) {
    for (const ReadSequence& sequence : sequences) {
      CUPEL_TRY_VOID(read_window(sequence.ids, &sequence.counted));
    }
    if (nll_.empty()) {
      return invalid_argument("the rows have no token to predict; expected rows with answers");
    }
    TextFit fit = result();
    fit.sequences = std::ssize(sequences);
    if (fit.against) {
      fit.against->sequence_kl = fit.against->mean_kl * static_cast<double>(fit.tokens) /
                                 static_cast<double>(fit.sequences);
    }
    return fit;
  }

 private:
  /// `counted`: of each token; null: all of them.
  Result<Ok> read_window(const std::vector<TokenId>& window, const std::vector<bool>* counted) {
    engine::SequenceState own = model_.transformer->new_sequence();
    std::optional<engine::SequenceState> other;
    if (reference_ != nullptr) {
      other.emplace(reference_->transformer->new_sequence());
    }
    for (size_t begin = 0; begin + 1 < window.size(); begin += kRows) {
      if (options_.stop.stop_requested()) {
        return cancelled("perplexity: stopped");
      }
      const size_t end = std::min(window.size() - 1, begin + kRows);
      std::vector<bool> asked(end - begin, true);
      if (counted != nullptr) {
        std::copy_n(counted->begin() + static_cast<std::ptrdiff_t>(begin) + 1, end - begin,
                    asked.begin());
      }
      CUPEL_TRY_VOID(read_rows(window, begin, asked, own, other ? &*other : nullptr));
    }
    return Ok{};
  }

  /// As many rows of the window as `asked` has, from `begin` on; each predicts the token after it,
  /// which counts where it is asked for.
  Result<Ok> read_rows(const std::vector<TokenId>& window,
                       size_t begin,
                       const std::vector<bool>& asked,
                       engine::SequenceState& own,
                       engine::SequenceState* other) {
    std::vector<size_t> place(asked.size());  // of a row's numbers
    size_t count = nll_.size();
    for (size_t row = 0; row < asked.size(); ++row) {
      place[row] = count;
      count += asked[row] ? 1 : 0;
    }
    nll_.resize(count);
    std::vector<std::vector<float>> expected(asked.size());
    if (other != nullptr) {
      kl_.resize(count);
      reference_nll_.resize(count);
      same_.resize(count);
      CUPEL_TRY_VOID(step(*reference_, *other, window, begin, asked,
                          [&](size_t row, std::span<const float> logits) {
                            expected[row].assign(logits.begin(), logits.end());
                            reference_nll_[place[row]] =
                                log_sum(logits) - logits[token(window, begin + row)];
                          }));
    }
    return step(model_, own, window, begin, asked, [&](size_t row, std::span<const float> logits) {
      nll_[place[row]] = log_sum(logits) - logits[token(window, begin + row)];
      if (other != nullptr) {
        kl_[place[row]] = divergence(expected[row], logits);
        same_[place[row]] = top(expected[row]) == top(logits) ? 1 : 0;
      }
    });
  }

  static size_t token(const std::vector<TokenId>& window, size_t row) {
    return static_cast<size_t>(window[row + 1]);
  }

  template <typename Visit>
  static Result<Ok> step(ReadingModel& model,
                         engine::SequenceState& sequence,
                         const std::vector<TokenId>& window,
                         size_t begin,
                         const std::vector<bool>& asked,
                         Visit visit) {
    std::vector<engine::StepRow> rows;
    for (size_t i = 0; i < asked.size(); ++i) {
      rows.push_back({.sequence = &sequence, .token = window[begin + i], .logits = asked[i]});
    }
    std::atomic<bool> finite = true;  // rows are visited from several threads
    CUPEL_TRY_VOID(model.transformer->step(rows, [&](size_t row, std::span<float> logits) {
      if (!std::isfinite(log_sum(logits))) {
        finite = false;
        return;
      }
      visit(row, logits);
    }));
    if (!finite) {
      return corrupt_data("{}: the model's logits are not finite: its weights are damaged",
                          model.path);
    }
    return Ok{};
  }

  [[nodiscard]] TextFit result() {
    const auto mean = [](const auto& values) {
      double sum = 0;
      for (const double value : values) {
        sum += value;
      }
      return sum / static_cast<double>(values.size());
    };
    TextFit fit;
    fit.tokens = std::ssize(nll_);
    fit.mean_nll = mean(nll_);
    if (reference_ != nullptr) {
      TextFit::Against against;
      against.mean_nll = mean(reference_nll_);
      against.mean_kl = mean(kl_);
      against.same_top = mean(same_);
      std::ranges::sort(kl_);
      against.p99_kl = kl_[(kl_.size() - 1) * 99 / 100];
      against.max_kl = kl_.back();
      fit.against = against;
    }
    return fit;
  }

  ReadingModel& model_;
  ReadingModel* reference_;
  const TextFitOptions& options_;
  std::vector<double> nll_;  // one for each predicted token
  std::vector<double> reference_nll_;
  std::vector<double> kl_;
  std::vector<int> same_;
};

Result<Ok> check_window(const ReadingModel& model, int64_t window) {
  const int64_t context = model.transformer->description().context_length;
  if (window > context) {
    return invalid_argument("{}: a window of {} tokens is longer than the context of {}",
                            model.path, window, context);
  }
  return Ok{};
}

Error unlike(const ReadingModel& model, const ReadingModel& reference) {
  return invalid_argument(
      "{} and {} read the text as different tokens; distributions can only be compared of models "
      "with one vocabulary",
      model.path, reference.path);
}

}  // namespace

Result<TextFit> measure_fit(ReadingModel& model,
                            ReadingModel* reference,
                            std::string_view text,
                            const TextFitOptions& options) {
  CUPEL_TRY_VOID(check_window(model, options.window));
  const std::vector<TokenId> ids = model.tokenizer->encode(text, {});
  if (reference != nullptr) {
    CUPEL_TRY_VOID(check_window(*reference, options.window));
    if (!same_vocabulary(model, *reference) || reference->bos != model.bos ||
        reference->tokenizer->encode(text, {}) != ids) {
      return unlike(model, *reference);
    }
  }
  return TextReader(model, reference, options).run(ids);
}

Result<TextFit> measure_fit(ReadingModel& model,
                            ReadingModel* reference,
                            std::span<const ReadSequence> sequences,
                            const TextFitOptions& options) {
  size_t longest = 0;
  for (const ReadSequence& sequence : sequences) {
    CUPEL_CHECK(sequence.counted.size() == sequence.ids.size(), "each id is counted or not");
    longest = std::max(longest, sequence.ids.size());
  }
  CUPEL_TRY_VOID(check_window(model, static_cast<int64_t>(longest)));
  if (reference != nullptr) {
    CUPEL_TRY_VOID(check_window(*reference, static_cast<int64_t>(longest)));
    if (!same_vocabulary(model, *reference)) {
      return unlike(model, *reference);
    }
  }
  return TextReader(model, reference, options).run(sequences);
}

Json to_json(const TextFit& fit) {
  Json json = Json::object()
                  .set("tokens", fit.tokens)
                  .set("mean_nll", fit.mean_nll)
                  .set("perplexity", std::exp(fit.mean_nll));
  if (fit.sequences > 0) {
    json.set("sequences", fit.sequences);
  }
  if (fit.against) {
    json.set("against", Json::object()
                            .set("mean_nll", fit.against->mean_nll)
                            .set("perplexity", std::exp(fit.against->mean_nll))
                            .set("mean_kl", fit.against->mean_kl)
                            .set("p99_kl", fit.against->p99_kl)
                            .set("max_kl", fit.against->max_kl)
                            .set("same_top", fit.against->same_top));
    if (fit.sequences > 0) {
      Json against = *json.find("against");
      json.set("against", against.set("sequence_kl", fit.against->sequence_kl));
    }
  }
  return json;
}

}  // namespace cupel::decode
