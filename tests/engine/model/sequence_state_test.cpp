// What a sequence has seen: forks, roll-backs and pages never change what is computed from it.
#include <cmath>
#include <limits>

#include "engine/model/runtime_support.h"

namespace cupel::engine::test {
namespace {

// Positions around the borders of pages (kPageRows = 64).
constexpr int64_t kBorders[] = {1, 40, 63, 64, 65, 100, 127, 128, 129};

class SequenceStates : public testing::TestWithParam<std::string> {
 protected:
  TinyModel model_{family_options(GetParam())};
  Engine engine_ = open_engine(model_);
};

TEST_P(SequenceStates, ForksThatDivergeEqualSeparateRuns) {
  const auto prompt = random_ids(1, 130);
  const auto left = random_ids(2, 70);  // crosses into another page
  const auto right = random_ids(3, 70);
  for (const int64_t at : kBorders) {
    const std::vector<TokenId> begin(prompt.begin(), prompt.begin() + at);
    SequenceState parent = engine_->new_sequence();
    feed(*engine_, parent, begin);
    SequenceState child = parent.fork();
    std::vector<StepRow> rows;  // both write on in the same step
    add_rows(rows, parent, left);
    add_rows(rows, child, right);
    const Logits both = step(*engine_, rows);
    const auto from = static_cast<size_t>(at);
    const Logits left_alone = run_fresh(*engine_, begin + left);
    const Logits right_alone = run_fresh(*engine_, begin + right);
    EXPECT_TRUE(same_bits(slice(both, 0, 70), slice(left_alone, from, from + 70))) << at;
    EXPECT_TRUE(same_bits(slice(both, 70, 140), slice(right_alone, from, from + 70))) << at;
  }
}

TEST_P(SequenceStates, ForkOfAnEarlierPositionForgetsTheRest) {
  const auto ids = random_ids(4, 150);
  const auto other = random_ids(5, 20);
  SequenceState parent = engine_->new_sequence();
  feed(*engine_, parent, ids);
  for (const int64_t at : kBorders) {
    SequenceState child = parent.fork(at);
    EXPECT_EQ(child.length(), at);
    const Logits forked = feed(*engine_, child, other);
    const std::vector<TokenId> begin(ids.begin(), ids.begin() + at);
    const Logits alone = run_fresh(*engine_, begin + other);
    EXPECT_TRUE(same_bits(forked, slice(alone, static_cast<size_t>(at), alone.size()))) << at;
  }
  // The parent was not touched by any of them.
  const Logits on = feed(*engine_, parent, other);
  const Logits alone = run_fresh(*engine_, ids + other);
  EXPECT_TRUE(same_bits(on, slice(alone, ids.size(), alone.size())));
}

TEST_P(SequenceStates, RollBackAndRedoChangesNothing) {
  const auto ids = random_ids(6, 150);
  const auto other = random_ids(7, 40);
  const Logits once = run_fresh(*engine_, ids);
  SequenceState sequence = engine_->new_sequence();
  feed(*engine_, sequence, ids);
  for (const int64_t at : kBorders) {
    const auto from = static_cast<size_t>(at);
    sequence.truncate(at);
    feed(*engine_, sequence, other);  // a path that is thrown away
    sequence.truncate(at);
    const Logits again = feed(*engine_, sequence, std::span(ids).subspan(from));
    EXPECT_TRUE(same_bits(again, slice(once, from, ids.size()))) << at;
  }
  sequence.truncate(0);
  EXPECT_TRUE(same_bits(feed(*engine_, sequence, ids), once));
}

TEST_P(SequenceStates, RollBackOfAForkLeavesItsSiblingAlone) {
  const auto ids = random_ids(8, 100);
  const auto other = random_ids(9, 60);
  SequenceState one = engine_->new_sequence();
  feed(*engine_, one, ids);
  SequenceState two = one.fork();
  two.truncate(70);  // inside the page that both share
  feed(*engine_, two, other);
  const Logits on = feed(*engine_, one, other);
  const Logits alone = run_fresh(*engine_, ids + other);
  EXPECT_TRUE(same_bits(on, slice(alone, ids.size(), alone.size())));
}

// A page that another sequence filled with numbers that are none comes back from the free list.
TEST_P(SequenceStates, ReusedPagesHoldNothingOfTheirFormerOwner) {
  const auto ids = random_ids(10, 100);
  const Logits before = run_fresh(*engine_, ids);
  const auto width = static_cast<size_t>(engine_->description().width);
  const std::vector<float> none(width, std::numeric_limits<float>::quiet_NaN());
  {
    SequenceState bad = engine_->new_sequence();
    std::vector<StepRow> rows(200, {.sequence = &bad, .embedding = none.data(), .logits = true});
    const Logits logits = step(*engine_, rows);
    EXPECT_TRUE(std::isnan(logits.back().front()));
  }
  EXPECT_EQ(engine_->kv_pool().used_pages(), 0U);
  EXPECT_TRUE(same_bits(run_fresh(*engine_, ids), before));
}

INSTANTIATE_TEST_SUITE_P(Families,
                         SequenceStates,
                         testing::Values("llama", "gemma3"),
                         [](const auto& param) { return param.param; });

class CachePages : public testing::Test {
 protected:
  // An engine whose cache holds that many pages.
  [[nodiscard]] Engine small(size_t pages) const {
    EngineOptions options;
    options.max_cache_bytes = cache_bytes(model_, pages);
    return open_engine(model_, options);
  }
  TinyModel model_;
  Engine large_ = open_engine(model_);
};

TEST_F(CachePages, ComeBackWhenSequencesEnd) {
  KvPool& pool = large_->kv_pool();
  {
    SequenceState parent = large_->new_sequence();
    feed(*large_, parent, random_ids(1, 100));
    EXPECT_EQ(pool.used_pages(), 2U);
    SequenceState child = parent.fork();
    EXPECT_EQ(pool.used_pages(), 2U);  // shared
    feed(*large_, child, random_ids(2, 1));
    EXPECT_EQ(pool.used_pages(), 3U);  // its own copy of the page that it writes to
    child.truncate(64);
    EXPECT_EQ(pool.used_pages(), 2U);
    SequenceState moved = std::move(parent);
    EXPECT_EQ(moved.length(), 100);
    EXPECT_EQ(parent.length(), 0);  // NOLINT(bugprone-use-after-move): empty by contract
    moved = large_->new_sequence();
    EXPECT_EQ(pool.used_pages(), 1U);  // only what the child still holds
  }
  EXPECT_EQ(pool.used_pages(), 0U);
}

TEST_F(CachePages, ExhaustionLeavesSequencesUsable) {
  const auto first = random_ids(1, 100);
  const auto second = random_ids(2, 60);
  const auto more = random_ids(3, 60);
  const Engine engine = small(3);
  SequenceState one = engine->new_sequence();
  feed(*engine, one, first);  // two pages
  auto two = std::make_unique<SequenceState>(engine->new_sequence());
  feed(*engine, *two, second);  // the third
  std::vector<StepRow> rows;
  add_rows(rows, one, more);
  const auto full = try_step(*engine, rows);
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, Code::kExhausted);
  EXPECT_NE(full.error().message.find("3 pages"), std::string::npos) << full.error().message;
  EXPECT_EQ(one.length(), 100);
  EXPECT_EQ(engine->kv_pool().used_pages(), 3U);

