// LocalModel's half of Scorer: teacher-forced passes over forks of one shared prompt.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <set>

#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"
#include "decode/local_model.h"

namespace cupel::decode {
namespace {

std::string with_first(std::string text, bool upper) {
  if (!text.empty()) {
    char& c = text.front();
    if (upper && c >= 'a' && c <= 'z') {
      c = static_cast<char>(c - 32);
    } else if (!upper && c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c + 32);
    }
  }
  return text;
}

std::string to_upper_ascii(std::string text) {
  for (char& c : text) {
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  }
  return text;
}

// Forks are computed in groups of about this many rows, so that their cache and the step's buffers
// stay small.
constexpr size_t kRowsPerPass = 512;

// Forks [begin, end) and the rows that they add to what they share.
struct Pass {
  size_t begin = 0;
  size_t end = 0;
  size_t rows = 0;
};

std::vector<Pass> split_into_passes(const std::vector<size_t>& lengths) {
  std::vector<Pass> passes;
  for (size_t k = 0; k < lengths.size(); ++k) {
    if (passes.empty() || passes.back().rows + lengths[k] > kRowsPerPass) {
      passes.push_back({.begin = k, .end = k});
    }
    passes.back().end = k + 1;
    passes.back().rows += lengths[k];
  }
  return passes;
}

// Cache pages of the shared beginning and of the largest pass: each fork needs those of its own
// rows, a copy of the last shared one, and one more where its rows straddle a border.
size_t pages_needed(size_t shared, const std::vector<Pass>& passes) {
  size_t largest = 0;
  for (const Pass& pass : passes) {
    const size_t forks = pass.end - pass.begin;
    largest = std::max(largest, pass.rows / engine::kPageRows + 2 * forks);
  }
  return pages_for(static_cast<int64_t>(shared)) + 1 + largest;
}

Error not_finite(const std::string& path) {
  return corrupt_data("{}: the model's logits are not finite: its weights are damaged", path);
}

}  // namespace

// RocketEval §2: strip blanks, ignore case, take the likeliest variant. Only variants of one token
// count.
Result<std::vector<std::vector<TokenId>>> LocalModel::label_variants(
    const std::vector<std::string>& labels) const {
  std::vector<std::vector<TokenId>> variants;
  std::set<TokenId> taken;
  for (const std::string& label : labels) {
    std::set<TokenId> ids;
    const std::string lower = to_lower_ascii(label);
    for (const std::string& cased :
         {label, lower, with_first(lower, true), to_upper_ascii(label)}) {
      for (const std::string& text : {cased, " " + cased}) {
        const auto encoded = tokenizer_->encode(text, {});
        if (encoded.size() == 1) {
          ids.insert(encoded.front());
        }
      }
    }
    if (ids.empty()) {
      return unsupported(
          "{}: the label \"{}\" is more than one token for this tokenizer; use shorter labels",
          path_, label);
    }
    for (const TokenId id : ids) {
      if (!taken.insert(id).second) {
        return unsupported("{}: the label \"{}\" shares a token with another label", path_, label);
      }
    }
    variants.emplace_back(ids.begin(), ids.end());
  }
  return variants;
}

Result<std::vector<CompletionScore>> LocalModel::score_ids(
    const std::vector<TokenId>& prompt, const std::vector<std::vector<TokenId>>& completions) {
  std::vector<size_t> lengths;
  for (const auto& ids : completions) {
    lengths.push_back(ids.size());
    CUPEL_TRY_VOID(check_fits("prompt and completion have", prompt.size() + ids.size()));
  }
  const std::vector<Pass> passes = split_into_passes(lengths);
  CUPEL_TRY_VOID(generator_->make_room(pages_needed(prompt.size(), passes)));

  std::vector<CompletionScore> scores(completions.size());
  const engine::Operators& operators = transformer_->operators();
  // The prompt's last row predicts the first token of every completion.
  const auto first_tokens = [&](std::span<float> logits) {
    const double normaliser = log_normaliser(operators, logits);
    for (size_t k = 0; k < completions.size(); ++k) {
      scores[k].ids = completions[k];
      scores[k].logprobs.resize(completions[k].size());
      if (!completions[k].empty()) {
        scores[k].logprobs[0] =
            static_cast<double>(token_logprob(logits, completions[k][0], normaliser));
      }
    }
  };
  int64_t cached = 0;
  CUPEL_TRY(const engine::SequenceState shared, generator_->prefill(prompt, cached, first_tokens));
  for (const Pass& pass : passes) {
    CUPEL_TRY_VOID(score_pass(shared, completions, pass.begin, pass.end, scores));
  }
  for (CompletionScore& score : scores) {
    for (const double logprob : score.logprobs) {
      if (std::isnan(logprob)) {
        return not_finite(path_);
      }
      score.sum += logprob;
    }
  }
  return scores;
}

