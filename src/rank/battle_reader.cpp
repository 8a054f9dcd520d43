#include "rank/battle_reader.h"

#include <array>
#include <optional>
#include <span>
#include <vector>

#include "base/csv.h"
#include "base/error.h"
#include "base/io.h"
#include "base/text.h"

namespace cupel::rank {
namespace {

enum class Vote { kA, kB, kTie, kBothBad };

struct WinnerWord {
  std::string_view word;
  Vote vote;
};

/// One published layout of vote files.
struct VoteDialect {
  std::string_view column_a;
  std::string_view column_b;
  std::span<const WinnerWord> words;
};

constexpr std::array kArenaWords = {
    WinnerWord{"model_a", Vote::kA}, WinnerWord{"model_b", Vote::kB}, WinnerWord{"tie", Vote::kTie},
    WinnerWord{"tie (bothbad)", Vote::kBothBad}, WinnerWord{"both_bad", Vote::kBothBad}};
constexpr std::array kSideWords = {WinnerWord{"left", Vote::kA}, WinnerWord{"right", Vote::kB},
                                   WinnerWord{"tie", Vote::kTie}};
constexpr std::array kDialects = {VoteDialect{"model_a", "model_b", kArenaWords},
                                  VoteDialect{"left", "right", kSideWords}};

/// Where a file keeps what.
struct Layout {
  const VoteDialect* dialect = nullptr;
  size_t a = 0;
  size_t b = 0;
  size_t winner = 0;
  std::optional<size_t> cluster;
};

std::optional<size_t> find_column(std::span<const std::string_view> header, std::string_view name) {
  for (size_t i = 0; i < header.size(); ++i) {
    if (trim(header[i]) == name) {
      return i;
    }
  }
  return std::nullopt;
}

std::vector<std::string> strings(std::span<const std::string_view> views) {
  std::vector<std::string> copies;
  for (const std::string_view view : views.first(std::min<size_t>(views.size(), 40))) {
    copies.push_back(to_valid_utf8(excerpt(trim(view), 40)));
  }
  return copies;
}

Result<Layout> find_layout(std::span<const std::string_view> header,
                           const BattleReadOptions& options) {
  Layout layout;
  const auto winner = find_column(header, "winner");
  for (const VoteDialect& dialect : kDialects) {
    const auto a = find_column(header, dialect.column_a);
    const auto b = find_column(header, dialect.column_b);
    if (a.has_value() && b.has_value() && winner.has_value()) {
      layout = {&dialect, *a, *b, *winner, std::nullopt};
      break;
    }
  }
  if (layout.dialect == nullptr) {
    return invalid_argument(
        "columns are: {}; expected model_a, model_b, winner or left, right, winner",
        join(strings(header), ", "));
  }
  if (!options.cluster_column.empty()) {
    layout.cluster = find_column(header, options.cluster_column);
    if (!layout.cluster.has_value()) {
      const std::vector<std::string> names = strings(header);
      return invalid_argument("no column \"{}\" to cluster by{}; columns are: {}",
                              options.cluster_column, did_you_mean(options.cluster_column, names),
                              join(names, ", "));
    }
  }
  return layout;
}

Result<Vote> read_winner(std::string_view text, const VoteDialect& dialect) {
  std::vector<std::string> words;
  for (const WinnerWord& word : dialect.words) {
    if (word.word == text) {
      return word.vote;
    }
    words.emplace_back(word.word);
  }
  const std::string shown = to_valid_utf8(excerpt(text, 40));
  return corrupt_data("winner is \"{}\"{}; expected one of: {}", shown, did_you_mean(shown, words),
                      join(words, ", "));
}

Result<Ok> check_name(std::string_view column, std::string_view name) {
  if (name.empty()) {
    return corrupt_data("column {} is empty; expected a model's name", column);
  }
  if (!is_valid_utf8(name)) {
    return corrupt_data("column {} is not UTF-8 (\"{}\"); convert the file", column,
                        to_valid_utf8(excerpt(name, 40)));
  }
  return Ok{};
}

void tally(BattleFile& file, Vote vote) {
  file.wins_a += vote == Vote::kA ? 1 : 0;
  file.wins_b += vote == Vote::kB ? 1 : 0;
  file.ties += vote == Vote::kTie || vote == Vote::kBothBad ? 1 : 0;
  file.both_bad += vote == Vote::kBothBad ? 1 : 0;
}

double outcome_of(Vote vote) {
  if (vote == Vote::kA) {
    return kWinA;
  }
  return vote == Vote::kB ? kWinB : kTie;
}

Result<Ok> read_record(std::span<const std::string_view> fields,
                       const Layout& layout,
                       BattleFile& file) {
  const std::string_view a = trim(fields[layout.a]);
  const std::string_view b = trim(fields[layout.b]);
  CUPEL_TRY_VOID(check_name(layout.dialect->column_a, a));
  CUPEL_TRY_VOID(check_name(layout.dialect->column_b, b));
  if (a == b) {
    return corrupt_data("model \"{}\" stands on both sides; a battle needs two models",
                        excerpt(a, 60));
  }
  CUPEL_TRY(const Vote vote, read_winner(trim(fields[layout.winner]), *layout.dialect));
  Battle battle{.outcome = outcome_of(vote)};
  battle.a = file.table.intern_model(a);
  battle.b = file.table.intern_model(b);
  if (layout.cluster.has_value()) {
    battle.cluster = file.table.intern_cluster(trim(fields[*layout.cluster]));
  }
  tally(file, vote);
  return file.table.add(battle);
}

}  // namespace

Result<BattleFile> parse_battles_csv(std::string_view text,
                                     const std::string& path,
                                     const BattleReadOptions& options) {
  BattleFile file;
  std::optional<Layout> layout;
  CUPEL_TRY_VOID(for_each_csv(
      text, path, [&](std::span<const std::string_view> fields, size_t /*line*/) -> Result<Ok> {
        if (!layout.has_value()) {
          CUPEL_TRY(layout, find_layout(fields, options));
          return Ok{};
        }
        return read_record(fields, *layout, file);
      }));
  if (file.table.rows() == 0) {
    return in_file(
        invalid_argument("no votes; expected a header and at least one record of model_a, "
                         "model_b, winner or left, right, winner"),
        path);
  }
  return file;
}

Result<BattleFile> read_battles_csv(const std::string& path, const BattleReadOptions& options) {
  CUPEL_TRY(const std::string text, read_file(path));
  return parse_battles_csv(text, path, options);
}

}  // namespace cupel::rank
