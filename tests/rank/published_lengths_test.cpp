// Proves: system 70
// Proves: system 94
// How long the answers are that were published with SimPO and ORPO (read in place).
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/json.h"
#include "rank/win_rate.h"
#include "support/test_paths.h"

namespace cupel::rank {
namespace {

TEST(PublishedAnswers, MeanLengthsAreThoseOfTheSheets) {
  const std::string path = test::shared_data("../specs/align/published-alpaca-rows.json");
  CUPEL_SKIP_UNLESS(path, "lengths of published answers absent: their means were not compared");
  const auto rows = read_json_file(path);
  ASSERT_TRUE(rows.has_value()) << rows.error().message;
  const std::vector<std::pair<std::string, double>> known = {
      {"Llama-3-Instruct-8B-SimPO", 1825.8832},
      {"gemma-2-9b-it-SimPO", 1833.5503},
      {"mistral-orpo-beta", 1636.2236}};
  for (const auto& [model, mean] : known) {
    std::vector<PreferenceItem> items;
    for (const Json& length : rows->find("output_lengths")->find(model)->as_array()) {
      items.push_back({.preference = 0.5, .model_length = length.as_int()});
    }
    EXPECT_EQ(items.size(), 805U);
    const auto rate = win_rate(items);
    ASSERT_TRUE(rate.has_value()) << rate.error().message;
    EXPECT_NEAR(rate->average_length, mean, 5e-5) << model;
  }
}

}  // namespace
}  // namespace cupel::rank
