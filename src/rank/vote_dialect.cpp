#include "rank/vote_dialect.h"

#include <array>
#include <string>
#include <vector>

#include "base/text.h"

namespace cupel::rank {
namespace {

constexpr std::array kArenaWords = {WinnerWord{"model_a", VoteKind::kForA},
                                    WinnerWord{"model_b", VoteKind::kForB},
                                    WinnerWord{"tie", VoteKind::kDraw},
                                    WinnerWord{"tie (bothbad)", VoteKind::kBothBad},
                                    WinnerWord{"both_bad", VoteKind::kBothBad},
                                    WinnerWord{"bothbad", VoteKind::kBothBad},
                                    WinnerWord{"tie (inconsistent)", VoteKind::kDraw}};
constexpr std::array kSideWords = {WinnerWord{"left", VoteKind::kForA},
                                   WinnerWord{"right", VoteKind::kForB},
                                   WinnerWord{"tie", VoteKind::kDraw}};
constexpr std::array kGameWords = {WinnerWord{"model_1", VoteKind::kForA},
                                   WinnerWord{"model_2", VoteKind::kForB},
                                   WinnerWord{"tie", VoteKind::kDraw}};

constexpr std::array<std::string_view, 1> kOneColumn = {"winner"};
constexpr std::array<std::string_view, 3> kThreeColumns = {"winner_model_a", "winner_model_b",
                                                           "winner_tie"};
constexpr std::array<std::string_view, 2> kGameColumns = {"g1_winner", "g2_winner"};

constexpr std::array kDialects = {
    VoteDialect{"LMArena", "model_a", "model_b", WinnerForm::kWord, kOneColumn, kArenaWords},
    VoteDialect{"LMArena", "model_a", "model_b", WinnerForm::kThreeColumns, kThreeColumns, {}},
    VoteDialect{"evalica", "left", "right", WinnerForm::kWord, kOneColumn, kSideWords},
    VoteDialect{"FastChat", "model_1", "model_2", WinnerForm::kTwoGames, kGameColumns, kGameWords}};

/// 1 or 0 as the writers of CSV, JSON and Parquet put it.
std::optional<bool> read_flag(std::string_view cell) {
  if (cell == "1" || cell == "1.0" || cell == "true" || cell == "True") {
    return true;
  }
  if (cell == "0" || cell == "0.0" || cell == "false" || cell == "False") {
    return false;
  }
  return std::nullopt;
}

}  // namespace

std::span<const VoteDialect> vote_dialects() {
  return kDialects;
}

std::string expected_vote_columns() {
  std::string text;
  for (const VoteDialect& dialect : kDialects) {
    text += text.empty() ? "" : &dialect == &kDialects.back() ? " or " : "; ";
    text += format("{}, {}", dialect.column_a, dialect.column_b);
    for (const std::string_view column : dialect.winner_columns) {
      text += format(", {}", column);
    }
  }
  return text;
}

WinnerReader::WinnerReader(const VoteDialect& dialect) : dialect_(&dialect) {
  for (const WinnerWord& word : dialect.words) {
    words_.add(word.word);
  }
}

std::optional<VoteKind> WinnerReader::read_three(std::span<const std::string_view> cells) const {
  constexpr std::array kVotes = {VoteKind::kForA, VoteKind::kForB, VoteKind::kDraw};
  std::optional<VoteKind> vote;
  for (size_t i = 0; i < kVotes.size(); ++i) {
    const std::optional<bool> flag = read_flag(cells[i]);
    if (!flag.has_value() || (*flag && vote.has_value())) {
      return std::nullopt;
    }
    vote = *flag ? kVotes[i] : vote;
  }
  return vote;
}

/// As FastChat's show_result counts a pair of games: a side wins when it won both.
std::optional<VoteKind> WinnerReader::read_games(std::span<const std::string_view> cells) const {
  const std::optional<VoteKind> first = read_word(cells[0]);
  const std::optional<VoteKind> second = read_word(cells[1]);
  if (!first.has_value() || !second.has_value()) {
    return std::nullopt;
  }
  return *first == *second ? *first : VoteKind::kDraw;
}

Error WinnerReader::problem(std::span<const std::string_view> cells) const {
  if (dialect_->form == WinnerForm::kThreeColumns) {
    return corrupt_data(
        "winner_model_a, winner_model_b, winner_tie are \"{}\", \"{}\", \"{}\"; expected one 1 and "
        "two 0",
        printable(cells[0], 20), printable(cells[1], 20), printable(cells[2], 20));
  }
  const size_t wrong = read_word(cells[0]).has_value() ? 1 : 0;
  return word_problem(dialect_->winner_columns[wrong], cells[wrong]);
}

Error WinnerReader::word_problem(std::string_view column, std::string_view cell) const {
  if (dialect_->form == WinnerForm::kTwoGames && cell == "error") {
    return corrupt_data("{} is \"error\": the judge gave no verdict", column);
  }
  std::vector<std::string> words;
  for (const WinnerWord& word : dialect_->words) {
    words.emplace_back(word.word);
  }
  if (cell.empty()) {
    return corrupt_data("{} is empty; expected one of: {}", column, join(words, ", "));
  }
  const std::string shown = printable(cell, 40);
  return corrupt_data("{} is \"{}\"{}; expected one of: {}", column, shown,
                      did_you_mean(shown, words), join(words, ", "));
}

}  // namespace cupel::rank
