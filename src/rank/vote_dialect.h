#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "rank/name_table.h"

namespace cupel::rank {

/// What voters say. To a rating both kinds of ties are one; the first three are as
/// BattleTable::append_votes takes them.
enum class VoteKind : uint8_t { kForB = 0, kDraw = 1, kForA = 2, kBothBad = 3 };

/// How a dialect says who won.
enum class WinnerForm {
  kWord,          ///< one column holds a word
  kThreeColumns,  ///< a 1 in one of three columns: a, b, tie
  kTwoGames,      ///< two games with sides swapped: who won both wins, else it is a tie
};

struct WinnerWord {
  std::string_view word;
  VoteKind vote;
};

/// One published layout of vote files.
struct VoteDialect {
  std::string_view name;
  std::string_view column_a;
  std::string_view column_b;
  WinnerForm form;
  std::span<const std::string_view> winner_columns;
  std::span<const WinnerWord> words;
};

/// LMArena (a word, or three columns as in its 55k set), evalica, FastChat's pairwise judgments.
std::span<const VoteDialect> vote_dialects();
/// The columns of all dialects, to tell what was expected.
std::string expected_vote_columns();

/// Reads the winner of a row in the terms of one dialect.
class WinnerReader {
 public:
  explicit WinnerReader(const VoteDialect& dialect);
  /// From the cells of the winner columns; nothing when they do not say who won.
  [[nodiscard]] std::optional<VoteKind> read(std::span<const std::string_view> cells) const {
    if (dialect_->form == WinnerForm::kWord) {
      return read_word(cells[0]);
    }
    return dialect_->form == WinnerForm::kThreeColumns ? read_three(cells) : read_games(cells);
  }
  /// What is wrong with cells of which `read` made nothing: kCorruptData - the word, and those
  /// known.
  [[nodiscard]] Error problem(std::span<const std::string_view> cells) const;

 private:
  /// By a table, not by one comparison after another: which word comes next nobody can predict.
  [[nodiscard]] std::optional<VoteKind> read_word(std::string_view cell) const {
    const int32_t word = words_.find(cell);
    return word < 0 ? std::nullopt : std::optional(dialect_->words[static_cast<size_t>(word)].vote);
  }
  [[nodiscard]] std::optional<VoteKind> read_three(std::span<const std::string_view> cells) const;
  [[nodiscard]] std::optional<VoteKind> read_games(std::span<const std::string_view> cells) const;
  [[nodiscard]] Error word_problem(std::string_view column, std::string_view cell) const;

  const VoteDialect* dialect_;
  NameTable words_;  // numbered as the dialect's
};

}  // namespace cupel::rank
