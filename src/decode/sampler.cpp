#include "decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "decode/scores.h"

namespace cupel::decode {

namespace processor {
#define CUPEL_PROCESSOR(id) LogitsProcessor id();
#include "decode/processors.def"
#undef CUPEL_PROCESSOR
}  // namespace processor

namespace {

float logit_of(float score) {
  return score;
}
float logit_of(const Candidate& candidate) {
  return candidate.logit;
}

// Inverse CDF over scores or candidates in their order; the index of what was drawn.
template <typename T>
size_t draw_index(std::span<const T> items, float peak, double uniform, double& logprob) {
  double total = 0;
  for (const T& item : items) {
    total += std::exp(static_cast<double>(logit_of(item)) - peak);
  }
  double rest = uniform * total;
  size_t chosen = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    const double weight = std::exp(static_cast<double>(logit_of(items[i])) - peak);
    chosen = weight > 0 ? i : chosen;  // what rounding leaves over goes to the last that weighs
    rest -= weight;
    if (rest < 0) {
      break;
    }
  }
  logprob = static_cast<double>(logit_of(items[chosen])) - peak - std::log(total);
  return chosen;
}

TokenId draw_id(const Candidates& candidates, double uniform, double& logprob) {
  if (!candidates.cut()) {
    const std::span<const float> scores = candidates.scores();
    return static_cast<TokenId>(draw_index(scores, largest_score(scores), uniform, logprob));
  }
  const std::span<const Candidate> items = candidates.items();
  float peak = items.front().logit;
  for (const Candidate& candidate : items) {
    peak = std::max(peak, candidate.logit);
  }
  return items[draw_index(items, peak, uniform, logprob)].id;
}

// Raw probability of what survived; `all` is that of what the constraint left.
double surviving_mass(const Candidates& candidates, double normaliser, double all) {
  const std::span<const float> logits = candidates.logits();
  if (!candidates.cut() || candidates.items().size() == logits.size()) {
    return all;
  }
  double mass = 0;
  for (const Candidate& candidate : candidates.items()) {
    if (candidate.logit == kExcluded) {
      continue;
    }
    mass += std::exp(static_cast<double>(logits[static_cast<size_t>(candidate.id)]) - normaliser);
  }
  return mass;
}

/// Whether a processor other than the constraint, which is the first, is at work.
bool changes_scores(const SamplingOptions& options) {
  return std::any_of(logits_processors().begin() + 1, logits_processors().end(),
                     [&](const LogitsProcessor& p) { return p.active(options); });
}

}  // namespace

const std::vector<LogitsProcessor>& logits_processors() {
  static const std::vector<LogitsProcessor> all = {
#define CUPEL_PROCESSOR(id) processor::id(),
#include "decode/processors.def"
#undef CUPEL_PROCESSOR
  };
  return all;
}

double log_normaliser(const engine::Operators& operators, std::span<const float> logits) {
  return operators.log_sum_exp(logits.data(), static_cast<int64_t>(logits.size()));
}

float token_logprob(const engine::Operators& operators, std::span<const float> logits, TokenId id) {
  return token_logprob(logits, id, log_normaliser(operators, logits));
}

Draw Sampler::draw(const engine::Operators& operators,
                   std::span<const float> logits,
                   ProcessorContext context,
                   const DrawKey& key) {
  constexpr Draw kNothing = {.logprob = std::numeric_limits<float>::quiet_NaN()};
  const SamplingOptions& options = *context.options;
  const double normaliser = log_normaliser(operators, logits);
  if (!std::isfinite(normaliser)) {
    return kNothing;
  }
  if (options.greedy() && !changes_scores(options)) {
    // A constraint changes nothing where it allows the likeliest: its mask is not worked out then.
    const TokenId id = argmax(logits);
    if (context.allowed == nullptr || context.allowed->allows(id)) {
      const float logprob = token_logprob(logits, id, normaliser);
      return {.id = id, .logprob = logprob, .surviving_mass = std::exp(logprob)};
    }
  }
  if (context.allowed != nullptr) {
    context.mask = context.allowed->mask();
    if (context.mask.empty()) {
      return kNothing;
    }
  }
  candidates_.start(operators, logits);
  double allowed_mass = 1;
  for (const LogitsProcessor& p : logits_processors()) {
    if (p.active(options)) {
      p.apply(candidates_, context);
    }
    const bool constrained = options.constraint.active() && !options.greedy();
    if (constrained && &p == &logits_processors().front()) {  // nothing else has changed a score
      allowed_mass = std::exp(log_normaliser(operators, candidates_.scores()) - normaliser);
    }
  }
  Draw draw;
  if (options.greedy()) {
    draw.id = argmax(candidates_.scores());
    candidates_.begin_cut().push_back({draw.id, logits[static_cast<size_t>(draw.id)]});
  } else {
    const double uniform = random_unit(key.seed, key.stream, key.position);
    draw.id = draw_id(candidates_, uniform, draw.processed_logprob);
  }
  draw.logprob = token_logprob(logits, draw.id, normaliser);
  draw.surviving_mass = surviving_mass(candidates_, normaliser, allowed_mass);
  return draw;
}

}  // namespace cupel::decode
