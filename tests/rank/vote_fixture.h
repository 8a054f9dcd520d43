#pragma once

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "base/csv.h"
#include "base/io.h"
#include "rank/battle_table.h"
#include "support/test_paths.h"

namespace cupel::rank::test {

/// The sixteen battles of the rank-statistics sheet, models "0" to "4".
inline BattleTable sixteen_battles() {
  struct Row {
    int32_t a;
    int32_t b;
    double outcome;
  };
  const Row rows[] = {{0, 1, kTie},  {0, 2, kWinB}, {0, 2, kTie},  {0, 4, kTie},
                      {1, 0, kWinA}, {1, 2, kTie},  {1, 2, kTie},  {1, 3, kTie},
                      {2, 4, kTie},  {3, 0, kWinA}, {3, 1, kWinA}, {3, 2, kWinA},
                      {3, 4, kTie},  {3, 4, kTie},  {4, 0, kWinA}, {4, 3, kWinA}};
  BattleTable table;
  for (const char* name : {"0", "1", "2", "3", "4"}) {
    table.intern_model(name);
  }
  for (const Row& row : rows) {
    EXPECT_TRUE(table.add({.a = row.a, .b = row.b, .outcome = row.outcome}).has_value());
  }
  return table;
}

/// Published votes with evalica's columns; an empty table when the file is absent.
inline BattleTable published_votes(const std::string& name) {
  BattleTable table;
  const std::string path = cupel::test::shared_data("votes/" + name);
  if (path.empty()) {
    return table;
  }
  const auto text = read_file(path);
  EXPECT_TRUE(text.has_value());
  std::map<std::string, size_t> columns;
  const auto done = for_each_csv(
      *text, path, [&](std::span<const std::string_view> fields, size_t /*line*/) -> Result<Ok> {
        if (columns.empty()) {
          for (size_t i = 0; i < fields.size(); ++i) {
            columns[std::string(fields[i])] = i;
          }
          return Ok{};
        }
        const std::string_view winner = fields[columns.at("winner")];
        const double outcome = winner == "left" ? kWinA : (winner == "right" ? kWinB : kTie);
        return table.add(fields[columns.at("left")], fields[columns.at("right")], outcome);
      });
  EXPECT_TRUE(done.has_value());
  return table;
}

/// Scores of evalica 0.4.2's golden file: algorithm, then item.
inline std::map<std::string, std::map<std::string, double>> golden_scores(const std::string& name) {
  std::map<std::string, std::map<std::string, double>> scores;
  const std::string path = cupel::test::shared_data("votes/" + name);
  const auto text = read_file(path);
  EXPECT_TRUE(text.has_value());
  const auto done = for_each_csv(
      *text, path, [&](std::span<const std::string_view> fields, size_t line) -> Result<Ok> {
        if (line > 1) {
          scores[std::string(fields[0])][std::string(fields[1])] =
              std::stod(std::string(fields[2]));
        }
        return Ok{};
      });
  EXPECT_TRUE(done.has_value());
  return scores;
}

/// Compares a column of values with an algorithm of both golden files, to 1e-6.
template <typename Scores>
void expect_golden(const std::string& algorithm, Scores scores_of) {
  for (const std::string votes : {"simple", "food"}) {
    const BattleTable table = published_votes(votes + ".csv");
    ASSERT_GT(table.rows(), 0U);
    const std::vector<double> scores = scores_of(table);
    ASSERT_EQ(scores.size(), table.model_count());
    const auto golden = golden_scores(votes + "-golden.csv");
    for (const auto& [item, score] : golden.at(algorithm)) {
      EXPECT_NEAR(scores[static_cast<size_t>(table.models().find(item).value())], score, 1e-6)
          << votes << " " << item;
    }
  }
}

}  // namespace cupel::rank::test

/// For tests of published votes.
#define CUPEL_SKIP_WITHOUT_VOTES()                              \
  CUPEL_SKIP_UNLESS(cupel::test::shared_data("votes/food.csv"), \
                    "published votes absent: evalica's numbers were not compared")