// Completions [begin, end) as forks of the prompt, all in one step.
Result<Ok> LocalModel::score_pass(const engine::SequenceState& shared,
                                  const std::vector<std::vector<TokenId>>& completions,
                                  size_t begin,
                                  size_t end,
                                  std::vector<CompletionScore>& scores) {
  struct Place {
    size_t completion;
    size_t index;
  };
  std::vector<Place> places;
  std::vector<engine::SequenceState> forks;
  std::vector<engine::StepRow> rows;
  forks.reserve(end - begin);
  for (size_t k = begin; k < end; ++k) {
    forks.push_back(shared.fork());
    for (size_t i = 0; i + 1 < completions[k].size(); ++i) {
      rows.push_back({.sequence = &forks.back(), .token = completions[k][i], .logits = true});
      places.push_back({k, i + 1});
    }
  }
  const engine::Operators& operators = transformer_->operators();
  return transformer_->step(rows, [&](size_t row, std::span<float> logits) {
    const auto [k, i] = places[row];
    scores[k].logprobs[i] =
        static_cast<double>(token_logprob(operators, logits, completions[k][i]));
  });
}

Result<LabelScoreResponse> LocalModel::score_label_ids(
    const std::vector<std::vector<TokenId>>& prompts,
    const std::vector<std::vector<TokenId>>& variants) {
  const Stopwatch watch;
  LabelScoreResponse response;
  response.scores.resize(prompts.size());
  // The last token of each prompt is computed apart: its row gives the logits.
  auto shared_length = static_cast<int64_t>(prompts[0].size()) - 1;
  for (const auto& prompt : prompts) {
    if (prompt.empty()) {
      return invalid_argument("{}: a prompt is empty: a label has nothing to follow", path_);
    }
    CUPEL_TRY_VOID(check_fits("the judge prompt has", prompt.size()));
    response.prompt_tokens += static_cast<int64_t>(prompt.size());
    shared_length = std::min({shared_length, common_prefix(prompts[0], prompt),
                              static_cast<int64_t>(prompt.size()) - 1});
  }
  const auto shared_size = static_cast<size_t>(shared_length);
  std::vector<size_t> lengths;
  for (const auto& prompt : prompts) {
    lengths.push_back(prompt.size() - shared_size);
  }
  const std::vector<Pass> passes = split_into_passes(lengths);
  CUPEL_TRY_VOID(generator_->make_room(pages_needed(shared_size, passes)));

  engine::SequenceState shared = transformer_->new_sequence();
  response.cached_tokens = response.prompt_tokens;
  if (shared_size > 0) {
    int64_t cached = 0;
    const std::span<const TokenId> prefix(prompts[0].data(), shared_size);
    CUPEL_TRY(shared, generator_->prefill(prefix, cached, [](std::span<float>) {}));
    response.cached_tokens -= shared_length - cached;
  }
  for (const Pass& pass : passes) {
    response.cached_tokens -= static_cast<int64_t>(pass.rows);
    CUPEL_TRY_VOID(label_pass(shared, prompts, variants, pass.begin, pass.end, response));
  }
  response.seconds = watch.seconds();
  return response;
}

// Prompts [begin, end) as forks of what all share, all in one step.
Result<Ok> LocalModel::label_pass(const engine::SequenceState& shared,
                                  const std::vector<std::vector<TokenId>>& prompts,
                                  const std::vector<std::vector<TokenId>>& variants,
                                  size_t begin,
                                  size_t end,
                                  LabelScoreResponse& response) {
  std::vector<engine::SequenceState> forks;
  std::vector<engine::StepRow> rows;
  std::vector<size_t> owner;
  forks.reserve(end - begin);
  for (size_t k = begin; k < end; ++k) {
    forks.push_back(shared.fork());
    for (auto i = static_cast<size_t>(shared.length()); i < prompts[k].size(); ++i) {
      rows.push_back({.sequence = &forks.back(),
                      .token = prompts[k][i],
                      .logits = i + 1 == prompts[k].size()});
      owner.push_back(k);
    }
  }
  const engine::Operators& operators = transformer_->operators();
  std::atomic<bool> finite = true;  // rows are visited from several threads
  CUPEL_TRY_VOID(transformer_->step(rows, [&](size_t row, std::span<float> logits) {
    const double normaliser = log_normaliser(operators, logits);
    if (!std::isfinite(normaliser)) {
      finite = false;
    }
    for (const auto& ids : variants) {
      float best = -std::numeric_limits<float>::infinity();
      for (const TokenId id : ids) {
        best = std::max(best, token_logprob(logits, id, normaliser));
      }
      response.scores[owner[row]].logprobs.emplace_back(static_cast<double>(best));
    }
  }));
  if (!finite) {
    return not_finite(path_);
  }
  return Ok{};
}

Result<Ok> LocalModel::check_fits(std::string_view what, size_t tokens) const {
  if (static_cast<int64_t>(tokens) > context_length_) {
    return invalid_argument("{}: {} {} tokens, but the context holds {}", path_, what, tokens,
                            context_length_);
  }
  return Ok{};
}

}  // namespace cupel::decode
