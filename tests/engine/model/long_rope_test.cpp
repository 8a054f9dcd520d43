// Proves: system 5
// LongRoPE in whole models: a sequence is computed with the factors of its length, also where it
// grows by committed drafts, and what cannot be right is refused.
#include "engine/model/runtime_support.h"

namespace cupel::engine::test {
namespace {

constexpr int64_t kLongFrom = 40;

class LongRope : public testing::Test {
 protected:
  static TinyModelOptions options() {
    TinyModelOptions options;
    options.long_from = kLongFrom;
    return options;
  }
  // A chain of drafts as a tree; all are accepted.
  void draft(SequenceState& sequence, std::span<const TokenId> ids) const {
    std::vector<StepRow> rows;
    std::vector<int32_t> path;
    for (const TokenId id : ids) {
      const auto row = static_cast<int32_t>(rows.size());
      rows.push_back({.sequence = &sequence, .token = id, .parent = row - 1});
      path.push_back(row);
    }
    step(*engine_, rows);
    ASSERT_TRUE(engine_->commit(sequence, path).has_value());
  }
  TinyModel model_{options()};
  Engine engine_ = open_engine(model_);
  std::vector<TokenId> ids_ = random_ids(1, 60);
};

TEST_F(LongRope, FactorsChangeWhatIsComputed) {
  const Logits below = run_fresh(*engine_, std::span(ids_).first(kLongFrom));
  const Logits beyond = run_fresh(*engine_, std::span(ids_).first(kLongFrom + 1));
  EXPECT_FALSE(same_bits(slice(below, 5, 6), slice(beyond, 5, 6)));
}

// As the step that reads all ids at once, which never knew the other factors.
TEST_F(LongRope, CommittedDraftsAreComputedAnewBeyondTheBorder) {
  SequenceState sequence = engine_->new_sequence();
  feed(*engine_, sequence, std::span(ids_).first(20));
  draft(sequence, std::span(ids_).subspan(20, 15));
  const Logits crossing = feed(*engine_, sequence, std::span(ids_).subspan(35, 10));
  EXPECT_TRUE(same_bits(crossing, slice(run_fresh(*engine_, std::span(ids_).first(45)), 35, 45)));
  draft(sequence, std::span(ids_).subspan(45, 10));  // trees beyond the border are as any
  EXPECT_TRUE(same_bits(feed(*engine_, sequence, std::span(ids_).subspan(55)),
                        slice(run_fresh(*engine_, ids_), 55, 60)));
}

TEST_F(LongRope, ATreeThatBeginsAtTheBorderIsWhollyBeyondIt) {
  SequenceState sequence = engine_->new_sequence();
  feed(*engine_, sequence, std::span(ids_).first(kLongFrom));
  draft(sequence, std::span(ids_).subspan(kLongFrom, 5));
  EXPECT_TRUE(same_bits(feed(*engine_, sequence, std::span(ids_).subspan(45)),
                        slice(run_fresh(*engine_, ids_), 45, 60)));
}

TEST_F(LongRope, ATreeOnBothSidesOfTheBorderIsRefused) {
  SequenceState sequence = engine_->new_sequence();
  feed(*engine_, sequence, std::span(ids_).first(38));
  std::vector<StepRow> rows;
  for (const int32_t parent : {-1, 0, 1}) {  // positions 38, 39 and 40
    rows.push_back({.sequence = &sequence, .token = 1, .parent = parent});
  }
  const auto refused = try_step(*engine_, rows);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_NE(refused.error().message.find("a tree of depth 3 after 38 positions"),
            std::string::npos);
  EXPECT_EQ(sequence.length(), 38);
  rows.back().parent = 0;  // depth 2
  EXPECT_TRUE(try_step(*engine_, rows).has_value());
}

// Also where a roll-back has dropped as many ids as there were embeddings.
TEST_F(LongRope, ASequenceWithAnEmbeddingCannotCrossTheBorder) {
  const std::vector<float> embedding(static_cast<size_t>(engine_->description().width), 0.5F);
  SequenceState sequence = engine_->new_sequence();
  std::vector<StepRow> rows;
  add_rows(rows, sequence, std::span(ids_).first(38));
  rows[3].embedding = embedding.data();
  step(*engine_, rows);
  sequence.truncate(37);
  const auto refused = engine_->step(std::vector<StepRow>(10, {.sequence = &sequence, .token = 1}),
                                     [](size_t, std::span<float>) {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("given embeddings"), std::string::npos);
}

// Keys lie in pairs of coordinates in the cache.
TEST(HeadWidth, OddOnesAreRefusedByTheKey) {
  TinyModelOptions options;
  options.head_dim = 33;
  options.rotary_dim = 32;
  const TinyModel model(options);
  const auto file = Checkpoint::open(model.path());
  ASSERT_TRUE(file.has_value());
  const auto refused = Transformer::load(*file, {.threads = 1});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kUnsupported);
  EXPECT_NE(refused.error().message.find("heads are 33 wide (llama.attention.key_length"),
            std::string::npos)
      << refused.error().message;
}

}  // namespace
}  // namespace cupel::engine::test
