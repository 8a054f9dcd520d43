#include "core/sampling.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace cupel {

std::string_view constraint_name(OutputConstraint::Kind kind) {
  constexpr std::string_view kNames[] = {"none", "json_schema", "regex"};
  return kNames[static_cast<size_t>(kind)];
}

Result<Ok> check_sampling(const SamplingOptions& o) {
  const auto require = [](bool holds, std::string_view field, std::string_view range,
                          double value) -> Result<Ok> {
    if (!holds) {
      return invalid_argument("{} is {}; expected {}", field, value, range);
    }
    return Ok{};
  };
  CUPEL_TRY_VOID(require(std::isfinite(o.temperature) && o.temperature >= 0, "temperature",
                         "a number of at least 0", o.temperature));
  CUPEL_TRY_VOID(require(o.top_k >= 0, "top_k", "0 (all) or more", static_cast<double>(o.top_k)));
  CUPEL_TRY_VOID(require(o.top_p > 0 && o.top_p <= 1, "top_p", "more than 0, at most 1", o.top_p));
  CUPEL_TRY_VOID(require(o.min_p >= 0 && o.min_p < 1, "min_p", "0 or more, below 1", o.min_p));
  CUPEL_TRY_VOID(require(std::isfinite(o.repetition_penalty) && o.repetition_penalty > 0,
                         "repetition_penalty", "more than 0", o.repetition_penalty));
  CUPEL_TRY_VOID(
      require(o.max_tokens >= 1, "max_tokens", "at least 1", static_cast<double>(o.max_tokens)));
  if (std::any_of(o.stop.begin(), o.stop.end(), [](const auto& s) { return s.empty(); })) {
    return invalid_argument("a stop string is empty; it would end every answer at once");
  }
  if (o.constraint.active() && !o.stop.empty()) {
    return invalid_argument(
        "a stop string could cut an answer short that must be whole; leave out stop or {}",
        constraint_name(o.constraint.kind));
  }
  return Ok{};
}

Json sampling_to_json(const SamplingOptions& o) {
  Json stop = Json::array();
  for (const std::string& text : o.stop) {
    stop.push_back(text);
  }
  Json json = Json::object();
  json.set("temperature", o.temperature)
      .set("top_k", o.top_k)
      .set("top_p", o.top_p)
      .set("min_p", o.min_p)
      .set("repetition_penalty", o.repetition_penalty)
      .set("seed", static_cast<int64_t>(o.seed))
      .set("max_tokens", o.max_tokens)
      .set("stop", std::move(stop));
  if (o.constraint.active()) {
    json.set(constraint_name(o.constraint.kind), o.constraint.text);
  }
  return json;
}

}  // namespace cupel
