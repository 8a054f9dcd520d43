#include "judge/outcome.h"

#include <array>

#include "base/error.h"

namespace cupel::judge {
namespace {

constexpr std::array<std::string_view, 4> kVerdictNames = {"yes", "no", "unsure", "invalid"};

Result<ItemVerdict> item_from_json(const Json& json) {
  ItemVerdict item;
  CUPEL_TRY(item.id, get_string(json, "id"));
  CUPEL_TRY(item.question, get_string(json, "question"));
  CUPEL_TRY(const std::string decided_by, get_string(json, "decided_by"));
  item.by_program = decided_by == "program";
  CUPEL_TRY(const std::string verdict, get_string(json, "verdict"));
  for (size_t i = 0; i < kVerdictNames.size(); ++i) {
    if (kVerdictNames[i] == verdict) {
      item.verdict = static_cast<Verdict>(i);
    }
  }
  if (const Json* p = json.find("probability"); p != nullptr && p->is_number()) {
    item.probability = p->as_double();
  }
  return item;
}

Json item_to_json(const ItemVerdict& item) {
  return Json::object()
      .set("id", item.id)
      .set("question", item.question)
      .set("decided_by", item.by_program ? "program" : "judge")
      .set("verdict", verdict_name(item.verdict))
      .set("probability", item.probability ? Json(*item.probability) : Json());
}

Result<Ok> read_judged(const Json& json, Outcome& outcome) {
  if (const Json* score = json.find("score"); score != nullptr && score->is_number()) {
    outcome.judged = Score{score->as_double()};
  } else if (json.contains("preference")) {
    CUPEL_TRY(const double first, get_double(json, "preference"));
    outcome.judged = Preference{first};
  } else if (json.contains("places")) {
    CUPEL_TRY(const Json* places, get_array(json, "places"));
    Ranking ranking;
    for (const Json& place : places->as_array()) {
      if (!place.is_number()) {
        return corrupt_data("\"places\" holds {}; expected numbers", place.type_name());
      }
      ranking.places.push_back(static_cast<int64_t>(place.as_double()));
    }
    outcome.judged = std::move(ranking);
  } else {
    CUPEL_TRY(std::string reason, get_string(json, "invalid_reason"));
    outcome.judged = Invalid{std::move(reason)};
  }
  return Ok{};
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  return kVerdictNames[static_cast<size_t>(verdict)];
}

std::optional<double> Outcome::score() const {
  const auto* score = std::get_if<Score>(&judged);
  return score == nullptr ? std::nullopt : std::optional(score->value);
}

std::optional<double> Outcome::preference() const {
  const auto* preference = std::get_if<Preference>(&judged);
  return preference == nullptr ? std::nullopt : std::optional(preference->first);
}

std::string Outcome::invalid_reason() const {
  const auto* invalid = std::get_if<Invalid>(&judged);
  return invalid == nullptr ? "" : invalid->reason;
}

Outcome invalid_outcome(std::string reason) {
  Outcome outcome;
  outcome.judged = Invalid{std::move(reason)};
  return outcome;
}

Json outcome_to_json(const Outcome& outcome) {
  Json items = Json::array();
  for (const ItemVerdict& item : outcome.items) {
    items.push_back(item_to_json(item));
  }
  const auto score = outcome.score();
  Json json = Json::object();
  json.set("score", score ? Json(*score) : Json());
  if (const auto preference = outcome.preference()) {
    json.set("preference", *preference);
  }
  if (const auto* ranking = std::get_if<Ranking>(&outcome.judged)) {
    Json places = Json::array();
    for (const int64_t place : ranking->places) {
      places.push_back(place);
    }
    json.set("places", std::move(places));
  }
  return json.set("invalid_reason", outcome.invalid_reason())
      .set("items", std::move(items))
      .set("judgment", outcome.judgment)
      .set("user_prompt", outcome.user_prompt)
      .set("prompt_name", outcome.prompt_name);
}

Result<Outcome> outcome_from_json(const Json& json) {
  Outcome outcome;
  CUPEL_TRY_VOID(read_judged(json, outcome));
  CUPEL_TRY(outcome.judgment, get_string(json, "judgment"));
  CUPEL_TRY(outcome.user_prompt, get_string(json, "user_prompt"));
  CUPEL_TRY(outcome.prompt_name, get_string(json, "prompt_name"));
  CUPEL_TRY(const Json* items, get_array(json, "items"));
  for (const Json& item : items->as_array()) {
    CUPEL_TRY(ItemVerdict verdict, item_from_json(item));
    outcome.items.push_back(std::move(verdict));
  }
  return outcome;
}

}  // namespace cupel::judge
