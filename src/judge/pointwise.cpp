// What judging one answer at a time has in common: items, standings, FastChat's records.
#include "base/error.h"
#include "base/format.h"
#include "judge/standings.h"

namespace cupel::judge {

std::vector<JudgeItem> pointwise_items(const JudgeScope& scope) {
  std::vector<JudgeItem> items;
  for (const std::string& model : scope.models) {
    for (const Question* question : scope.questions) {
      for (int turn = 1; turn <= static_cast<int>(question->turns.size()); ++turn) {
        items.push_back({.benchmark = scope.benchmark,
                         .question = question,
                         .turn = turn,
                         .sides = {{.model = model, .answers = {}}}});
      }
    }
  }
  return items;
}

Result<Standings> pointwise_standings(std::span<const JudgedItem> judged) {
  Standings standings;
  for (const auto& [item, outcome] : judged) {
    const std::string& model = item.sides.front().model;
    const std::string id = format("{}", item.question->id);
    if (const auto score = outcome.score()) {
      CUPEL_TRY_VOID(standings.scores.add(model, id, item.turn, *score));
    } else {
      CUPEL_TRY_VOID(standings.scores.add_missing(model, id, item.turn));
    }
  }
  auto comparisons = rank::battles_from_scores(standings.scores);
  if (comparisons) {
    standings.comparisons = std::move(*comparisons);
  } else if (comparisons.error().code != Code::kFailedPrecondition) {
    return std::move(comparisons).error();  // else no two models share a scored turn
  }
  return standings;
}

std::vector<Json> pointwise_records(std::span<const JudgedItem> judged, const std::string& judge) {
  std::vector<Json> rows;
  for (const auto& [item, outcome] : judged) {
    Json by = Json::array();
    by.push_back(judge).push_back(outcome.prompt_name);
    const auto score = outcome.score();
    rows.push_back(Json::object()
                       .set("question_id", item.question->id)
                       .set("model", item.sides.front().model)
                       .set("judge", std::move(by))
                       .set("user_prompt", outcome.user_prompt)
                       .set("judgment", outcome.judgment)
                       .set("score", score ? Json(*score) : Json(-1))
                       .set("turn", item.turn)
                       .set("tstamp", 0));
  }
  return rows;
}

}  // namespace cupel::judge
