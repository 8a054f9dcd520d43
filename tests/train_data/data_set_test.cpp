#include "train/data/data_set.h"

#include <gtest/gtest.h>

#include "base/io.h"
#include "base/parquet.h"
#include "support/test_paths.h"
#include "train/data/batcher.h"
#include "train/data/packed_batch.h"
#include "train_data/chat_fixtures.h"

namespace cupel::train {
namespace {

class LoadData : public testing::Test {
 protected:
  std::string write(const std::string& name, std::string_view text) {
    EXPECT_TRUE(write_file_atomic(folder_.file(name), text).has_value());
    return folder_.file(name);
  }
  [[nodiscard]] RowTokenizer rows(const TokenizeOptions& options = {}) const {
    return *RowTokenizer::create(*tokenizer_, nullptr, options);
  }

  ::cupel::test::TemporaryFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_ = test::tiny_tokenizer();
};

TEST_F(LoadData, KeepsFilesApartAndCountsWhatItLeavesOut) {
  const std::string a = write("a.jsonl",
                              "{\"text\": \"ab\"}\n{\"text\": \"\"}\nbroken\n"
                              "{\"prompt\": \"long prompt\", \"completion\": \"c\"}\n"
                              "{\"prompt\": \"p\", \"chosen\": \"x\", \"rejected\": \"y\"}\n");
  const std::string b = write("b.jsonl", "{\"text\": \"\u00e4\u00f6\"}\n");
  const auto strict = load_data(rows(), {.paths = {a}});
  ASSERT_FALSE(strict.has_value());
  EXPECT_TRUE(strict.error().message.starts_with(a + ":3: ")) << strict.error().message;
  const auto data = load_data(rows({.max_length = 8}), {.paths = {a, b}, .skip_bad = true});
  ASSERT_TRUE(data.has_value()) << data.error().message;
  EXPECT_EQ(data->lengths, std::vector<int64_t>({4, 6}));
  EXPECT_EQ(data->characters, std::vector<int64_t>({2, 2}));
  ASSERT_EQ(data->files.size(), 2U);
  EXPECT_EQ(data->files[0].count, 1);
  EXPECT_EQ(data->files[1].begin, 1);
  EXPECT_EQ(data->counts.tokens, 10);
  EXPECT_EQ(data->counts.labels, 8);
  EXPECT_EQ(counts_text(data->counts),
            "6 rows, 4 of them left out (2 malformed, 1 with an empty answer, 1 with nothing to "
            "learn)");
  ASSERT_EQ(data->counts.reasons.size(), 2U);
  EXPECT_TRUE(data->counts.reasons[0].starts_with(a + ":5: ")) << data->counts.reasons[0];
}

TEST_F(LoadData, RatingsOfParquetReachTheGroups) {
  const std::string path = ::cupel::test::test_data("parquet/ratings.parquet");
  if (const auto file = ParquetFile::open(path);
      !file && file.error().code == Code::kFailedPrecondition) {
    GTEST_SKIP() << "built without Parquet (scripts/setup.sh parquet): no file was read";
  }
  const auto data =
      load_data(rows(), {.paths = {path}, .kind = DataKind::kGroups, .ratings = {"helpfulness"}});
  ASSERT_TRUE(data.has_value()) << data.error().message;
  ASSERT_EQ(data->groups.size(), 2U);
  using Ratings = std::vector<std::pair<std::string, double>>;
  EXPECT_EQ(data->groups[0].ratings, (Ratings{{"helpfulness", 4}}));
  EXPECT_EQ(data->groups[1].ratings, (Ratings{{"helpfulness", 1}}));
}

TEST_F(LoadData, PairsAreGroups) {
  const std::string path = write(
      "p.jsonl", "{\"prompt\": \"pq\", \"chosen\": \"xy\", \"rejected\": \"z\", \"id\": 7}\n");
  const auto data = load_data(rows(), {.paths = {path}, .kind = DataKind::kGroups});
  ASSERT_TRUE(data.has_value()) << data.error().message;
  ASSERT_EQ(data->groups.size(), 1U);
  EXPECT_EQ(data->groups[0].id, "7");
  // <s> p | q x y </s> | q z </s>
  EXPECT_EQ(data->lengths, std::vector<int64_t>({9}));
  const auto batcher = Batcher::create({.batch = 1, .whole_items = true}, data->lengths);
  ASSERT_TRUE(batcher.has_value());
  const std::vector<int64_t> items = {0};
  const PackedBatch batch = pack_groups(data->groups, items);
  EXPECT_EQ(tokenizer_->decode(batch.ids, true), "<s>pqxy</s>qz</s>");
}

TEST_F(LoadData, SaysHowManyPairsPreferAnAnswerToItself) {
  const std::string path = write("p.jsonl", R"({"prompt": "p", "chosen": "x", "rejected": "x"})"
                                            "\n"
                                            R"({"prompt": "p", "chosen": "x", "rejected": "y"})"
                                            "\n");
  const auto data = load_data(rows(), {.paths = {path}, .kind = DataKind::kGroups});
  ASSERT_TRUE(data.has_value()) << data.error().message;
  EXPECT_EQ(data->groups.size(), 2U) << "it is kept: the loss says what it makes of it";
  EXPECT_EQ(data->counts.equal_answers, 1);
  EXPECT_TRUE(equal_answers_warning(data->counts)
                  .starts_with("warning: in 1 rows of 2 chosen and rejected are the same tokens"));
  EXPECT_EQ(equal_answers_warning({}), "");
}

TEST_F(LoadData, PairsAreTakenApart) {
  const std::string a =
      write("a.jsonl",
            "{\"prompt\": \"p\", \"chosen\": \"xy\", \"rejected\": \"z\", \"weight\": 2}\n"
            "{\"prompt\": \"p\", \"completion\": \"w\", \"label\": false}\n");
  const std::string b =
      write("b.jsonl", "{\"prompt\": \"p\", \"chosen\": \"x\", \"rejected\": \"z\"}\n");
  auto data = load_data(rows(), {.paths = {a, b}, .kind = DataKind::kGroups});
  ASSERT_TRUE(data.has_value()) << data.error().message;
  unpair(*data);
  std::vector<int> labels;
  for (const ExampleGroup& group : data->groups) {
    EXPECT_EQ(group.answers.size(), 1U);
    labels.push_back(group.label);
  }
  EXPECT_EQ(labels, std::vector<int>({1, 0, 0, 1, 0}));
  EXPECT_EQ(data->lengths, std::vector<int64_t>({5, 4, 4, 4, 4}));
  EXPECT_EQ(data->groups[1].weight, 2);
  EXPECT_EQ(data->files[0].count, 3);
  EXPECT_EQ(data->files[1].begin, 3);
  EXPECT_EQ(data->files[1].count, 2);
}

TEST_F(LoadData, NothingToTrainOnIsAnError) {
  const std::string path = write("e.jsonl", "{\"text\": \"\"}\n");
  const auto data = load_data(rows(), {.paths = {path}});
  ASSERT_FALSE(data.has_value());
  EXPECT_NE(data.error().message.find("1 rows, 1 of them left out (1 with an empty answer)"),
            std::string::npos)
      << data.error().message;
  EXPECT_FALSE(load_data(rows(), {}).has_value());
}

TEST_F(LoadData, AMissingTemplateEndsTheRunEvenWhereBadRowsAreSkipped) {
  const std::string path =
      write("m.jsonl", "{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n");
  const auto data = load_data(rows(), {.paths = {path}, .skip_bad = true});
  ASSERT_FALSE(data.has_value());
  EXPECT_TRUE(data.error().message.starts_with(path + ":1: ")) << data.error().message;
  EXPECT_NE(data.error().message.find("no chat template"), std::string::npos);
}

TEST_F(LoadData, PackedRowsCarryEveryLabelOnce) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "{\"text\": \"" + std::string(static_cast<size_t>(1 + i % 7), 'x') + "\"}\n";
  }
  const auto data = load_data(rows(), {.paths = {write("t.jsonl", text)}});
  ASSERT_TRUE(data.has_value());
  auto batcher = Batcher::create(
      {.packing = Packing::kBfd, .max_length = 16, .batch = 4, .micro_batch = 1}, data->lengths);
  ASSERT_TRUE(batcher.has_value());
  int64_t labels = 0;
  const int64_t steps = batcher->steps_in_epoch(0);
  for (int64_t step = 0; step < steps; ++step) {
    for (const auto& micro : batcher->next().micro_batches) {
      const PackedBatch batch = pack_examples(data->examples, micro[0]);
      EXPECT_LE(batch.tokens(), 16);
      for (const int32_t label : batch.labels) {
        labels += label != PackedBatch::kNoLabel ? 1 : 0;
      }
      EXPECT_EQ(count_labels(data->examples, micro[0]).labels,
                std::count_if(batch.labels.begin(), batch.labels.end(),
                              [](int32_t label) { return label != PackedBatch::kNoLabel; }));
    }
  }
  EXPECT_EQ(labels, data->counts.labels);
}

}  // namespace
}  // namespace cupel::train
