// Tiny models of every family, in company: rows alone, in batches of 64, after a fork, after a
// roll-back, as rows of a tree and behind a committed path, on one thread and on two, at every CPU
// level. All give the bits that the scalar level gives row by row.
#include <chrono>

#include "base/format.h"
#include "base/rng.h"
#include "engine/convert/to_gguf.h"
#include "engine/model/hf/open_folder.h"
#include "engine/model/runtime_support.h"
#include "support/family_fixtures.h"
#include "support/seeded_checkpoint.h"

namespace cupel::engine::test {
namespace {

constexpr size_t kRows = 90;  // past the original length (64) of the LongRoPE fixtures
constexpr uint64_t kVocabulary = 96;

/// All fixtures, and one whose attention is in chunks.
std::vector<std::string> cases() {
  std::vector<std::string> names = cupel::test::family_fixtures();
  names.emplace_back("qwen2_dual_chunk");
  return names;
}

Json fixture_of(const std::string& name) {
  if (name != "qwen2_dual_chunk") {
    return cupel::test::family_fixture(name);
  }
  Json fixture = cupel::test::family_fixture("qwen2");
  Json config = *fixture.find("config");
  config.set("dual_chunk_attention_config",
             Json::object().set("chunk_size", 10).set("local_size", 4));
  fixture.set("config", config);
  return fixture;
}

std::vector<TokenId> ids_of(uint64_t seed, size_t count) {
  Rng rng(seed);
  std::vector<TokenId> ids(count);
  for (TokenId& id : ids) {
    id = static_cast<TokenId>(rng.below(kVocabulary));
  }
  return ids;
}

class FamilyBits : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const auto written =
        cupel::test::write_seeded_checkpoint(fixture_of(GetParam()), folder_.path());
    ASSERT_TRUE(written.has_value()) << written.error().message;
    auto file = hf::open_folder(folder_.path());
    ASSERT_TRUE(file.has_value()) << file.error().message;
    file_ = std::make_unique<Checkpoint>(std::move(*file));
  }

  static std::unique_ptr<Transformer> load(const Checkpoint& file, const EngineOptions& options) {
    auto model = Transformer::load(file, options);
    CUPEL_CHECK(model.has_value(), model ? "" : model.error().message);
    return std::move(*model);
  }

  /// Logits of `count` rows behind `length` others. With LongRoPE they depend on where the step
  /// ends; else they are those of the rows fed one by one.
  class Reference {
   public:
    Reference(Transformer& model, std::vector<TokenId> ids) : model_(model), ids_(std::move(ids)) {
      long_rope_ = model.description().layers.front().attention.rope.long_from > 0;
      SequenceState sequence = model.new_sequence();
      for (size_t i = 0; i < ids_.size() && !long_rope_; ++i) {
        one_by_one_.push_back(feed(model, sequence, std::span(ids_).subspan(i, 1)).front());
      }
    }
    Logits rows(size_t length, size_t count) {
      if (!long_rope_) {
        return slice(one_by_one_, length, length + count);
      }
      const Logits all = run_fresh(model_, std::span(ids_).first(length + count));
      return slice(all, length, length + count);
    }

   private:
    Transformer& model_;
    std::vector<TokenId> ids_;
    bool long_rope_ = false;
    Logits one_by_one_;
  };

  /// The rows of a tree whose path is `ids`; each has a wrong sibling before it.
  static std::vector<StepRow> tree_of(SequenceState& sequence,
                                      std::span<const TokenId> ids,
                                      std::vector<int32_t>& path) {
    std::vector<StepRow> rows;
    for (const TokenId id : ids) {
      const int32_t parent = path.empty() ? StepRow::kRoot : path.back();
      for (const TokenId token : {static_cast<TokenId>((id + 7) % 96), id}) {
        rows.push_back({.sequence = &sequence, .token = token, .logits = true, .parent = parent});
      }
      path.push_back(static_cast<int32_t>(rows.size()) - 1);
    }
    return rows;
  }

  static void expect_batches(Transformer& model,
                             Reference& expected,
                             SequenceState& trunk,
                             std::span<const TokenId> ids,
                             const std::string& what) {
    const auto others = ids_of(3, 64);
    size_t fed = 0;
    for (const size_t count : {1U, 2U, 3U, 5U, 13U, 16U, 18U}) {  // 58
      SequenceState other = model.new_sequence();
      std::vector<StepRow> rows;
      add_rows(rows, trunk, ids.subspan(fed, count));
      add_rows(rows, other, std::span(others).first(64 - count));
      const Logits together = step(model, rows);
      EXPECT_TRUE(same_bits(slice(together, 0, count), expected.rows(fed, count)))
          << what << " in a batch of 64, from row " << fed;
      fed += count;
    }
  }

