// LocalModel's half of Scorer: teacher-forced passes over forks of one shared prompt.
#include <algorithm>
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

// Rows of completions are computed in groups of about this many, so that the cache of K forks and
// the step's buffers stay small.
constexpr size_t kRowsPerPass = 512;

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
  std::vector<CompletionScore> scores(completions.size());
  const engine::Operators& operators = transformer_->operators();
  int64_t cached = 0;
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
  CUPEL_TRY(const engine::SequenceState shared, generator_->prefill(prompt, cached, first_tokens));

  for (size_t begin = 0; begin < completions.size();) {
    std::vector<engine::SequenceState> forks;
    std::vector<engine::StepRow> rows;
    struct Place {
      size_t completion;
      size_t index;
    };
    std::vector<Place> places;
    size_t end = begin;
    size_t pages = 1;
    for (size_t total = 0; end < completions.size(); ++end) {
      const size_t needed = completions[end].size();
      if (end > begin && total + needed > kRowsPerPass) {
        break;
      }
      if (static_cast<int64_t>(prompt.size() + needed) > context_length_) {
        return invalid_argument("prompt and completion have {} tokens, but the context holds {}",
                                prompt.size() + needed, context_length_);
      }
      total += needed;
      pages += needed / engine::kPageRows + 2;
    }
    CUPEL_TRY_VOID(generator_->make_room(pages));
    forks.reserve(end - begin);
    for (size_t k = begin; k < end; ++k) {
      forks.push_back(shared.fork());
      for (size_t i = 0; i + 1 < completions[k].size(); ++i) {
        rows.push_back({.sequence = &forks.back(), .token = completions[k][i], .logits = true});
        places.push_back({k, i + 1});
      }
    }
    CUPEL_TRY_VOID(transformer_->step(rows, [&](size_t row, std::span<float> logits) {
      const auto [k, i] = places[row];
      scores[k].logprobs[i] =
          static_cast<double>(token_logprob(operators, logits, completions[k][i]));
    }));
    begin = end;
  }
  for (CompletionScore& score : scores) {
    for (const double logprob : score.logprobs) {
      score.sum += logprob;
    }
  }
  return scores;
}

Result<LabelScoreResponse> LocalModel::score_label_ids(
    const std::vector<std::vector<TokenId>>& prompts,
    const std::vector<std::vector<TokenId>>& variants) {
  const Stopwatch watch;
  LabelScoreResponse response;
  response.scores.resize(prompts.size());
  auto shared_length = static_cast<int64_t>(prompts[0].size()) - 1;
  for (const auto& prompt : prompts) {
    response.prompt_tokens += static_cast<int64_t>(prompt.size());
    shared_length = std::min({shared_length, common_prefix(prompts[0], prompt),
                              static_cast<int64_t>(prompt.size()) - 1});
    if (static_cast<int64_t>(prompt.size()) > context_length_) {
      return invalid_argument("the judge prompt has {} tokens, but the context holds {}",
                              prompt.size(), context_length_);
    }
  }
  engine::SequenceState shared = transformer_->new_sequence();
  int64_t computed = 0;
  if (shared_length > 0) {
    int64_t cached = 0;
    const std::span<const TokenId> prefix(prompts[0].data(), static_cast<size_t>(shared_length));
    CUPEL_TRY(shared, generator_->prefill(prefix, cached, [](std::span<float>) {}));
    computed = shared_length - cached;
  }
  size_t pages = 1;
  std::vector<engine::SequenceState> forks;
  forks.reserve(prompts.size());
  std::vector<engine::StepRow> rows;
  std::vector<size_t> owner;
  for (size_t k = 0; k < prompts.size(); ++k) {
    forks.push_back(shared.fork());
    for (auto i = static_cast<size_t>(shared_length); i < prompts[k].size(); ++i) {
      rows.push_back({.sequence = &forks.back(),
                      .token = prompts[k][i],
                      .logits = i + 1 == prompts[k].size()});
      owner.push_back(k);
    }
    pages += (prompts[k].size() - static_cast<size_t>(shared_length)) / engine::kPageRows + 2;
  }
  CUPEL_TRY_VOID(generator_->make_room(pages));
  const engine::Operators& operators = transformer_->operators();
  CUPEL_TRY_VOID(transformer_->step(rows, [&](size_t row, std::span<float> logits) {
    const double normaliser = log_normaliser(operators, logits);
    for (const auto& ids : variants) {
      float best = -std::numeric_limits<float>::infinity();
      for (const TokenId id : ids) {
        best = std::max(best, token_logprob(logits, id, normaliser));
      }
      response.scores[owner[row]].logprobs.emplace_back(static_cast<double>(best));
    }
  }));
  response.cached_tokens = response.prompt_tokens - computed - static_cast<int64_t>(rows.size());
  response.seconds = watch.seconds();
  return response;
}

}  // namespace cupel::decode
