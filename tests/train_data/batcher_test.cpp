#include "train/data/batcher.h"

#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include "base/rng.h"

namespace cupel::train {
namespace {

std::vector<int64_t> random_lengths(size_t count, uint64_t seed) {
  Rng rng(seed);
  std::vector<int64_t> lengths(count);
  for (int64_t& length : lengths) {
    length = static_cast<int64_t>(1 + rng.below(30));
  }
  return lengths;
}

Batcher make(const BatchOptions& options, const std::vector<int64_t>& lengths) {
  auto batcher = Batcher::create(options, lengths);
  EXPECT_TRUE(batcher.has_value()) << (batcher ? "" : batcher.error().message);
  return std::move(batcher).value();
}

std::string show(const StepPlan& plan) {
  std::string text = std::to_string(plan.epoch) + "." + std::to_string(plan.step) + ":";
  for (const auto& micro : plan.micro_batches) {
    text += " |";
    for (const auto& rank : micro) {
      text += " [";
      for (const Piece& piece : rank) {
        text += " " + std::to_string(piece.item) + ":" + std::to_string(piece.begin) + "-" +
                std::to_string(piece.end);
      }
      text += " ]";
    }
  }
  return text;
}

const Packing kAll[] = {Packing::kNone, Packing::kWrapped, Packing::kBfd, Packing::kBfdSplit,
                        Packing::kMultipack};

TEST(Batcher, AnyPlaceToStopGivesTheSameSteps) {
  const auto lengths = random_lengths(57, 3);
  for (const Packing packing : kAll) {
    const BatchOptions options{
        .packing = packing, .max_length = 32, .window = 9, .batch = 4, .micro_batch = 2};
    Batcher straight = make(options, lengths);
    std::vector<std::string> steps;
    std::vector<std::string> cursors;
    for (int i = 0; i < 40; ++i) {
      cursors.push_back(dump_json(straight.cursor()));
      steps.push_back(show(straight.next()));
    }
    for (size_t at = 0; at < cursors.size(); ++at) {
      Batcher resumed = make(options, lengths);
      const auto restored = resumed.restore(*parse_json(cursors[at]));
      ASSERT_TRUE(restored.has_value()) << restored.error().message;
      for (size_t i = at; i < steps.size(); ++i) {
        ASSERT_EQ(show(resumed.next()), steps[i]) << "stopped before step " << at;
      }
    }
  }
}

TEST(Batcher, AnEpochHoldsEveryItemOnce) {
  const auto lengths = random_lengths(57, 4);
  for (const Packing packing : kAll) {
    const BatchOptions options{
        .packing = packing, .max_length = 32, .window = 10, .batch = 4, .micro_batch = 1};
    Batcher batcher = make(options, lengths);
    const int64_t steps = batcher.steps_in_epoch(0);
    std::vector<int64_t> tokens(lengths.size());
    for (int64_t i = 0; i < steps; ++i) {
      const StepPlan plan = batcher.next();
      EXPECT_EQ(plan.epoch, 0);
      EXPECT_EQ(plan.step, i);
      for (const auto& micro : plan.micro_batches) {
        for (const Piece& piece : micro[0]) {
          tokens[static_cast<size_t>(piece.item)] += piece.length();
        }
      }
    }
    EXPECT_EQ(tokens, lengths) << packing_names()[static_cast<size_t>(packing)];
    EXPECT_EQ(batcher.next().epoch, 1);
  }
}

TEST(Batcher, AStepIsTheSameOnAnyNumberOfRanks) {
  const auto lengths = random_lengths(50, 5);
  for (const Packing packing : kAll) {
    BatchOptions one{.packing = packing, .max_length = 32, .batch = 4};
    BatchOptions two = one;
    two.ranks = 2;
    Batcher alone = make(one, lengths);
    Batcher pair = make(two, lengths);
    for (int i = 0; i < 20; ++i) {
      const StepPlan a = alone.next();
      const StepPlan b = pair.next();
      EXPECT_EQ(a.bins, b.bins);
      std::vector<Piece> pieces_a;
      std::vector<Piece> pieces_b;
      for (const auto& micro : a.micro_batches) {
        pieces_a.insert(pieces_a.end(), micro[0].begin(), micro[0].end());
      }
      for (const auto& micro : b.micro_batches) {
        ASSERT_EQ(micro.size(), 2U);
        for (const auto& rank : micro) {
          pieces_b.insert(pieces_b.end(), rank.begin(), rank.end());
        }
      }
      const auto before = [](const Piece& x, const Piece& y) {
        return std::pair(x.item, x.begin) < std::pair(y.item, y.begin);
      };
      std::sort(pieces_a.begin(), pieces_a.end(), before);
      std::sort(pieces_b.begin(), pieces_b.end(), before);
      EXPECT_EQ(pieces_a, pieces_b);
    }
  }
}

TEST(Batcher, RankRTakesEveryRthBin) {
  const std::vector<int64_t> lengths(8, 5);
  Batcher batcher =
      make({.order = {.shuffle = false}, .batch = 8, .micro_batch = 2, .ranks = 2}, lengths);
  EXPECT_EQ(show(batcher.next()),
            "0.0: | [ 0:0-5 2:0-5 ] [ 1:0-5 3:0-5 ] | [ 4:0-5 6:0-5 ] [ 5:0-5 7:0-5 ]");
}

TEST(Batcher, SaysOfEachPieceWhichBinItIsOf) {
  const auto lengths = random_lengths(12, 8);
  for (const Packing packing : kAll) {
    Batcher batcher = make({.order = {.mixture = {{.begin = 0, .count = 12, .tokens = 700}}},
                            .packing = packing,
                            .max_length = 32,
                            .batch = 6,
                            .ranks = 2},
                           lengths);
    for (int step = 0; step < 8; ++step) {
      const StepPlan plan = batcher.next();
      std::vector<Bin> found(plan.bins.size());
      ASSERT_EQ(plan.bin_of.size(), plan.micro_batches.size());
      for (size_t micro = 0; micro < plan.bin_of.size(); ++micro) {
        for (size_t rank = 0; rank < 2; ++rank) {
          const auto& pieces = plan.micro_batches[micro][rank];
          const auto& bins = plan.bin_of[micro][rank];
          ASSERT_EQ(bins.size(), pieces.size());
          for (size_t i = 0; i < pieces.size(); ++i) {
            found[static_cast<size_t>(bins[i])].push_back(pieces[i]);
          }
        }
      }
      EXPECT_EQ(found, plan.bins);
    }
  }
}

TEST(Batcher, TakesAsManyBinsAtOnceAsHaveTheTokensWhereNoNumberIsAsked) {
  Batcher batcher =
      make({.order = {.shuffle = false}, .batch = 6}, {2000, 48, 1, 2048, 1024, 1024});
  EXPECT_EQ(show(batcher.next()),
            "0.0: | [ 0:0-2000 1:0-48 ] | [ 2:0-1 ] | [ 3:0-2048 ] | [ 4:0-1024 5:0-1024 ]");
  Batcher two =
      make({.order = {.shuffle = false}, .batch = 6, .ranks = 2}, {1000, 2000, 1048, 48, 1, 1});
  EXPECT_EQ(show(two.next()),
            "0.0: | [ 0:0-1000 2:0-1048 ] [ 1:0-2000 3:0-48 ] | [ 4:0-1 ] [ 5:0-1 ]");
}

TEST(Batcher, LeavesOutASmallLastStepWhereAsked) {
  const std::vector<int64_t> lengths(10, 5);
  BatchOptions options{.batch = 4};
  EXPECT_EQ(make(options, lengths).steps_in_epoch(0), 3);
  options.drop_last = true;
  Batcher batcher = make(options, lengths);
  EXPECT_EQ(batcher.steps_in_epoch(0), 2);
  batcher.next();
  batcher.next();
  EXPECT_EQ(batcher.next().epoch, 1);
  options.batch = 16;  // no whole step at all: the small one is taken
  EXPECT_EQ(make(options, lengths).steps_in_epoch(0), 1);
}

TEST(Batcher, KnowsWhenAllEpochsHaveAsManySteps) {
  const auto lengths = random_lengths(57, 9);
  const std::vector<std::vector<MixtureSource>> mixtures = {
      {},
      {{.begin = 0, .count = 20, .probability = 1}, {.begin = 20, .count = 37, .probability = 2}},
      {{.begin = 0, .count = 57, .tokens = 500}}};
  int even = 0;
  int uneven = 0;
  for (const Packing packing : kAll) {
    for (const auto& mixture : mixtures) {
      for (const int64_t window : {9, 57}) {
        for (const bool shuffle : {true, false}) {
          const Batcher batcher = make({.order = {.shuffle = shuffle, .mixture = mixture},
                                        .packing = packing,
                                        .max_length = 32,
                                        .window = window,
                                        .batch = 1},
                                       lengths);
          std::set<int64_t> steps;
          for (int64_t epoch = 0; epoch < 12; ++epoch) {
            steps.insert(batcher.steps_in_epoch(epoch));
          }
          if (batcher.has_even_epochs()) {
            ++even;
            EXPECT_EQ(steps.size(), 1U) << packing_names()[static_cast<size_t>(packing)];
          } else {
            uneven += steps.size() > 1 ? 1 : 0;
          }
        }
      }
    }
  }
  EXPECT_GE(even, 20);
  EXPECT_GE(uneven, 10);
}

TEST(Batcher, RefusesBudgetsBeyondAllMeasure) {
  const std::vector<int64_t> lengths(10, 5);
  const auto create = [&lengths](MixtureSource source) {
    source.count = 10;
    return Batcher::create({.order = {.mixture = {source}}}, lengths, {lengths});
  };
  EXPECT_TRUE(create({.tokens = 1'000'000}).has_value());
  for (const MixtureSource& source : {MixtureSource{.tokens = 1'000'000'000'000'000},
                                      MixtureSource{.characters = 1'000'000'000'000'000}}) {
    const auto refused = create(source);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("an epoch would take 20000000000000 times"),
              std::string::npos)
        << refused.error().message;
  }
}

TEST(Batcher, GroupsStayWhole) {
  const std::vector<int64_t> lengths = {20, 3, 4, 50};
  for (const Packing packing : {Packing::kNone, Packing::kBfd}) {
    Batcher batcher = make({.order = {.shuffle = false},
                            .packing = packing,
                            .max_length = 10,
                            .batch = 8,
                            .whole_items = true},
                           lengths);
    int64_t tokens = 0;
    for (const Bin& bin : batcher.next().bins) {
      for (const Piece& piece : bin) {
        EXPECT_EQ(piece.begin, 0);
        EXPECT_EQ(piece.end, lengths[static_cast<size_t>(piece.item)]);
        tokens += piece.length();
      }
    }
    EXPECT_EQ(tokens, 77);
  }
  for (const Packing packing : {Packing::kWrapped, Packing::kBfdSplit}) {
    const auto refused = Batcher::create({.packing = packing, .whole_items = true}, lengths);
    ASSERT_FALSE(refused.has_value());
    EXPECT_NE(refused.error().message.find("stay together"), std::string::npos);
  }
}

TEST(Batcher, RefusesWhatCannotBe) {
  const auto message = [](const BatchOptions& options, std::vector<int64_t> lengths) {
    const auto batcher = Batcher::create(options, std::move(lengths));
    EXPECT_FALSE(batcher.has_value());
    return batcher ? std::string() : batcher.error().message;
  };
  EXPECT_NE(message({}, {}).find("no row was kept"), std::string::npos);
  EXPECT_NE(message({.batch = 6, .micro_batch = 2, .ranks = 2}, {1}).find("a multiple of 4"),
            std::string::npos);
  EXPECT_NE(message({.batch = 0}, {1}).find("batch is 0"), std::string::npos);
  EXPECT_NE(message({.packing = Packing::kMultipack, .max_length = 8}, {9}).find("does not fit"),
            std::string::npos);
}

TEST(Batcher, RefusesACursorOfSomethingElse) {
  const auto lengths = random_lengths(20, 6);
  const BatchOptions options{.packing = Packing::kBfd, .max_length = 32, .batch = 2};
  Batcher batcher = make(options, lengths);
  batcher.next();
  const Json good = batcher.cursor();
  BatchOptions other = options;
  other.order.seed = 7;
  const auto changed = make(other, lengths).restore(good);
  ASSERT_FALSE(changed.has_value());
  EXPECT_EQ(changed.error().code, Code::kFailedPrecondition);
  EXPECT_FALSE(make(options, random_lengths(20, 7)).restore(good).has_value());
  for (const std::string key : {"epoch", "step", "index", "ready", "open", "items"}) {
    Json broken = good;
    broken.erase(key);
    EXPECT_FALSE(make(options, lengths).restore(broken).has_value()) << key;
    broken.set(key, "x");
    EXPECT_FALSE(make(options, lengths).restore(broken).has_value()) << key;
  }
  Json wrong = good;
  wrong.set("index", 1000);
  EXPECT_FALSE(make(options, lengths).restore(wrong).has_value());
  wrong = good;
  wrong.set("ready", *parse_json("[[[99, 0, 1]]]"));
  EXPECT_FALSE(make(options, lengths).restore(wrong).has_value());
  wrong.set("ready", *parse_json("[[[0, 0, 1000]]]"));
  EXPECT_FALSE(make(options, lengths).restore(wrong).has_value());
}

}  // namespace
}  // namespace cupel::train
