#include "decode/text_fit.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "base/error.h"
#include "engine/model/open_checkpoint.h"
#include "engine/tokenizer/from_folder.h"

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
      CUPEL_TRY_VOID(read_window(window));
    }
    if (nll_.empty()) {
      return invalid_argument("the text has no token to predict; give a longer one");
    }
    return result();
  }

 private:
  Result<Ok> read_window(const std::vector<TokenId>& window) {
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
      CUPEL_TRY_VOID(read_rows(window, begin, end, own, other ? &*other : nullptr));
    }
    return Ok{};
  }

  /// Rows [begin, end) of the window; each predicts the token after it.
  Result<Ok> read_rows(const std::vector<TokenId>& window,
                       size_t begin,
                       size_t end,
                       engine::SequenceState& own,
                       engine::SequenceState* other) {
    const size_t first = nll_.size();
    nll_.resize(first + end - begin);
    std::vector<std::vector<float>> expected(end - begin);
    if (other != nullptr) {
      kl_.resize(nll_.size());
      reference_nll_.resize(nll_.size());
      same_.resize(nll_.size());
      CUPEL_TRY_VOID(step(
          *reference_, *other, window, begin, end, [&](size_t row, std::span<const float> logits) {
            expected[row].assign(logits.begin(), logits.end());
            reference_nll_[first + row] = log_sum(logits) - logits[token(window, begin + row)];
          }));
    }
    return step(model_, own, window, begin, end, [&](size_t row, std::span<const float> logits) {
      nll_[first + row] = log_sum(logits) - logits[token(window, begin + row)];
      if (other != nullptr) {
        kl_[first + row] = divergence(expected[row], logits);
        same_[first + row] = top(expected[row]) == top(logits) ? 1 : 0;
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
                         size_t end,
                         Visit visit) {
    std::vector<engine::StepRow> rows;
    for (size_t i = begin; i < end; ++i) {
      rows.push_back({.sequence = &sequence, .token = window[i], .logits = true});
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

}  // namespace

Result<ReadingModel> ReadingModel::open(const LocalModelOptions& options) {
  CUPEL_TRY(const engine::Checkpoint file, engine::open_checkpoint(options.path));
  CUPEL_TRY(engine::ModelTexts texts, engine::load_texts(file, {.pre = options.tokenizer_pre}));
  ReadingModel model;
  model.path = options.path;
  CUPEL_TRY(model.transformer, engine::Transformer::load(file, options.engine));
  model.tokenizer = std::move(texts.tokenizer);
  model.bos = texts.add_bos ? texts.bos : -1;
  return model;
}

Result<TextFit> measure_fit(ReadingModel& model,
                            ReadingModel* reference,
                            std::string_view text,
                            const TextFitOptions& options) {
  CUPEL_TRY_VOID(check_window(model, options.window));
  const std::vector<TokenId> ids = model.tokenizer->encode(text, {});
  if (reference != nullptr) {
    CUPEL_TRY_VOID(check_window(*reference, options.window));
    const bool same = reference->tokenizer->encode(text, {}) == ids &&
                      reference->bos == model.bos &&
                      reference->transformer->description().vocabulary_size ==
                          model.transformer->description().vocabulary_size;
    if (!same) {
      return invalid_argument(
          "{} and {} read the text as different tokens; distributions can only be compared of "
          "models with one vocabulary",
          model.path, reference->path);
    }
  }
  return TextReader(model, reference, options).run(ids);
}

Json to_json(const TextFit& fit) {
  Json json = Json::object()
                  .set("tokens", fit.tokens)
                  .set("mean_nll", fit.mean_nll)
                  .set("perplexity", std::exp(fit.mean_nll));
  if (fit.against) {
    json.set("against", Json::object()
                            .set("mean_nll", fit.against->mean_nll)
                            .set("perplexity", std::exp(fit.against->mean_nll))
                            .set("mean_kl", fit.against->mean_kl)
                            .set("p99_kl", fit.against->p99_kl)
                            .set("max_kl", fit.against->max_kl)
                            .set("same_top", fit.against->same_top));
  }
  return json;
}

}  // namespace cupel::decode
