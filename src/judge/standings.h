#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "judge/judge_item.h"
#include "judge/outcome.h"
#include "rank/battle_table.h"
#include "rank/score_table.h"

namespace cupel::judge {

/// An item with its end.
struct JudgedItem {
  JudgeItem item;
  Outcome outcome;
};

/// What outcomes say about models.
struct Standings {
  /// Of each model by question (its id) and turn, on the protocol's scale; missing where it has no
  /// valid outcome.
  rank::ScoreTable scores;
  /// Pairs of answers to one question, with the question as their cluster. Empty: none.
  rank::BattleTable comparisons;
  std::vector<std::string> notes;  ///< sentences that a reader must know
};

/// Pointwise outcomes: the score of an answer is its outcome's; two answers to the same turn
/// compare by their scores, within 0.1 they tie (MT-Bench's rule).
Result<Standings> pointwise_standings(std::span<const JudgedItem> judged);

/// One FastChat record of single-answer judgments each; -1 is its mark of an invalid one.
std::vector<Json> pointwise_records(std::span<const JudgedItem> judged, const std::string& judge);

}  // namespace cupel::judge