  static void expect_forks_and_trees(Transformer& model,
                                     Reference& expected,
                                     SequenceState& trunk,
                                     std::span<const TokenId> ids,
                                     const std::string& what) {
    const auto length = static_cast<size_t>(trunk.length());
    SequenceState fork = trunk.fork();
    feed(model, fork, ids_of(4, 9));
    fork.truncate(static_cast<int64_t>(length));
    EXPECT_TRUE(same_bits(feed(model, fork, ids.subspan(length, 12)), expected.rows(length, 12)))
        << what << " after fork and roll-back";

    std::vector<int32_t> path;
    // A tree may not lie on both sides of LongRoPE's original length, 64 in the fixtures.
    const bool long_rope = model.description().layers.front().attention.rope.long_from > 0;
    const size_t depth = long_rope ? 6 : 12;
    const Logits tree = step(model, tree_of(trunk, ids.subspan(length, depth), path));
    Logits on_path;
    for (const int32_t row : path) {
      on_path.push_back(tree[static_cast<size_t>(row)]);
    }
    EXPECT_TRUE(same_bits(on_path, expected.rows(length, depth))) << what << " as rows of a tree";
    path.resize(4);
    ASSERT_TRUE(model.commit(trunk, path).has_value());
    const Logits next = feed(model, trunk, ids.subspan(length + 4, 20));
    EXPECT_TRUE(same_bits(next, expected.rows(length + 4, 20))) << what << " behind a path";
    trunk.truncate(static_cast<int64_t>(length) - 10);
    EXPECT_TRUE(
        same_bits(feed(model, trunk, ids.subspan(length - 10, 12)), expected.rows(length - 10, 12)))
        << what << " after a roll-back over the path";
  }

  static void expect_same(Transformer& model, Reference& expected, const std::string& what) {
    const auto ids = ids_of(1, kRows);
    SequenceState trunk = model.new_sequence();
    expect_batches(model, expected, trunk, ids, what);
    expect_forks_and_trees(model, expected, trunk, ids, what);
  }

  cupel::test::TemporaryFolder folder_;
  std::unique_ptr<Checkpoint> file_;
};

TEST_P(FamilyBits, AreTheSameInAnyCompanyAtEveryLevel) {
  for (const auto activations : {Activations::kInt8, Activations::kFloat32}) {
    const auto scalar =
        load(*file_, {.threads = 1, .level = CpuLevel::kScalar, .activations = activations});
    Reference expected(*scalar, ids_of(1, kRows));
    for (const CpuLevel level : available_cpu_levels()) {
      for (const size_t threads : {1U, 2U}) {
        const auto model =
            load(*file_, {.threads = threads, .level = level, .activations = activations});
        const std::string what =
            format("{} {} {} threads", cpu_level_name(level),
                   activations == Activations::kInt8 ? "int8" : "f32", threads);
        expect_same(*model, expected, what);
      }
    }
  }
}

// The same as a GGUF file, whose rows of Q and K may stand in another order: its own reference.
TEST_P(FamilyBits, OfTheirGgufAreTheSameInAnyCompany) {
  const std::string path = folder_.file("converted.gguf");
  ASSERT_TRUE(write_gguf(*file_, GgufHeader(), path).has_value());
  const auto file = Checkpoint::open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  const auto scalar = load(*file, {.threads = 1, .level = CpuLevel::kScalar});
  Reference expected(*scalar, ids_of(1, kRows));
  const auto model = load(*file, {.threads = 1});
  expect_same(*model, expected, "GGUF");
}

INSTANTIATE_TEST_SUITE_P(All, FamilyBits, testing::ValuesIn(cases()), [](const auto& name) {
  return name.param;
});

class LongRopeSequences : public testing::Test {
 protected:
  void SetUp() override {
    const Json fixture = cupel::test::family_fixture("phi3_long");
    ASSERT_TRUE(cupel::test::write_seeded_checkpoint(fixture, folder_.path()).has_value());
    const auto file = hf::open_folder(folder_.path());
    ASSERT_TRUE(file.has_value()) << file.error().message;
    auto model = Transformer::load(*file, {.threads = 1});
    ASSERT_TRUE(model.has_value()) << model.error().message;
    model_ = std::move(*model);
    ASSERT_EQ(model_->description().layers.front().attention.rope.long_from, 64);
  }
  cupel::test::TemporaryFolder folder_;
  std::unique_ptr<Transformer> model_;
};