  // What still fits goes on as if nothing had happened; the rest does once there is room.
  const Logits fits = feed(*engine, one, std::span(more).first(28));  // up to position 128
  two.reset();
  const Logits rest = feed(*engine, one, std::span(more).subspan(28));
  const Logits alone = run_fresh(*large_, first + more);
  EXPECT_TRUE(same_bits(fits, slice(alone, 100, 128)));
  EXPECT_TRUE(same_bits(rest, slice(alone, 128, 160)));
}

TEST_F(CachePages, StepThatDoesNotFitTakesNoPage) {
  const Engine engine = small(2);
  SequenceState sequence = engine->new_sequence();
  std::vector<StepRow> rows;
  add_rows(rows, sequence, random_ids(1, 150));  // three pages
  ASSERT_FALSE(try_step(*engine, rows).has_value());
  EXPECT_EQ(sequence.length(), 0);
  EXPECT_EQ(engine->kv_pool().used_pages(), 0U);
}

TEST_F(CachePages, ExhaustionByASecondSequenceOfTheStepLeavesTheFirst) {
  const auto ids = random_ids(4, 40);
  const auto more = random_ids(5, 40);
  const Engine engine = small(2);
  SequenceState one = engine->new_sequence();
  SequenceState two = engine->new_sequence();
  feed(*engine, one, ids);
  std::vector<StepRow> rows;
  add_rows(rows, one, more);  // takes the second page
  add_rows(rows, two, ids);   // finds none
  ASSERT_FALSE(try_step(*engine, rows).has_value());
  EXPECT_EQ(one.length(), 40);
  EXPECT_EQ(two.length(), 0);
  const Logits alone = run_fresh(*large_, ids + more);
  EXPECT_TRUE(same_bits(feed(*engine, one, more), slice(alone, 40, 80)));
}

TEST_F(CachePages, ExhaustionWhileAForkTakesItsCopyLeavesBoth) {
  const auto ids = random_ids(6, 40);
  const auto more = random_ids(7, 10);
  const Engine engine = small(1);
  SequenceState one = engine->new_sequence();
  feed(*engine, one, ids);
  {
    SequenceState two = one.fork();
    std::vector<StepRow> rows;
    add_rows(rows, two, more);
    const auto full = try_step(*engine, rows);
    ASSERT_FALSE(full.has_value());
    EXPECT_EQ(full.error().code, Code::kExhausted);
    EXPECT_EQ(two.length(), 40);
  }
  const Logits alone = run_fresh(*large_, ids + more);
  EXPECT_TRUE(same_bits(feed(*engine, one, more), slice(alone, 40, 50)));
}

// A long step is split into micro-batches of 512 rows; the first of them has happened.
TEST_F(CachePages, ExhaustionInTheMiddleOfALongStepKeepsFinishedMicroBatches) {
  const auto ids = random_ids(8, 550);
  const Engine engine = small(8);
  SequenceState sequence = engine->new_sequence();
  std::vector<StepRow> rows;
  add_rows(rows, sequence, ids);
  ASSERT_FALSE(try_step(*engine, rows).has_value());
  EXPECT_EQ(sequence.length(), 512);
  sequence.truncate(450);
  const Logits alone = run_fresh(*large_, ids);
  EXPECT_TRUE(
      same_bits(feed(*engine, sequence, std::span(ids).subspan(450, 62)), slice(alone, 450, 512)));
}

}  // namespace
}  // namespace cupel::engine::test
