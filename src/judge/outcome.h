#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cupel::judge {

enum class Verdict { kYes, kNo, kUnsure, kInvalid };
std::string_view verdict_name(Verdict verdict);  // "yes", "no", "unsure", "invalid"

/// One checklist item's verdict.
struct ItemVerdict {
  std::string id;
  std::string question;
  bool by_program = false;
  Verdict verdict = Verdict::kInvalid;
  std::optional<double> probability;  ///< of Yes; 1 or 0 when a program decided
};

/// How good the one answer is, on the protocol's scale.
struct Score {
  double value = 0;
};
/// Which of two answers is better.
struct Preference {
  double first = 0.5;  ///< share of the point that the first side takes: 1, 0.5 (tie) or 0
};
/// The order of several answers.
struct Ranking {
  std::vector<int64_t> places;  ///< of each side, from 1; equal places tie
};
/// No judgement, and why.
struct Invalid {
  std::string reason;
};

/// The end of a protocol on one item.
struct Outcome {
  std::variant<Invalid, Score, Preference, Ranking> judged;
  std::vector<ItemVerdict> items;
  std::string judgment;     ///< the judge's own words, if it wrote any
  std::string user_prompt;  ///< what it was asked
  std::string prompt_name;  ///< which judge prompt

  [[nodiscard]] bool valid() const { return !std::holds_alternative<Invalid>(judged); }
  /// Nothing when it is no score, no preference; empty when it is valid.
  [[nodiscard]] std::optional<double> score() const;
  [[nodiscard]] std::optional<double> preference() const;
  [[nodiscard]] std::string invalid_reason() const;
};
Outcome invalid_outcome(std::string reason);

/// Rows hold "score" (a number or null) and "invalid_reason"; a preference stands in "preference",
/// a ranking in "places".
Json outcome_to_json(const Outcome& outcome);
/// Errors: kCorruptData naming the member.
Result<Outcome> outcome_from_json(const Json& json);

}  // namespace cupel::judge
