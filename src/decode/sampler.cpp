#include "decode/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/rng.h"

namespace cupel::decode {

namespace processor {
#define CUPEL_PROCESSOR(id) LogitsProcessor id();
#include "decode/processors.def"
#undef CUPEL_PROCESSOR
}  // namespace processor

namespace {

// max_element keeps the first of equals, which is the lowest id.
TokenId argmax(std::span<const float> logits) {
  return static_cast<TokenId>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// Inverse CDF over the survivors in their order.
size_t draw_index(const std::vector<Candidate>& items, double uniform, double& logprob) {
  float peak = items.front().logit;
  for (const Candidate& candidate : items) {
    peak = std::max(peak, candidate.logit);
  }
  double total = 0;
  for (const Candidate& candidate : items) {
    total += std::exp(static_cast<double>(candidate.logit) - peak);
  }
  double rest = uniform * total;
  size_t chosen = items.size() - 1;
  for (size_t i = 0; i < items.size(); ++i) {
    rest -= std::exp(static_cast<double>(items[i].logit) - peak);
    if (rest < 0) {
      chosen = i;
      break;
    }
  }
  logprob = static_cast<double>(items[chosen].logit) - peak - std::log(total);
  return chosen;
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
                   const ProcessorContext& context,
                   const DrawKey& key) {
  const SamplingOptions& options = *context.options;
  const double normaliser = log_normaliser(operators, logits);
  if (!std::isfinite(normaliser)) {
    return {.logprob = std::numeric_limits<float>::quiet_NaN()};
  }
  const bool any = std::any_of(logits_processors().begin(), logits_processors().end(),
                               [&](const LogitsProcessor& p) { return p.active(options); });
  if (options.greedy() && !any) {
    const TokenId id = argmax(logits);
    const float logprob = token_logprob(logits, id, normaliser);
    return {.id = id, .logprob = logprob, .surviving_mass = std::exp(logprob)};
  }
  auto& items = candidates_.items;
  items.resize(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    items[i] = {static_cast<TokenId>(i), logits[i]};
  }
  candidates_.sorted = false;
  for (const LogitsProcessor& p : logits_processors()) {
    if (p.active(options)) {
      p.apply(candidates_, context);
    }
  }
  Draw draw;
  if (options.greedy()) {
    items = {*std::min_element(items.begin(), items.end(), likelier)};
    draw.id = items.front().id;
  } else {
    const double uniform = random_unit(key.seed, key.stream, key.position);
    draw.id = items[draw_index(items, uniform, draw.processed_logprob)].id;
  }
  draw.logprob = token_logprob(logits, draw.id, normaliser);
  if (items.size() < logits.size()) {
    draw.surviving_mass = 0;
    for (const Candidate& candidate : items) {
      draw.surviving_mass +=
          std::exp(static_cast<double>(logits[static_cast<size_t>(candidate.id)]) - normaliser);
    }
  }
  return draw;
}

}  // namespace cupel::decode
