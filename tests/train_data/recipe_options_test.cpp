#include "train/recipe/recipe_options.h"

#include <gtest/gtest.h>

namespace cupel::train {
namespace {

Recipe recipe(const std::vector<std::string>& overrides) {
  auto parsed = parse_recipe("", "", overrides);
  EXPECT_TRUE(parsed.has_value()) << (parsed ? "" : parsed.error().message);
  return std::move(parsed).value();
}

DataSet two_files() {
  DataSet data;
  data.lengths = std::vector<int64_t>(10, 4);
  data.characters = std::vector<int64_t>(10, 3);
  data.files = {{.begin = 0, .count = 6}, {.begin = 6, .count = 4}};
  return data;
}

TEST(RecipeOptions, MakeTheSchedule) {
  const auto options =
      schedule_options(recipe({"sched.name=wsd", "sched.decay_shape=cosine", "optim.lr=1e-3",
                               "sched.warmup_steps=10", "sched.decay_steps=20"}),
                       100);
  ASSERT_TRUE(options.has_value());
  const auto schedule = Schedule::create(*options);
  ASSERT_TRUE(schedule.has_value());
  EXPECT_NEAR(schedule->lr(85), 8.535534e-4, 5e-10);
  const auto defaults = Schedule::create(*schedule_options(recipe({}), 100));
  EXPECT_EQ(defaults->warmup_steps(), 3);
  EXPECT_DOUBLE_EQ(defaults->lr(3), 2e-5);
}

TEST(RecipeOptions, MakeTokensAndBatches) {
  const Recipe r = recipe({"data.loss_on=instruction", "data.prompt_loss_weight=0.1",
                           "data.truncation=split", "data.packing=wrapped", "data.max_length=64",
                           "batch.size=4", "batch.micro=2", "seed=7"});
  const auto tokens = tokenize_options(r);
  ASSERT_TRUE(tokens.has_value());
  EXPECT_EQ(tokens->loss_on, LossOn::kInstruction);
  EXPECT_EQ(tokens->prompt_loss_weight, 0.1);
  EXPECT_EQ(tokens->truncation, Truncation::kSplit);
  EXPECT_EQ(tokens->max_length, 64);
  const auto batches = batch_options(r, two_files(), 2);
  ASSERT_TRUE(batches.has_value());
  EXPECT_EQ(batches->packing, Packing::kWrapped);
  EXPECT_EQ(batches->batch, 4);
  EXPECT_EQ(batches->micro_batch, 2);
  EXPECT_EQ(batches->ranks, 2);
  EXPECT_EQ(batches->order.seed, 7U);
  EXPECT_TRUE(batches->order.mixture.empty());
  EXPECT_FALSE(batches->whole_items);
  EXPECT_TRUE(batch_options(recipe({"method=dpo"}), two_files(), 2)->whole_items);
}

TEST(RecipeOptions, LeaveTheRestToPackersThatUseIt) {
  const auto length = [](const std::string& packing, const std::string& truncation) {
    return tokenize_options(recipe({"data.max_length=64", "data.packing=" + packing,
                                    "data.truncation=" + truncation}))
        ->max_length;
  };
  EXPECT_GT(length("bfd_split", "keep_start"), 1 << 30);
  EXPECT_GT(length("wrapped", "keep_start"), 1 << 30);
  for (const char* const packing : {"auto", "none", "bfd", "multipack"}) {
    EXPECT_EQ(length(packing, "keep_start"), 64) << packing;
  }
  EXPECT_EQ(length("wrapped", "keep_end"), 64);
  EXPECT_EQ(length("bfd_split", "drop"), 64);
}

TEST(RecipeOptions, MakeMixtures) {
  const std::vector<std::string> files = {"data.files=a,b", "data.mixture=tokens",
                                          "data.amounts=8,16"};
  const auto batches = batch_options(recipe(files), two_files(), 1);
  ASSERT_TRUE(batches.has_value());
  ASSERT_EQ(batches->order.mixture.size(), 2U);
  EXPECT_EQ(batches->order.mixture[1].begin, 6);
  EXPECT_EQ(batches->order.mixture[1].tokens, 16);
  DataSet one = two_files();
  one.files.pop_back();
  EXPECT_FALSE(batch_options(recipe(files), one, 1).has_value());
}

TEST(RecipeOptions, CountTheStepsOfARun) {
  const Recipe once = recipe({"data.packing=none", "batch.size=4", "data.max_length=8"});
  const DataSet data = two_files();
  const auto batcher = Batcher::create(*batch_options(once, data, 1), data.lengths);
  ASSERT_TRUE(batcher.has_value());
  EXPECT_EQ(*total_steps(once, *batcher), 3);  // 10 rows by 4
  EXPECT_EQ(*total_steps(recipe({"epochs=2.5"}), *batcher), 8);
  EXPECT_EQ(*total_steps(recipe({"epochs=0.1"}), *batcher), 1);
  EXPECT_EQ(*total_steps(recipe({"max_steps=5"}), *batcher), 5);
}

TEST(RecipeOptions, CountAMillionEpochsOrRefuseThem) {
  const DataSet data = two_files();
  const auto steps = [&data](const std::vector<std::string>& overrides) {
    const Recipe r = recipe(overrides);
    const auto batcher = Batcher::create(*batch_options(r, data, 1), data.lengths);
    EXPECT_TRUE(batcher.has_value()) << (batcher ? "" : batcher.error().message);
    return total_steps(r, *batcher);
  };
  EXPECT_EQ(*steps({"epochs=1e6", "batch.size=4", "data.packing=none"}), 3'000'000);
  // Two texts of four tokens to a row.
  EXPECT_EQ(*steps({"epochs=1e6", "batch.size=1", "data.max_length=8"}), 5'000'000);
  EXPECT_EQ(*steps({"epochs=1e3", "batch.size=1", "data.max_length=8", "data.pack_window=8"}),
            5'000);
  const auto packed = steps({"epochs=1e6", "data.pack_window=8"});
  ASSERT_FALSE(packed.has_value());
  EXPECT_NE(packed.error().message.find("set max_steps, fewer epochs"), std::string::npos);
}

}  // namespace
}  // namespace cupel::train
