#include "judge/protocol.h"

#include <array>

#include "base/error.h"
#include "base/text.h"

namespace cupel::judge {

namespace protocol {
#define CUPEL_PROTOCOL(id) Protocol id();
#include "judge/protocols.def"
#undef CUPEL_PROTOCOL
}  // namespace protocol

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

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  return kVerdictNames[static_cast<size_t>(verdict)];
}

Json outcome_to_json(const Outcome& outcome) {
  Json items = Json::array();
  for (const ItemVerdict& item : outcome.items) {
    items.push_back(Json::object()
                        .set("id", item.id)
                        .set("question", item.question)
                        .set("decided_by", item.by_program ? "program" : "judge")
                        .set("verdict", verdict_name(item.verdict))
                        .set("probability", item.probability ? Json(*item.probability) : Json()));
  }
  return Json::object()
      .set("score", outcome.score ? Json(*outcome.score) : Json())
      .set("invalid_reason", outcome.invalid_reason)
      .set("items", std::move(items))
      .set("judgment", outcome.judgment)
      .set("user_prompt", outcome.user_prompt)
      .set("prompt_name", outcome.prompt_name);
}

Result<Outcome> outcome_from_json(const Json& json) {
  Outcome outcome;
  if (const Json* score = json.find("score"); score != nullptr && score->is_number()) {
    outcome.score = score->as_double();
  }
  CUPEL_TRY(outcome.invalid_reason, get_string(json, "invalid_reason"));
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

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all = {
#define CUPEL_PROTOCOL(id) protocol::id(),
#include "judge/protocols.def"
#undef CUPEL_PROTOCOL
  };
  return all;
}

Result<const Protocol*> find_protocol(std::string_view name) {
  std::vector<std::string> names;
  for (const Protocol& candidate : protocols()) {
    if (candidate.name == name) {
      return &candidate;
    }
    names.emplace_back(candidate.name);
  }
  return invalid_argument("unknown protocol \"{}\"{}; expected one of {}", printable(name),
                          did_you_mean(name, names), join(names, ", "));
}

}  // namespace cupel::judge
