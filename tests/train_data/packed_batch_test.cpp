#include "train/data/packed_batch.h"

#include <gtest/gtest.h>

namespace cupel::train {
namespace {

constexpr int32_t kNo = PackedBatch::kNoLabel;

TEST(PackExamples, LabelsAreTheNextTokensOfTheSameDocument) {
  const std::vector<Example> examples = {
      {.ids = {10, 11, 12}, .weights = {1, 0, 1}},
      {.ids = {20, 21, 22, 23}, .weights = {1, 1, 0.5F, 1}},
  };
  const std::vector<Piece> pieces = {{1, 0, 3}, {0, 0, 3}, {1, 3, 4}};
  const PackedBatch batch = pack_examples(examples, pieces);
  EXPECT_EQ(batch.ids, std::vector<int32_t>({20, 21, 22, 10, 11, 12, 23}));
  EXPECT_EQ(batch.positions, std::vector<int32_t>({0, 1, 2, 0, 1, 2, 0}));
  EXPECT_EQ(batch.document, std::vector<int32_t>({0, 0, 0, 1, 1, 1, 2}));
  // 10 and 23 come first in their documents: they are never labels, whatever their weight.
  EXPECT_EQ(batch.labels, std::vector<int32_t>({21, 22, kNo, kNo, 12, kNo, kNo}));
  EXPECT_EQ(batch.weights, std::vector<float>({1, 0.5F, 0, 0, 1, 0, 0}));
  ASSERT_EQ(batch.documents.size(), 3U);
  EXPECT_EQ(batch.documents[1].begin, 3);
  EXPECT_EQ(batch.documents[1].end, 6);
  EXPECT_EQ(batch.documents[1].item, 0);
  EXPECT_EQ(batch.documents[1].parent, -1);
  const LabelCount count = count_labels(examples, pieces);
  EXPECT_EQ(count.labels, 3);
  EXPECT_DOUBLE_EQ(count.weight, 2.5);
}

TEST(PackGroups, AnswersBranchOffTheSharedPrompt) {
  ExampleGroup group{.prompt_tokens = 3};
  group.answers = {{.ids = {1, 2, 3, 7, 8}, .weights = {0, 0, 0, 1, 1}},
                   {.ids = {1, 2, 3, 9}, .weights = {0, 0, 0, 1}}};
  const std::vector<ExampleGroup> groups = {group};
  const std::vector<int64_t> items = {0};
  const PackedBatch batch = pack_groups(groups, items);
  // The prompt's last token, 3, predicts the first token of both answers: it begins each branch.
  EXPECT_EQ(batch.ids, std::vector<int32_t>({1, 2, 3, 7, 8, 3, 9}));
  EXPECT_EQ(batch.positions, std::vector<int32_t>({0, 1, 2, 3, 4, 2, 3}));
  EXPECT_EQ(batch.labels, std::vector<int32_t>({kNo, kNo, 7, 8, kNo, 9, kNo}));
  EXPECT_EQ(batch.document, std::vector<int32_t>({0, 0, 1, 1, 1, 2, 2}));
  EXPECT_EQ(batch.documents[0].answer, -1);
  EXPECT_EQ(batch.documents[1].parent, 0);
  EXPECT_EQ(batch.documents[2].parent, 0);
  EXPECT_EQ(batch.documents[2].answer, 1);
  EXPECT_EQ(group_tokens(group), batch.tokens());
}

TEST(PackGroups, APromptOfOneTokenNeedsNoParent) {
  ExampleGroup group{.prompt_tokens = 1};
  group.answers = {{.ids = {1, 7}, .weights = {0, 1}}, {.ids = {1, 9}, .weights = {0, 1}}};
  const std::vector<ExampleGroup> groups = {group, group};
  const std::vector<int64_t> items = {1, 0};
  const PackedBatch batch = pack_groups(groups, items);
  EXPECT_EQ(batch.ids, std::vector<int32_t>({1, 7, 1, 9, 1, 7, 1, 9}));
  EXPECT_EQ(batch.labels, std::vector<int32_t>({7, kNo, 9, kNo, 7, kNo, 9, kNo}));
  ASSERT_EQ(batch.documents.size(), 4U);
  EXPECT_EQ(batch.documents[0].parent, -1);
  EXPECT_EQ(batch.documents[0].item, 1);
  EXPECT_EQ(group_tokens(group), 4);
}

}  // namespace
}  // namespace cupel::train