// A sequence that was written by speculation alone crosses the length where its factors change.
TEST_F(LongRopeSequences, CommittedRowsOfTreesAreComputedAnew) {
  const auto ids = ids_of(8, 80);
  SequenceState sequence = model_->new_sequence();
  for (size_t at = 0; at < 60; at += 4) {
    std::vector<StepRow> rows;
    std::vector<int32_t> path;
    for (size_t i = 0; i < 4; ++i) {
      const int32_t parent = path.empty() ? StepRow::kRoot : path.back();
      rows.push_back({.sequence = &sequence, .token = 5, .parent = parent});
      rows.push_back({.sequence = &sequence, .token = ids[at + i], .parent = parent});
      path.push_back(static_cast<int32_t>(rows.size()) - 1);
    }
    step(*model_, rows);
    ASSERT_TRUE(model_->commit(sequence, path).has_value());
  }
  const auto crossed = try_step(*model_, [&] {
    std::vector<StepRow> rows;
    add_rows(rows, sequence, std::span(ids).subspan(60, 20));
    return rows;
  }());
  ASSERT_TRUE(crossed.has_value()) << crossed.error().message;
  EXPECT_TRUE(same_bits(*crossed, slice(run_fresh(*model_, ids), 60, 80)));
}

TEST_F(LongRopeSequences, OnlyRowsOfTheLastStepAreCommitted) {
  SequenceState sequence = model_->new_sequence();
  std::vector<StepRow> rows(2, {.sequence = &sequence, .token = 3, .parent = StepRow::kRoot});
  step(*model_, rows);
  EXPECT_FALSE(model_->commit(sequence, std::vector<int32_t>{2}).has_value());
  ASSERT_TRUE(model_->commit(sequence, std::vector<int32_t>{1}).has_value());
  EXPECT_FALSE(model_->commit(sequence, std::vector<int32_t>{0}).has_value());  // used up
  EXPECT_EQ(sequence.length(), 1);
}

// What stands behind a given embedding is not taken for what stood in its place.
TEST_F(LongRopeSequences, GivenEmbeddingsCannotBeComputedAnew) {
  const std::vector<float> embedding(64, 0.25F);
  SequenceState sequence = model_->new_sequence();
  std::vector<StepRow> rows;
  rows.push_back({.sequence = &sequence, .token = 1});
  rows.push_back({.sequence = &sequence, .embedding = embedding.data()});
  rows.push_back({.sequence = &sequence, .token = 2});
  step(*model_, rows);
  sequence.truncate(2);
  rows.clear();
  add_rows(rows, sequence, ids_of(9, 70));
  const auto crossed = try_step(*model_, rows);
  ASSERT_FALSE(crossed.has_value());
  EXPECT_EQ(crossed.error().code, Code::kUnsupported);
  EXPECT_EQ(sequence.length(), 2);
}

// A window of a file is no reason for memory: 2^28 positions would be 17 GB of rotations.
TEST(DualChunkTables, TablesGrowWithTheSequenceAlone) {
  Json fixture = cupel::test::family_fixture("qwen2");
  Json config = *fixture.find("config");
  const auto described = [&](int64_t chunk_size, int64_t local_size) {
    config.set("dual_chunk_attention_config",
               Json::object().set("chunk_size", chunk_size).set("local_size", local_size));
    fixture.set("config", config);
    cupel::test::TemporaryFolder folder;
    CUPEL_CHECK(cupel::test::write_seeded_checkpoint(fixture, folder.path()).has_value());
    const auto file = hf::open_folder(folder.path());
    CUPEL_CHECK(file.has_value(), file ? "" : file.error().message);
    return Transformer::load(*file, {.threads = 1});
  };
  const auto model = described(int64_t{1} << 28U, 1 << 10U);
  ASSERT_TRUE(model.has_value()) << model.error().message;
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  EXPECT_EQ(run_fresh(**model, ids_of(1, 40)).size(), 40U);
  EXPECT_LT(std::chrono::steady_clock::now(), limit);  // the tables alone would take minutes
  const auto refused = described(int64_t{1} << 28U, (int64_t{1} << 28U) - 1);
  ASSERT_FALSE(refused.has_value());
  EXPECT_NE(refused.error().message.find("more than two chunks"), std::string::npos);
}

}  // namespace
}  // namespace cupel::engine::test
